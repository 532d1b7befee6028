import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { configFileSchema, type ConfigInput, type LoadedConfig } from '../../../src/config/file-schema.js';
import { readResolvedConfig } from '../../../src/config/save.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { buildConfigVocabulary } from '../../../src/training/vocabulary.js';
import { chooseSettings } from '../../../src/training/settings.js';
import { trainTiny, writeTinyText } from '../../support/tiny-training.js';

const text = writeTinyText({ train: 40, dev: 5 });
before(() => loadTensorFlow({ device: 'cpu' }));
after(() => text.remove());

/** A configuration as loaded: nothing given but a width and a number of updates that make steps fast. */
function loaded(name: string, given: Partial<ConfigInput> = {}): LoadedConfig {
  return configFileSchema.parse({
    precision: 'float32',
    runDirectory: join(text.folder, name),
    data: {
      train: [{ source: join(text.folder, 'train.a'), target: join(text.folder, 'train.b') }],
      dev: [{ source: join(text.folder, 'dev.a'), target: join(text.folder, 'dev.b') }],
    },
    model: { decoder: { hiddenSize: 8 } },
    training: { maxSteps: 2 },
    ...given,
  });
}

test('a new run counts the text, reports its choices and saves numbers', async () => {
  const config = loaded('new');
  const { preparation } = await trainTiny(config);
  const chosen = preparation.find((event) => event.type === 'settings-chosen');
  assert.ok(chosen?.type === 'settings-chosen' && chosen.counted);
  assert.ok(chosen.choices.some(({ key, reason }) => key === 'tokenizer.size' && reason.startsWith('40 pairs')));
  assert.ok(!chosen.choices.some(({ key }) => key === 'model.decoder.hiddenSize'));
  const saved = readResolvedConfig(config.runDirectory);
  assert.equal(saved.model.embeddingSize, 8);
  assert.equal(saved.training.batch.size, 256);
  const { config: again } = await chooseSettings(config, 'cpu');
  assert.equal(JSON.stringify(again), JSON.stringify(saved));
});

test('a resumed run keeps its numbers, also after the text has grown, and takes those that are given', async () => {
  const config = loaded('resumed');
  await trainTiny(config);
  const { training, tokenizer } = readResolvedConfig(config.runDirectory);
  const grown = join(text.folder, 'grown.tsv');
  writeFileSync(grown, 'a b c d e f g h\th g f e d c b a\n'.repeat(20_000));
  const data = { ...config.data, train: [...config.data.train, { file: grown }] };
  const fresh = await chooseSettings({ ...config, data }, 'cpu');
  assert.notEqual(fresh.config.training.batch.size, training.batch.size);

  const more = loaded('resumed', { data, training: { maxSteps: 4, earlyStopping: { patience: 9 } } });
  const { preparation, error } = await trainTiny(more, { resume: true });
  assert.equal(error, undefined);
  assert.ok(!preparation.some(({ type }) => type === 'settings-chosen'));
  const saved = readResolvedConfig(config.runDirectory);
  assert.deepEqual(saved.tokenizer, tokenizer);
  assert.deepEqual(saved.training.batch, training.batch);
  assert.deepEqual(saved.training.schedule, training.schedule);
  assert.deepEqual([saved.training.maxSteps, saved.training.earlyStopping.patience], [4, 9]);
});

test('a run initialised from another takes its model and vocabulary, and a lower learning rate', async () => {
  const base = loaded('base', { tokenizer: { size: 30 }, model: { decoder: { hiddenSize: 6 }, embeddingSize: 4 } });
  await trainTiny(base);
  const tuned = loaded('tuned', { model: {} });
  const { error } = await trainTiny(tuned, { start: { run: base.runDirectory } });
  assert.equal(error, undefined);
  const { model, tokenizer, training } = readResolvedConfig(tuned.runDirectory);
  const { learningRate } = readResolvedConfig(base.runDirectory).training.optimizer;
  assert.equal(training.optimizer.learningRate, learningRate / 4);
  assert.deepEqual([model.embeddingSize, model.decoder.hiddenSize, tokenizer.size], [4, 6, 30]);
});

test('existing tokenizers in tokenizer.directory determine the vocabulary size', async () => {
  const directory = join(text.folder, 'tokenizers');
  const { config } = await chooseSettings(loaded('vocabulary', { tokenizer: { size: 25, directory } }), 'cpu');
  await buildConfigVocabulary(config);
  const named = loaded('named', { tokenizer: { directory } });
  const { preparation } = await trainTiny(named);
  assert.ok(!preparation.some(({ type }) => type === 'vocabulary-differs'));
  assert.equal(readResolvedConfig(named.runDirectory).tokenizer.size, 25);
});

test('text that is not in regular files is not read, and gets the settings of an ordinary text', async () => {
  const missing = join(text.folder, 'missing.tsv');
  const config = loaded('pipe', { data: { train: [{ file: missing }], dev: [{ file: missing }] } });
  const { counted, config: chosen } = await chooseSettings(config, 'cpu');
  assert.equal(counted, false);
  assert.ok(chosen.tokenizer.size >= 4000);
  rmSync(config.runDirectory, { recursive: true, force: true });
});
