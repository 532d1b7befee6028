import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parse } from 'yaml';
import { runCommand, type CommandResult } from '../support/command.js';

const folder = mkdtempSync(join(tmpdir(), 's2s-init-'));
after(() => rmSync(folder, { recursive: true }));
const write = (name: string, content: string | Uint8Array): void => writeFileSync(join(folder, name), content);
const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
const init = (...args: string[]): Promise<CommandResult> => runCommand(['init', ...args], { cwd: folder });

const NAMES = ['Anna', 'Peter', 'Maria', 'Paul', 'Eva'];
const GERMAN = ['Der Hund von % schläft heute nicht', 'Ich habe die Katze von % gesehen', 'Wo wohnt denn % jetzt?'];
const ENGLISH = ["%'s dog does not sleep today", "I have seen %'s cat", 'But where does % live now?'];
const PAIRS = Array.from({ length: 60 }, (_, index) => {
  const fill = (sentences: readonly string[]): string =>
    `${sentences[index % 3]!.replace('%', NAMES[index % 5]!)} ${index}`;
  return [fill(GERMAN), fill(ENGLISH)] as const;
});
const csv = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

interface Configuration {
  readonly runDirectory: string;
  readonly data: {
    readonly sourceLanguage?: string;
    readonly targetLanguage?: string;
    readonly train: readonly object[];
    readonly dev: { readonly holdOut: number };
    readonly test?: { readonly holdOut: number };
  };
}
const configuration = (name: string): Configuration => parse(readFileSync(join(folder, name), 'utf8')) as Configuration;

/** The corpus that a file of the given name and content is recognised as. */
async function corpusOf(name: string, content: string | Uint8Array, ...args: string[]): Promise<object> {
  write(name, content);
  const { code, stdout, stderr } = await init(name, '-o', 'out.yaml', '--force', ...args);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, 's2s train --config out.yaml\n');
  const { data } = configuration('out.yaml');
  assert.deepEqual([data.sourceLanguage, data.targetLanguage], ['de', 'en'], stderr);
  assert.match(stderr, /^ {2}source: Der Hund von Anna schläft heute nicht 0\n {2}target: Anna's dog does not/m);
  assert.equal(stderr.match(/^ {2}source: /gm)?.length, 3);
  return data.train[0]!;
}

test('a table: TSV with and without a header, gzipped, with more columns', async () => {
  const rows = PAIRS.map((pair) => pair.join('\t'));
  assert.deepEqual(await corpusOf('a.tsv', text(rows)), { file: 'a.tsv', sourceColumn: 1, targetColumn: 2 });
  assert.deepEqual(await corpusOf('a.tsv.gz', gzipSync(text(rows))), {
    file: 'a.tsv.gz',
    sourceColumn: 1,
    targetColumn: 2,
  });
  assert.deepEqual(await corpusOf('pairs', text(['source\ttarget', ...rows])), {
    file: 'pairs',
    format: 'tsv',
    sourceColumn: 'source',
    targetColumn: 'target',
  });
  const wide = PAIRS.map(([de, en], index) => `tatoeba\t${en}\t${index}\thttps://example.org/${index}\t${de}`);
  assert.deepEqual(await corpusOf('wide.tsv', text(wide), '--swap'), {
    file: 'wide.tsv',
    sourceColumn: 5,
    targetColumn: 2,
  });
  const headed = ['set\tEN\tid\turl\tdeutsch', ...wide];
  assert.deepEqual(await corpusOf('headed.tsv', text(headed), '--source-column', 'deutsch'), {
    file: 'headed.tsv',
    sourceColumn: 'deutsch',
    targetColumn: 'EN',
  });
});

test('CSV with commas or semicolons, and quoted line breaks', async () => {
  const rows = PAIRS.map(([de, en], index) => [csv(de), csv(index === 1 ? `${en}\nand "more"` : en)]);
  assert.deepEqual(await corpusOf('c.csv', text(rows.map((row) => row.join(',')))), {
    file: 'c.csv',
    sourceColumn: 1,
    targetColumn: 2,
  });
  assert.deepEqual(
    await corpusOf('s.csv', text(['id;German;English', ...rows.map((row, id) => `${id};${row.join(';')}`)])),
    {
      file: 's.csv',
      sourceColumn: 'German',
      targetColumn: 'English',
      delimiter: ';',
    },
  );
});

