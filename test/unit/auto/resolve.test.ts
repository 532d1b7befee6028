import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeChoices } from '../../../src/auto/choices.js';
import { resolveConfig } from '../../../src/auto/resolve.js';
import { assertConsistent } from '../../../src/config/checks.js';
import { configFileSchema, type ConfigInput } from '../../../src/config/file-schema.js';
import { CAPTIONS, CHINESE, corpus, DATA, MILLIONS, PHRASES, resolve } from '../../support/corpus-facts.js';

test('little text gets few pieces, small batches, ties, much dropout and a rate that decays late', () => {
  const { config } = resolve(PHRASES);
  assert.equal(config.tokenizer.size, 3000);
  assert.equal(config.training.batch.size, 512);
  const { tieTargetEmbeddings, shareEmbeddings, embeddingSize, encoder, decoder, dropout } = config.model;
  assert.deepEqual([tieTargetEmbeddings, shareEmbeddings], [true, true]);
  assert.ok(decoder.hiddenSize >= 256 && decoder.hiddenSize <= 512);
  assert.deepEqual([embeddingSize, encoder.hiddenSize], [decoder.hiddenSize, decoder.hiddenSize]);
  assert.deepEqual([dropout.embedding, dropout.output, encoder.dropout, decoder.dropout], [0.3, 0.3, 0.3, 0.3]);
  const { schedule, maxEpochs = 0, validation } = config.training;
  assert.equal(schedule.name, 'exponential');
  // Five halvings between 55 % and the end, of some 400 updates an epoch.
  const updates = schedule.start + 5 * schedule.interval;
  assert.ok(updates / maxEpochs > 250 && updates / maxEpochs < 450, `${updates} updates in ${maxEpochs} epochs`);
  assert.ok(Math.abs(schedule.start / updates - 0.55) < 0.01);
  assert.deepEqual([validation.every, validation.unit], [1, 'epochs']);
});

test('text of the size of Multi30k gets the settings measured for it', () => {
  const { config } = resolve(CAPTIONS);
  assert.ok(config.tokenizer.size >= 4000 && config.tokenizer.size <= 6000);
  assert.equal(config.training.batch.size, 1024);
  assert.equal(config.training.maxEpochs, 13);
  assert.equal(config.model.embeddingSize, 512);
});

test('three million pairs get a large vocabulary, large batches, few epochs and validations between updates', () => {
  const cpu = resolve(MILLIONS).config;
  assert.ok(cpu.tokenizer.size >= 28_000 && cpu.tokenizer.size <= 33_000, String(cpu.tokenizer.size));
  assert.equal(cpu.training.batch.size, 2048);
  assert.equal(cpu.training.maxEpochs, 3);
  assert.deepEqual([cpu.training.validation.every, cpu.training.validation.unit], [5000, 'steps']);
  assert.equal(cpu.model.dropout.output, 0.1);
  assert.equal(cpu.model.decoder.hiddenSize, 512);
  assert.ok(cpu.data.maxTargetLength >= 100 && cpu.data.maxTargetLength <= 250);
  const gpu = resolve(MILLIONS, {}, 'gpu').config;
  assert.deepEqual([gpu.training.batch.size, gpu.model.decoder.hiddenSize], [8192, 1024]);
});

test('an alphabet of thousands of characters fits into the vocabulary, with room for subwords', () => {
  const { config } = resolve(CHINESE);
  assert.ok(config.tokenizer.size >= 1643 + 2000, String(config.tokenizer.size));
  assert.ok(config.tokenizer.size >= 2 * 1643 + 10);
  const separate = resolve(CHINESE, { tokenizer: { shared: false } }).config;
  assert.ok(separate.tokenizer.size >= 2 * 1689);
  assert.equal(separate.model.shareEmbeddings, false);
  const characters = resolve(CHINESE, { tokenizer: { type: 'char' } }).config;
  assert.equal(characters.tokenizer.size, 1700);
});

test('500 pairs get valid settings, and enough updates between validations', () => {
  const { config } = resolve(corpus(500, { words: 2000, characters: 9000 }, { words: 2000, characters: 9000 }));
  assert.equal(config.training.batch.size, 256);
  assert.deepEqual([config.training.validation.every, config.training.validation.unit], [300, 'steps']);
  assert.ok((config.training.maxEpochs ?? 0) >= 50);
});

test('text that repeats few words gets a small model, little dropout and few epochs', () => {
  const grammar = corpus(
    24_000,
    { words: 169_000, distinctWords: 3600, characters: 746_000 },
    { words: 172_000, distinctWords: 5600, characters: 808_000 },
  );
  const { model, training } = resolve(grammar).config;
  assert.deepEqual([model.decoder.hiddenSize, model.dropout.embedding], [256, 0.1]);
  assert.ok((training.maxEpochs ?? 0) <= 12);
});

