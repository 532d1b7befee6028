import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ConfigInput } from '../../../src/config/file-schema.js';
import { configSchema, type Config } from '../../../src/config/schema.js';
import { comparableText } from '../../../src/data/comparable-text.js';
import { prepareHeldOut } from '../../../src/data/held-out.js';
import { loadTrainingData, type DataEvent } from '../../../src/data/load.js';
import type { Pair } from '../../../src/data/pair.js';
import { openSplit } from '../../../src/data/split.js';
import { configVocabularyState, learnConfigVocabulary } from '../../../src/data/vocabulary.js';
import { Random } from '../../../src/random.js';
import { fakeTokenizers, messageOf, temporaryFolder } from './fixtures.js';

const { folder, write } = temporaryFolder();
let runs = 0;

/** A configuration with a run directory of its own. */
function configOf(data: ConfigInput['data'], more: object = {}): Config {
  return configSchema.parse({ runDirectory: path.join(folder, `run-${runs++}`), data, ...more });
}

const rows = (count: number, name: string): string[] =>
  Array.from({ length: count }, (_, index) => `${name} source ${index}\t${name} target ${index}`);
const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

async function pairsOf(config: Config, split: 'train' | 'dev' | 'test'): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for await (const block of (await openSplit(config, split)).read()) pairs.push(...block);
  return pairs;
}

const sourcesOf = async (config: Config, split: 'train' | 'dev' | 'test'): Promise<string[]> =>
  (await pairsOf(config, split)).map(({ source }) => source);

test('dev, test and train are disjoint, and no text of a held-out pair remains in train', async () => {
  // Every text occurs several times: with other case and spaces, and with another translation or source.
  const lines = rows(300, 'a').flatMap((row, index) => {
    const [source, target] = row.split('\t') as [string, string];
    return [
      row,
      ...(index % 3 === 0 ? [`${source.toUpperCase().replace(' ', '  ')} \t${target} again`] : []),
      ...(index % 4 === 0 ? [`another ${source}\t${target.replaceAll(' ', '\u00a0')}`] : []),
    ];
  });
  const config = configOf({
    train: [{ file: write('duplicates.tsv', text(lines)) }],
    dev: { holdOut: 20 },
    test: { holdOut: 30 },
  });
  const [train, dev, held] = [
    await pairsOf(config, 'train'),
    await pairsOf(config, 'dev'),
    await pairsOf(config, 'test'),
  ];
  assert.deepEqual([dev.length, held.length], [20, 30]);
  const sides = (pairs: readonly Pair[]): Set<string> =>
    new Set(pairs.flatMap(({ source, target }) => [comparableText(source), comparableText(target)]));
  const common = (a: readonly Pair[], b: readonly Pair[]): string[] =>
    [...sides(a)].filter((side) => sides(b).has(side));
  assert.deepEqual(common(train, dev), []);
  assert.deepEqual(common(train, held), []);
  assert.deepEqual(common(dev, held), []);
  assert.ok(train.length < lines.length - 50 && train.length > 250, `${train.length} of ${lines.length}`);
  assert.equal(new Set(held.map(({ source }) => comparableText(source))).size, 30);
});

test('the number of pairs left out of train is reported, and they are not encoded', async () => {
  const events: DataEvent[] = [];
  const lines = [...rows(40, 'a'), 'A  source 0\tx', ...rows(40, 'a')];
  const config = configOf({ train: [{ file: write('twice.tsv', text(lines)) }], dev: { holdOut: 10 } });
  const { train, dev } = await loadTrainingData(config, fakeTokenizers(), (event) => events.push(event));
  const [loaded] = events.filter((event) => event.type === 'loaded');
  assert.equal(loaded?.summary.read, 81);
  assert.equal(loaded.summary.dropped.heldOut, 10);
  assert.ok([10, 11].includes(loaded.summary.dropped.sameAsHeldOut));
  assert.equal(train.corpus.size, loaded.summary.kept);
  assert.equal(loaded.summary.kept, 81 - 10 - loaded.summary.dropped.sameAsHeldOut);
  assert.deepEqual([dev.corpus.size, dev.sources.length, dev.targets.length], [10, 10, 10]);
});