test('JSON Lines: objects, nested objects and arrays', async () => {
  const lines = (value: (de: string, en: string) => object): string =>
    text(PAIRS.map(([de, en]) => JSON.stringify(value(de, en))));
  assert.deepEqual(
    await corpusOf(
      'o.jsonl',
      lines((tgt, src) => ({ id: 'x', tgt, src })),
      '--swap',
    ),
    {
      file: 'o.jsonl',
      sourceColumn: 'tgt',
      targetColumn: 'src',
    },
  );
  assert.deepEqual(
    await corpusOf(
      'n.txt',
      lines((de, en) => ({ translation: { de, en } })),
    ),
    {
      file: 'n.txt',
      format: 'jsonl',
      sourceColumn: 'translation.de',
      targetColumn: 'translation.en',
    },
  );
  assert.deepEqual(
    await corpusOf(
      'a.jsonl',
      lines((de, en) => [de, en]),
    ),
    {
      file: 'a.jsonl',
      sourceColumn: 1,
      targetColumn: 2,
    },
  );
});

test('two aligned files become a configuration that trains, resumes and is scored on the same held-out pairs', async () => {
  write('train.de', text(PAIRS.map(([de]) => de)));
  write('train.en.gz', gzipSync(text(PAIRS.map(([, en]) => en))));
  const { code, stdout, stderr } = await init('train.de', 'train.en.gz', '--dev', '4', '--run-dir', 'runs/de-en');
  assert.equal(code, 0, stderr);
  assert.equal(stdout, 's2s train --config train.yaml\n');
  assert.match(stderr, /two aligned files; source: train\.de, German; target: train\.en\.gz, English/);
  assert.match(stderr, /wrote train\.yaml: 60 pairs, 4 pairs held out for dev and 3 for test/);
  const written = configuration('train.yaml');
  assert.deepEqual(written, {
    runDirectory: 'runs/de-en',
    data: {
      sourceLanguage: 'de',
      targetLanguage: 'en',
      train: [{ source: 'train.de', target: 'train.en.gz' }],
      dev: { holdOut: 4 },
      test: { holdOut: 3 },
    },
  });

  const small = [
    'tokenizer.size=60',
    'model.embeddingSize=8',
    'model.encoder.hiddenSize=8',
    'model.decoder.hiddenSize=8',
  ];
  const set = [...small, 'device=cpu'].flatMap((setting) => ['--set', setting]);
  const train = (...args: string[]) =>
    runCommand(['train', '--config', 'train.yaml', ...set, ...args], { cwd: folder });
  const trained = await train('--max-steps', '3');
  assert.equal(trained.code, 0, trained.stderr);
  assert.match(trained.stderr, /^train: 53 of 60 pairs; dropped 7 held out for dev or test$/m);
  assert.match(trained.stderr, /^dev: 4 of 4 pairs$/m);

  // More text changes what a new run would draw, but not what this run has held out.
  write('train.de', text([...PAIRS, ...PAIRS].map(([de]) => de)));
  write('train.en.gz', gzipSync(text([...PAIRS, ...PAIRS].map(([, en]) => en))));
  const scored = async () => {
    const { stdout: scores, stderr: problem } = await runCommand(
      ['eval', '--split', 'test', '--json', '--beam-size', '1', '--output', 'hypotheses'],
      { cwd: folder },
    );
    assert.match(problem, /translating 3 lines of test/);
    return (JSON.parse(scores) as { sentences: number }).sentences;
  };
  const heldOut = readFileSync(join(folder, 'runs/de-en/held-out.json'), 'utf8');
  assert.equal(await scored(), 3);
  const resumed = await train('--resume', '--max-steps', '4');
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.match(resumed.stderr, /^train: 106 of 120 pairs; dropped 7 held out for dev or test, 7 with the source or/m);
  assert.equal(readFileSync(join(folder, 'runs/de-en/held-out.json'), 'utf8'), heldOut);
  const changed = await train('--resume', '--max-steps', '5', '--set', 'data.test.holdOut=5');
  assert.equal(changed.code, 2);
  assert.match(changed.stderr, /data\.test\.holdOut: is 5, but this run was started with 3 pairs held out for test/);
  rmSync(join(folder, 'train.de'));
  assert.equal(await scored(), 3);
});