test('a limit that is given ends the training, and the decay fits it', () => {
  const bySteps = resolve(CAPTIONS, { training: { maxSteps: 2000 } }).config.training;
  assert.equal(bySteps.maxEpochs, undefined);
  assert.equal(bySteps.schedule.start + 5 * bySteps.schedule.interval, 2000);
  const byTime = resolve(CAPTIONS, { training: { maxMinutes: 5 } }).config.training;
  assert.deepEqual([byTime.schedule.name, byTime.maxEpochs], ['plateau', undefined]);
  const byEpochs = resolve(CAPTIONS, { training: { maxEpochs: 7 } }).config.training;
  assert.equal(byEpochs.maxEpochs, 7);
});

test('a validation interval without a unit counts epochs, and a unit without an interval gets one', () => {
  const validation = (given: NonNullable<ConfigInput['training']>['validation']) => {
    const { every, unit } = resolve(CAPTIONS, { training: { validation: given } }).config.training.validation;
    return [every, unit];
  };
  assert.deepEqual(validation({ every: 2 }), [2, 'epochs']);
  const [every, unit] = validation({ unit: 'steps' });
  assert.ok(Number(every) > 300 && Number(every) < 600);
  assert.equal(unit, 'steps');
  assert.deepEqual(validation({ every: 70, unit: 'steps' }), [70, 'steps']);
});

test('schedule numbers that are given are kept, with their former companions', () => {
  const given = { name: 'step', start: 100 } as const;
  const { schedule } = resolve(CAPTIONS, { training: { schedule: given } }).config.training;
  assert.deepEqual([schedule.name, schedule.start, schedule.interval], ['step', 100, 1000]);
});

test('auto leaves a learned position for </s>', () => {
  const encoder = { type: 'transformer', positions: 'learned', maxPositions: 40 } as const;
  const { config } = resolve(CAPTIONS, { model: { encoder } });
  assert.deepEqual([config.data.maxSourceLength, config.data.maxTargetLength], [39, 60]);
  assertConsistent(config);
});

test('a short training has a warm-up where its schedule needs one', () => {
  const { config } = resolve(CAPTIONS, { training: { maxSteps: 20, schedule: { name: 'inverse-sqrt' } } });
  assert.equal(config.training.schedule.warmupSteps, 1);
  assertConsistent(config);
});

test('a complete configuration has no choices and stays as it is', () => {
  const { config } = resolve(CAPTIONS);
  const again = resolveConfig(config, MILLIONS, 'gpu');
  assert.deepEqual(again, { config, choices: [] });
});

test('each choice has a line with its reason, shared by settings with the same value and reason', () => {
  const lines = describeChoices(resolve(PHRASES).choices);
  assert.ok(lines.includes('tokenizer.size 3,000: 17,066 pairs, 220,000 words'), lines.join('\n'));
  assert.ok(lines.some((line) => line.startsWith('model.encoder.dropout, model.decoder.dropout, ')));
  for (const line of lines) assert.match(line, /^[a-z]+\.[A-Za-z.,]+.* \S+: \S.*$/);
});

test('a Transformer for the size of Multi30k gets the settings measured for it', () => {
  const type = 'transformer';
  const { model, training } = resolve(CAPTIONS, { model: { encoder: { type }, decoder: { type } } }).config;
  assert.deepEqual([model.embeddingSize, model.encoder.dropout, model.dropout.embedding], [128, 0.2, 0.2]);
  assert.deepEqual([training.batch.size, training.maxEpochs, training.optimizer.learningRate], [2048, 36, 0.0039]);
});

test('the learning rate depends on the optimiser, and is lower from a trained model', () => {
  const rate = (optimizer: { name?: 'adam' | 'adamw' | 'sgd'; learningRate?: number }, fineTuning: boolean): number =>
    resolveConfig(configFileSchema.parse({ data: DATA, training: { optimizer } }), CAPTIONS, 'cpu', { fineTuning })
      .config.training.optimizer.learningRate;
  assert.deepEqual([rate({}, false), rate({ name: 'sgd' }, false), rate({}, true)], [0.002, 1, 0.0005]);
  assert.equal(rate({ learningRate: 0.03 }, true), 0.03);
  const withTransformer = resolve(CAPTIONS, { model: { encoder: { type: 'transformer' } } }).config;
  assert.deepEqual([withTransformer.model.embeddingSize, withTransformer.model.decoder.hiddenSize], [256, 256]);
  const transformer = withTransformer.training;
  assert.equal(transformer.optimizer.learningRate, 0.002);
  assert.ok(transformer.schedule.warmupSteps >= 300 && transformer.schedule.warmupSteps <= 4000);
  assert.equal(resolve(CAPTIONS).config.training.schedule.warmupSteps, 0);
});
