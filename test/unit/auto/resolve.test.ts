import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { describeChoices } from '../../../src/auto/choices.js';
import { fillFrom } from '../../../src/auto/fill.js';
import { ASSUMED_FACTS, resolveConfig } from '../../../src/auto/resolve.js';
import { assertConsistent } from '../../../src/config/checks.js';
import { configFileSchema, type ConfigInput } from '../../../src/config/file-schema.js';
import type { CorpusFacts, SideFacts } from '../../../src/data/facts.js';

const DATA = { train: [{ file: '/a.tsv' }], dev: [{ file: '/b.tsv' }] };

function side(facts: Partial<SideFacts>): SideFacts {
  const { words = 0 } = facts;
  const distinctWords = Math.round(10 * words ** 0.6);
  return {
    words,
    distinctWords,
    characters: 0,
    unspaced: 0,
    longWords: 24,
    longCharacters: 120,
    alphabet: 70,
    ...facts,
  };
}

function corpus(pairs: number, source: Partial<SideFacts>, target: Partial<SideFacts>, alphabet = 80): CorpusFacts {
  return { pairs, epochPairs: pairs, source: side(source), target: side(target), alphabet };
}

/** As counted in the corpora of docs/auto.md, in generated text of three million pairs, and in a Latin-Chinese text. */
const PHRASES = corpus(17_066, { words: 105_000, characters: 430_000 }, { words: 113_000, characters: 470_000 });
const CAPTIONS = corpus(29_000, { words: 322_000, characters: 1_753_000 }, { words: 345_000, characters: 1_456_000 });
const MILLIONS = corpus(
  3_000_000,
  { words: 75_000_000, characters: 375_000_000, longWords: 90, longCharacters: 500 },
  { words: 78_000_000, characters: 400_000_000, longWords: 95, longCharacters: 520 },
  400,
);
const CHINESE = corpus(
  19_680,
  { words: 106_804, characters: 552_591, alphabet: 110 },
  { words: 27_462, characters: 222_743, unspaced: 167_229, longWords: 7, longCharacters: 76, alphabet: 1689 },
  1643,
);

function resolve(facts: CorpusFacts, given: Omit<ConfigInput, 'data'> = {}, device: 'cpu' | 'gpu' = 'cpu') {
  return resolveConfig(configFileSchema.parse({ data: DATA, ...given }), facts, device);
}

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

test('the width of the decoder follows a given embedding size, and the reverse', () => {
  const decoder = resolve(PHRASES, { model: { decoder: { hiddenSize: 384 } } }).config.model;
  assert.deepEqual([decoder.embeddingSize, decoder.tieTargetEmbeddings, decoder.encoder.hiddenSize], [384, true, 384]);
  const embedding = resolve(PHRASES, { model: { embeddingSize: 300 } }).config.model;
  assert.deepEqual([embedding.decoder.hiddenSize, embedding.tieTargetEmbeddings], [300, true]);
  const small = resolve(PHRASES, { model: { embeddingSize: 64 } }).config.model;
  assert.deepEqual([small.decoder.hiddenSize >= 256, small.tieTargetEmbeddings], [true, false]);
  const tied = resolve(PHRASES, { model: { embeddingSize: 64, tieTargetEmbeddings: true } }).config.model;
  assert.equal(tied.decoder.hiddenSize, 64);
});

test('a Transformer is as wide as its embeddings, with heads of 64 columns and four times wider inner layers', () => {
  const type = 'transformer';
  const { model } = resolve(CAPTIONS, { model: { encoder: { type }, decoder: { type, activation: 'swiglu' } } }).config;
  assert.equal(model.embeddingSize, 256);
  const sizes = { hiddenSize: 256, heads: 4, dropout: 0.3, attentionDropout: 0.1, activationDropout: 0.1 };
  assert.deepEqual(model.encoder, { ...model.encoder, ...sizes, feedForwardSize: 1024 });
  assert.deepEqual(model.decoder, { ...model.decoder, ...sizes, feedForwardSize: 688 });
  assert.deepEqual([model.tieTargetEmbeddings, model.dropout], [true, { ...model.dropout, embedding: 0.3, output: 0 }]);
  const odd = resolve(CAPTIONS, { model: { embeddingSize: 300, encoder: { type }, decoder: {} } }).config.model;
  assert.deepEqual(odd.encoder, { ...odd.encoder, hiddenSize: 300, heads: 5 });
  assert.deepEqual([odd.decoder.hiddenSize, odd.tieTargetEmbeddings, odd.dropout.output], [300, true, 0.3]);
});

