import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fillFrom } from '../../../src/auto/fill.js';
import { ASSUMED_FACTS } from '../../../src/auto/resolve.js';
import { assertConsistent } from '../../../src/config/checks.js';
import { configFileSchema, type ConfigInput } from '../../../src/config/file-schema.js';
import { CAPTIONS, DATA, PHRASES, resolve } from '../../support/corpus-facts.js';

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
  assert.equal(model.embeddingSize, 128);
  const sizes = { hiddenSize: 128, heads: 2, dropout: 0.2, attentionDropout: 0.1, activationDropout: 0 };
  assert.deepEqual(model.encoder, { ...model.encoder, ...sizes, feedForwardSize: 512 });
  assert.deepEqual(model.decoder, { ...model.decoder, ...sizes, feedForwardSize: 344 });
  assert.deepEqual([model.tieTargetEmbeddings, model.dropout], [true, { ...model.dropout, embedding: 0.2, output: 0 }]);
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

/** Removes sizes and ties from models that are valid: `auto` must complete them, and keep what is given. */
function assertCompletes(models: fc.Arbitrary<NonNullable<ConfigInput['model']>>): void {
  const removed = fc.record({
    embeddingSize: fc.boolean(),
    tieTargetEmbeddings: fc.boolean(),
    shareEmbeddings: fc.boolean(),
    encoder: fc.boolean(),
    decoder: fc.boolean(),
  });
  fc.assert(
    fc.property(models, removed, fc.boolean(), (full, gone, shared) => {
      const tokenizer = { shared };
      const complete = resolve(ASSUMED_FACTS, { model: full, tokenizer }).config;
      try {
        assertConsistent(complete);
      } catch {
        fc.pre(false);
      }
      const auto = <Value>(isGone: boolean, value: Value) => (isGone ? ('auto' as const) : value);
      const given = {
        ...full,
        embeddingSize: auto(gone.embeddingSize, full.embeddingSize),
        tieTargetEmbeddings: auto(gone.tieTargetEmbeddings, full.tieTargetEmbeddings),
        shareEmbeddings: auto(gone.shareEmbeddings, full.shareEmbeddings),
        encoder: { ...full.encoder, hiddenSize: auto(gone.encoder, full.encoder?.hiddenSize) },
        decoder: { ...full.decoder, hiddenSize: auto(gone.decoder, full.decoder?.hiddenSize) },
      };
      const { config } = resolve(PHRASES, { model: given, tokenizer });
      assertConsistent(config);
      // Given values are kept: filling the others in changes nothing.
      const loaded = configFileSchema.parse({ data: DATA, model: given, tokenizer });
      assert.deepEqual(fillFrom(loaded, config).model, config.model);
    }),
    { numRuns: 500 },
  );
}

test('auto completes every model that is valid, whichever of its settings are removed', () => {
  const even = fc.integer({ min: 1, max: 400 }).map((half) => 2 * half);
  const size = fc.integer({ min: 1, max: 800 });
  assertCompletes(
    fc.record({
      embeddingSize: size,
      tieTargetEmbeddings: fc.boolean(),
      shareEmbeddings: fc.boolean(),
      encoder: fc.record({ hiddenSize: even, bidirectional: fc.boolean() }),
      decoder: fc.record({
        hiddenSize: size,
        attention: fc.constantFrom('none', 'dot', 'general'),
        bridge: fc.constantFrom('projection', 'copy'),
      }),
    }),
  );
});

test('auto completes every model with heads and residual connections that is valid', () => {
  const size = fc.constantFrom(30, 60, 64);
  const residualFrom = fc.constantFrom(1, 2, undefined);
  assertCompletes(
    fc.record({
      embeddingSize: size,
      tieTargetEmbeddings: fc.boolean(),
      shareEmbeddings: fc.constant(false),
      encoder: fc.record({ hiddenSize: size, layers: fc.constant(2), bidirectional: fc.boolean(), residualFrom }),
      decoder: fc.record({
        hiddenSize: size,
        layers: fc.constant(2),
        attention: fc.constantFrom('dot', 'general'),
        attentionHeads: fc.constantFrom(1, 3, 5),
        bridge: fc.constantFrom('projection', 'copy'),
        residualFrom,
      }),
    }),
  );
});

test('a residual connection from the first layer on gives the embedding the width of its layers', () => {
  const { model } = resolve(PHRASES, { model: { encoder: { hiddenSize: 256, residualFrom: 1 } } }).config;
  assert.deepEqual([model.embeddingSize, model.encoder.hiddenSize, model.decoder.hiddenSize], [256, 256, 512]);
  assert.equal(model.tieTargetEmbeddings, false);
});

test('auto fits the widths of a pair of Transformers to the heads of both', () => {
  const type = 'transformer';
  const { model } = resolve(CAPTIONS, { model: { encoder: { type, heads: 10 }, decoder: { type, heads: 10 } } }).config;
  assert.equal(model.embeddingSize, 130);
});
