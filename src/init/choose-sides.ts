import { UsageError } from '../errors.js';
import { meaningOfName, type Meaning } from './column-names.js';
import type { Column, Layout, Sides } from './layout.js';

/** Not text: numbers, codes with digits, addresses and paths. */
const NOT_TEXT = /^(?:[\d\s.,:;%+()/-]*|[\w.-]*\d[\w.-]*|(?:https?:\/\/|www\.|\.{0,2}\/)\S*|\S+@\S+)$/;

/**
 * Chooses the columns of source and target: those named so, else the first two that are named after languages, else the
 * two columns with the most distinct text, in their order.
 */
export function chooseSides({ columns, format }: Pick<Layout, 'columns' | 'format'>): Sides {
  if (format === 'plain') return { source: 0, target: 1 };
  // `id` is the code of Indonesian, but such a column has identifiers.
  const meanings = columns.map(({ name, cells }) =>
    name === undefined || amountOfText(cells) === 0 ? undefined : meaningOfName(name),
  );
  const having = (test: (meaning: Meaning) => boolean): number[] =>
    meanings.flatMap((meaning, index) => (meaning !== undefined && test(meaning) ? [index] : []));
  const [sources, targets] = [having(({ side }) => side === 'source'), having(({ side }) => side === 'target')];
  if (sources.length === 1 && targets.length === 1) return { source: sources[0]!, target: targets[0]! };
  const languages = having(({ language }) => language !== undefined);
  const best = languages.length >= 2 ? languages : columnsWithMostText(columns);
  return { source: best[0]!, target: best[1]! };
}

function columnsWithMostText(columns: readonly Column[]): number[] {
  return columns
    .map(({ cells }, index) => ({ index, text: amountOfText(cells) }))
    .sort((a, b) => b.text - a.text)
    .slice(0, 2)
    .map(({ index }) => index)
    .sort((a, b) => a - b);
}

/** Characters of the distinct cells that are text. Categories repeat, identifiers are not text. */
function amountOfText(cells: readonly string[]): number {
  let characters = 0;
  for (const cell of new Set(cells)) if (/\p{L}/u.test(cell) && !NOT_TEXT.test(cell.trim())) characters += cell.length;
  return characters;
}

/**
 * Finds a column by its name or its number from 1.
 *
 * @param option the option that names it, for the error
 * @throws UsageError `init-column`
 */
export function findColumn(columns: readonly Column[], wanted: string, option: string): number {
  const named = columns.findIndex(({ name }) => name === wanted);
  if (named >= 0) return named;
  const number = /^\d+$/.test(wanted) ? Number(wanted) : 0;
  if (number >= 1 && number <= columns.length) return number - 1;
  const names = columns.map(({ name }, index) => (name === undefined ? String(index + 1) : `${index + 1} (${name})`));
  throw new UsageError('init-column', `${option} is ${JSON.stringify(wanted)}, but there is no such column.`, {
    hint: `The columns are ${names.join(', ')}.`,
  });
}