test('auto completes every Transformer that is valid, whichever of its settings are removed', () => {
  const type = fc.constantFrom('transformer' as const, undefined);
  const sizes = { hiddenSize: fc.constantFrom(6, 12, 64, 'auto' as const) };
  const heads = fc.constantFrom(1, 2, 3, 5, 'auto' as const);
  const side = fc
    .record({ type, ...sizes, heads })
    .map(({ type: given, heads: count, ...others }) =>
      given === undefined ? others : { type: given, heads: count, ...others },
    );
  const model = fc.record({
    embeddingSize: fc.constantFrom(6, 12, 64, 'auto' as const),
    tieTargetEmbeddings: fc.constantFrom(true, false, 'auto' as const),
    encoder: side,
    decoder: side,
  });
  fc.assert(
    fc.property(model, (given) => {
      const loaded = configFileSchema.parse({ data: DATA, model: given });
      const { config } = resolve(PHRASES, { model: given });
      const widths = [given.embeddingSize, given.encoder, given.decoder].flatMap((part) =>
        typeof part === 'object' ? ('heads' in part ? [part.hiddenSize] : []) : [part],
      );
      const isSized = new Set(widths.filter((width) => width !== 'auto')).size <= 1;
      const { embeddingSize, decoder, encoder } = config.model;
      const isTied = given.tieTargetEmbeddings !== true || embeddingSize === decoder.hiddenSize;
      const isDivided = [encoder, decoder].every(
        (part) => part.type !== 'transformer' || part.hiddenSize % part.heads === 0,
      );
      if (isSized && isTied && isDivided) assertConsistent(config);
      else assert.throws(() => assertConsistent(config));
      assert.deepEqual(fillFrom(loaded, config).model, config.model);
    }),
    { numRuns: 500 },
  );
});

test('auto completes every model that is valid, whichever of its settings are removed', () => {
  const even = fc.integer({ min: 1, max: 400 }).map((half) => 2 * half);
  const size = fc.integer({ min: 1, max: 800 });
  const model = fc.record({
    embeddingSize: size,
    tieTargetEmbeddings: fc.boolean(),
    shareEmbeddings: fc.boolean(),
    encoder: fc.record({ hiddenSize: even, bidirectional: fc.boolean() }),
    decoder: fc.record({
      hiddenSize: size,
      attention: fc.constantFrom('none', 'dot', 'general'),
      bridge: fc.constantFrom('projection', 'copy'),
    }),
  });
  const removed = fc.record({
    embeddingSize: fc.boolean(),
    tieTargetEmbeddings: fc.boolean(),
    shareEmbeddings: fc.boolean(),
    encoder: fc.boolean(),
    decoder: fc.boolean(),
  });
  fc.assert(
    fc.property(model, removed, fc.boolean(), (full, gone, shared) => {
      const tokenizer = { shared };
      const complete = resolve(ASSUMED_FACTS, { model: full, tokenizer }).config;
      try {
        assertConsistent(complete);
      } catch {
        fc.pre(false);
      }
      const auto = <Value>(isGone: boolean, value: Value) => (isGone ? ('auto' as const) : value);
      const given = {
        embeddingSize: auto(gone.embeddingSize, full.embeddingSize),
        tieTargetEmbeddings: auto(gone.tieTargetEmbeddings, full.tieTargetEmbeddings),
        shareEmbeddings: auto(gone.shareEmbeddings, full.shareEmbeddings),
        encoder: { ...full.encoder, hiddenSize: auto(gone.encoder, full.encoder.hiddenSize) },
        decoder: { ...full.decoder, hiddenSize: auto(gone.decoder, full.decoder.hiddenSize) },
      };
      const { config } = resolve(PHRASES, { model: given, tokenizer });
      assertConsistent(config);
      // Given values are kept: filling the others in changes nothing.
      const loaded = configFileSchema.parse({ data: DATA, model: given, tokenizer });
      assert.deepEqual(fillFrom(loaded, config).model, config.model);
    }),
    { numRuns: 500 },
  );
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

test('the learning rate depends on the optimiser, and is lower from a trained model', () => {
  const rate = (optimizer: { name?: 'adam' | 'adamw' | 'sgd'; learningRate?: number }, fineTuning: boolean): number =>
    resolveConfig(configFileSchema.parse({ data: DATA, training: { optimizer } }), CAPTIONS, 'cpu', { fineTuning })
      .config.training.optimizer.learningRate;
  assert.deepEqual([rate({}, false), rate({ name: 'sgd' }, false), rate({}, true)], [0.002, 1, 0.0005]);
  assert.equal(rate({ learningRate: 0.03 }, true), 0.03);
  const withTransformer = resolve(CAPTIONS, { model: { encoder: { type: 'transformer' } } }).config;
  assert.deepEqual([withTransformer.model.embeddingSize, withTransformer.model.decoder.hiddenSize], [256, 256]);
  const transformer = withTransformer.training;
  assert.ok(transformer.optimizer.learningRate < 0.001);
  assert.ok(transformer.schedule.warmupSteps >= 300 && transformer.schedule.warmupSteps <= 4000);
  assert.equal(resolve(CAPTIONS).config.training.schedule.warmupSteps, 0);
});