test('an existing configuration is kept without --force; paths with spaces are quoted', async () => {
  write('my text.tsv', text(PAIRS.map((pair) => pair.join('\t'))));
  const first = await init('my text.tsv', '--test', '0', '--source-language', 'gsw');
  assert.equal(first.stdout, "s2s train --config 'my text.yaml'\n", first.stderr);
  const { data } = configuration('my text.yaml');
  assert.equal(data.test, undefined);
  assert.equal(data.sourceLanguage, 'gsw');
  const before = readFileSync(join(folder, 'my text.yaml'), 'utf8');
  const second = await init('my text.tsv');
  assert.equal(second.code, 2);
  assert.match(second.stderr, /^error: my text\.yaml: this file exists already\nReplace it with --force/);
  assert.equal(readFileSync(join(folder, 'my text.yaml'), 'utf8'), before);
});

test('the configuration may be in another folder, and only has settings that do not depend on the text', async () => {
  write('sub.tsv', text(PAIRS.map((pair) => pair.join('\t'))));
  const { code, stderr } = await init('sub.tsv', '--output', 'configs/sub.yaml');
  assert.equal(code, 0, stderr);
  const written = configuration('configs/sub.yaml');
  assert.deepEqual(Object.keys(written), ['runDirectory', 'data']);
  assert.equal(written.runDirectory, '../runs/sub');
  assert.deepEqual(written.data.train, [{ file: '../sub.tsv', sourceColumn: 1, targetColumn: 2 }]);
});

test('mistakes are errors that say what is wrong and where, and nothing is written', async () => {
  write('one.txt', 'only\none\ncolumn\n');
  write('empty.tsv', '\n \n');
  write('latin1.tsv', Buffer.from('gr\xfcn\tgreen\n', 'latin1'));
  write('short.en', 'a\nb\n');
  write('long.de', 'a\nb\nc\n');
  write('tiny.tsv', 'ein Hund\ta dog\n');
  write('array.jsonl', '[{"a":"x","b":"y"}]\n');
  write('wrong.tsv', text([...PAIRS.map((pair) => pair.join('\t')), 'no tab']));
  const rows = PAIRS.map((pair) => pair.join('\t'));
  write('good.tsv', text(rows));
  const cases: readonly [string[], RegExp][] = [
    [['one.txt'], /^error: one\.txt: has one column of text, but source and target are needed\n/],
    [['empty.tsv'], /^error: empty\.tsv: the file is empty\n/],
    [['latin1.tsv'], /^error: latin1\.tsv:1: the line is not valid UTF-8\n/],
    [['short.en', 'long.de'], /error: long\.de:3: no matching line in short\.en: it has 2 lines, this file 3 lines\n/],
    [['tiny.tsv'], /error: tiny\.tsv: has 1 pair with text on both sides, and 1 different source text: too few\n/],
    [['array.jsonl'], /^error: array\.jsonl:1: the first line is not a JSON object with both texts\n/],
    [['wrong.tsv'], /error: .*wrong\.tsv:61: the row has no column 2; it has 1 column\n/],
    [['good.tsv', 'wrong.tsv'], /^error: good\.tsv: is a table, but two files must be plain text/],
    [['short.en', 'short.en'], /^error: short\.en: is given as both sides\n/],
    [
      ['good.tsv', '--source-column', '3'],
      /^error: --source-column is "3", but there is no such column\.\nThe columns/,
    ],
    [['good.tsv', '--source-column', '2', '--target-column', '2'], /^error: --source-column and --target-column are/],
    [['good.tsv', '--dev', '29'], /error: --dev and --test would hold out 32 of 60 pairs\.\n.*at most 30 in total/],
    [['good.tsv', '--dev', '0'], /^error: --dev must be an integer of at least 1\.\n/],
    [['missing.tsv'], /^error: missing\.tsv: there is no such file\n/],
    [['-'], /^error: stdin: is not a regular file/],
    [[], /^error: No file was given\.\nName one table/],
    [['good.tsv', 'short.en', 'long.de'], /^error: 3 files were given\.\n/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await init(...args, '-o', 'never.yaml');
    assert.match(stderr, message, args.join(' '));
    assert.ok(code === 1 || code === 2, args.join(' '));
    assert.equal(stdout, '');
    assert.doesNotMatch(stderr, / at .*\.js:\d+/);
  }
  assert.equal(existsSync(join(folder, 'never.yaml')), false);
});