test('draws depend on the seed, not on the order of lines or files, nor on the size of the other split', async () => {
  const lines = rows(200, 'a');
  const shuffled = new Random(3).shuffle([...lines]);
  const train = [{ file: write('ordered.tsv', text(lines)) }];
  const halves = [
    { file: write('half.tsv.gz', gzipSync(text(shuffled.slice(100)))) },
    { file: write('other-half.tsv', text(shuffled.slice(0, 100))) },
  ];
  const dev = async (config: Config): Promise<string[]> => (await sourcesOf(config, 'dev')).sort();
  const first = await dev(configOf({ train, dev: { holdOut: 20 } }));
  assert.deepEqual(await dev(configOf({ train, dev: { holdOut: 20 } })), first);
  assert.deepEqual(await dev(configOf({ train: halves, dev: { holdOut: 20 } })), first);
  assert.notDeepEqual(await dev(configOf({ train, dev: { holdOut: 20 } }, { seed: 2 })), first);
  const smaller = await dev(configOf({ train, dev: { holdOut: 10 } }));
  assert.ok(smaller.every((source) => first.includes(source)));
  const tests = await Promise.all(
    [5, 40].map((holdOut) => sourcesOf(configOf({ train, dev: { holdOut }, test: { holdOut: 15 } }), 'test')),
  );
  assert.deepEqual(tests[0], tests[1]);
});

test('many more pairs than fit among the candidates: the lowest ranks win', async () => {
  const lines = rows(9000, 'a');
  const train = (text_: readonly string[], name: string) => [{ file: write(name, text(text_)) }];
  const config = configOf({ train: train(lines, 'many.tsv'), dev: { holdOut: 7 } });
  const reversed = configOf({ train: train(lines.toReversed(), 'reversed.tsv'), dev: { holdOut: 7 } });
  assert.deepEqual((await sourcesOf(config, 'dev')).sort(), (await sourcesOf(reversed, 'dev')).sort());
});

test('weights are the odds of being drawn, and places name the file and line of each pair', async () => {
  const train = [
    { file: write('heavy.tsv', text(rows(1000, 'heavy'))), weight: 3 },
    { source: write('light.a', text(rows(1000, 'light'))), target: write('light.b', text(rows(1000, 'clear'))) },
  ];
  const config = configOf({ train, dev: { holdOut: 400 } });
  const split = await openSplit(config, 'dev');
  const dev = await pairsOf(config, 'dev');
  const heavy = dev.filter(({ file }) => file === train[0]!.file);
  assert.ok(heavy.length > 260 && heavy.length < 340, `${heavy.length} of 400`);
  for (const { source, file, line, corpus } of dev) {
    assert.equal(readFileSync(file, 'utf8').split('\n')[line - 1]!.startsWith(source), true);
    assert.equal(split.corpora[corpus]!.file, file);
  }
});

test('a run keeps its pairs when the text changes; a new training draws again', async () => {
  const file = write('growing.tsv', text(rows(100, 'a')));
  const config = configOf({ train: [{ file }], dev: { holdOut: 10 } });
  await prepareHeldOut(config);
  const before = await sourcesOf(config, 'dev');
  writeFileSync(file, text([...rows(100, 'a'), ...rows(300, 'b')]));
  assert.deepEqual(await sourcesOf(config, 'dev'), before);
  assert.equal((await sourcesOf(config, 'train')).length, 390);
  rmSync(file);
  assert.deepEqual(await sourcesOf(config, 'dev'), before, 'the text is not needed');
  writeFileSync(file, text(rows(300, 'b')));
  await prepareHeldOut(config);
  assert.ok((await sourcesOf(config, 'dev')).every((source) => source.startsWith('b')));
});

