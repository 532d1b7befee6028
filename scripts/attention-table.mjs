#!/usr/bin/env node
// node scripts/attention-table.mjs FILE [LINE]: prints the attention weights of one line of a file that
// s2s translate --save-attention has written, in percent: a column for each source token, a row for each target token.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** Shown instead of weights that round to 0 %. */
const ZERO = '·';

const [file, line = '1'] = process.argv.slice(2);
if (file === undefined || !/^[1-9]\d*$/.test(line)) {
  process.stderr.write('Usage: node scripts/attention-table.mjs FILE [LINE], where LINE counts from 1\n');
  process.exit(2);
}
try {
  process.stdout.write(table(await readMap(file, Number(line))));
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

/**
 * @typedef {{ source: string[], target: string[], weights: number[][] }} AttentionMap
 *
 * @param {string} path
 * @param {number} number
 * @returns {Promise<AttentionMap>}
 */
async function readMap(path, number) {
  let count = 0;
  for await (const text of createInterface({ input: createReadStream(path) })) {
    if (++count === number) return JSON.parse(text);
  }
  throw new Error(`${path}: there is no line ${number}, but ${count} in all`);
}

/** @param {AttentionMap} map */
function table({ source, target, weights }) {
  const names = ['', ...target];
  const width = Math.max(...names.map(lengthOf));
  const columns = source.map((token, column) => [
    token,
    ...weights.map((row) => (Math.round(100 * (row[column] ?? 0)) || ZERO).toString()),
  ]);
  const widths = columns.map((cells) => Math.max(...cells.map(lengthOf)));
  const rows = names.map((name, row) => {
    const cells = columns.map((cells, column) => pad(cells[row] ?? '', widths[column] ?? 0));
    return [name + ' '.repeat(width - lengthOf(name)), ...cells].join('  ');
  });
  return rows.map((row) => `${row}\n`).join('');
}

/**
 * Right-aligned, by characters instead of UTF-16 units.
 *
 * @param {string} text
 * @param {number} width
 */
function pad(text, width) {
  return ' '.repeat(width - lengthOf(text)) + text;
}

/** @param {string} text */
function lengthOf(text) {
  return [...text].length;
}
