import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { configSchema, type Config } from '../../../src/config/schema.js';
import { BatchSource } from '../../../src/data/batches.js';
import { loadEncodedCorpus } from '../../../src/data/encode.js';
import { loadEvaluationData, loadTrainingData, type DataEvent } from '../../../src/data/load.js';
import { fakeTokenizers, messageOf, temporaryFolder } from './fixtures.js';

const { folder, write } = temporaryFolder();

function configOf(data: object): Config {
  return configSchema.parse({ runDirectory: path.join(folder, 'run'), data: { maxSourceLength: 3, ...data } });
}

test('the train split is filtered; the dev split has every pair, with its text', async () => {
  const long = write('long.tsv', 'a b c d e\tx\na\tx\n\ty\n');
  const events: DataEvent[] = [];
  const { train, dev } = await loadTrainingData(
    configOf({ train: [{ file: long }], dev: [{ file: long }] }),
    fakeTokenizers(),
    (event) => events.push(event),
  );
  assert.equal(train.corpus.size, 1);
  assert.equal(dev.corpus.size, 3);
  assert.deepEqual(
    [dev.sources, dev.targets],
    [
      ['a b c d e', 'a', ''],
      ['x', 'x', 'y'],
    ],
  );
  assert.deepEqual(
    events.filter((event) => event.type === 'loaded').map(({ split }) => split),
    ['train', 'dev'],
  );
  assert.ok(existsSync(path.join(folder, 'run', 'cache')));
});

test('a split without pairs, before or after filtering, is an error with the reasons', async () => {
  const file = write('all-long.tsv', 'a b c d e\tx\n\ty\n');
  const config = configOf({ train: [{ file }], dev: [{ file }], test: [{ file: write('empty.tsv', '') }] });
  assert.equal(
    await messageOf(() => loadTrainingData(config, fakeTokenizers()), folder),
    'all-long.tsv: data.train: filtering dropped all 2 pairs of the train data: 1 empty source, 1 source too long',
  );
  assert.equal(
    await messageOf(() => loadEvaluationData(config, 'test', fakeTokenizers()), folder),
    'empty.tsv: data.test: the test data contain no sentence pair',
  );
});

test('weights that leave an epoch empty are an error with the key', async () => {
  const file = write('two.tsv', 'a\tx\nb\ty\n');
  const config = configOf({
    train: [
      { file, weight: 0.1 },
      { file, weight: 0.2 },
    ],
    dev: [{ file }],
  });
  assert.equal(
    await messageOf(() => loadTrainingData(config, fakeTokenizers()), folder),
    'two.tsv: data.train[0].weight: with weight 0.1 an epoch has less than one pair of this corpus',
  );
});

test('Multi30k: less than a tenth of the positions is padding, and the cache loads within a second', async (t) => {
  const multi30k = path.resolve('../shared/data/multi30k');
  if (!existsSync(multi30k)) return t.skip(`${multi30k} does not exist`);
  const options = {
    corpora: [{ source: path.join(multi30k, 'train.de.gz'), target: path.join(multi30k, 'train.en.gz') }],
    tokenizers: fakeTokenizers(),
    limits: { maxSourceLength: 100, maxTargetLength: 100, maxLengthRatio: 9 },
    cacheDirectory: path.join(folder, 'multi30k'),
  };
  const { corpus } = await loadEncodedCorpus(options);
  assert.equal(corpus.size, 29_000);
  for (const batch of [
    { size: 2048, unit: 'tokens' as const },
    { size: 64, unit: 'sentences' as const },
  ]) {
    const { paddingShare } = new BatchSource(corpus, { seed: 1, ...batch }).statistics(0);
    assert.ok(paddingShare < 0.1, `${paddingShare} of padding at ${batch.size} ${batch.unit}`);
  }
  const started = performance.now();
  await loadEncodedCorpus(options);
  assert.ok(performance.now() - started < 1000);
});