test('another number of pairs in a run is an error, and so is a damaged file', async () => {
  const train = [{ file: write('kept.tsv', text(rows(100, 'a'))) }];
  const config = configOf({ train, dev: { holdOut: 10 } });
  await prepareHeldOut(config);
  const changed = { ...config, data: { ...config.data, dev: { holdOut: 11 } } };
  assert.match(
    await messageOf(() => openSplit(changed, 'train'), folder),
    /^run-\d+: data\.dev\.holdOut: is 11, but this run was started with 10 pairs held out for dev$/,
  );
  const saved = path.join(config.runDirectory, 'held-out.json');
  writeFileSync(saved, readFileSync(saved, 'utf8').replace('a source', 'b source'));
  assert.match(await messageOf(() => openSplit(config, 'dev'), folder), /held-out\.json: this file is damaged/);
});

test('cached training text and vocabulary follow what is held out', async () => {
  const train = [{ file: write('cached.tsv', text(rows(100, 'a'))) }];
  const cacheDirectory = path.join(folder, 'shared-cache');
  const sizes: number[] = [];
  for (const dev of [[{ file: write('own-dev.tsv', 'x\ty\n') }], { holdOut: 10 }, { holdOut: 20 }]) {
    const config = configOf({ train, dev, cacheDirectory });
    const { train: loaded } = await loadTrainingData(config, fakeTokenizers());
    sizes.push(loaded.corpus.size);
  }
  assert.deepEqual(sizes, [100, 90, 80]);

  const config = configOf({ train, dev: { holdOut: 10 } }, { tokenizer: { size: 40 } });
  await prepareHeldOut(config);
  assert.equal((await learnConfigVocabulary(config, 'own')).pairs, 90);
  assert.equal((await configVocabularyState(config)).state, 'current');
  const other = configOf(
    { train, dev: { holdOut: 10 } },
    { seed: 5, tokenizer: { size: 40, directory: config.runDirectory } },
  );
  assert.equal((await configVocabularyState(other)).state, 'stale');
});

test('a split with its own corpora shares no text with a held-out one', async () => {
  const train = [{ file: write('with-dev.tsv', text(rows(40, 'a'))) }];
  const dev = [{ file: write('listed.tsv', text(rows(15, 'a').map((row) => row.toUpperCase()))) }];
  const config = configOf({ train, dev, test: { holdOut: 10 } });
  const listed = (await sourcesOf(config, 'dev')).map(comparableText);
  assert.equal(listed.length, 15);
  for (const source of await sourcesOf(config, 'test')) assert.ok(!listed.includes(source), source);
});

test('too many pairs, too few texts and a pipe are errors that say what is possible', async () => {
  const train = [{ file: write('small.tsv', text([...rows(20, 'a'), '\tb', 'c\t'])) }];
  assert.equal(
    await messageOf(() => openSplit(configOf({ train, dev: { holdOut: 6 }, test: { holdOut: 5 } }), 'dev')),
    'data.test.holdOut: 11 pairs cannot be held out: the training corpora have 20 usable pairs',
  );
  assert.equal((await pairsOf(configOf({ train, dev: { holdOut: 5 }, test: { holdOut: 5 } }), 'train')).length, 12);
  const same = [{ file: write('same.tsv', 'yes\toui\n'.repeat(10) + 'no\tnon\n') }];
  assert.equal(
    await messageOf(() => openSplit(configOf({ train: same, dev: { holdOut: 3 } }), 'train')),
    'data.dev.holdOut: 3 pairs cannot be held out: ' +
      'the training corpora have only 2 pairs with different source texts',
  );
  assert.match(
    await messageOf(() =>
      openSplit(configOf({ train: [{ file: '/dev/null', format: 'tsv' }], dev: { holdOut: 3 } }), 'dev'),
    ),
    /null: is not a regular file, and holding out pairs reads the text several times$/,
  );
});
