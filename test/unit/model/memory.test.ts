import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import type { BatchShape } from '../../../src/data/batch.js';
import { buildModel } from '../../../src/model/build.js';
import { PORTABLE_POLICY } from '../../../src/runtime/policy.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { tinyModel, type TinyDifferences } from '../../support/models.js';

const LAYERS = { layers: 1, hiddenSize: 256, dropout: 0.1 };
const COMMON = { embeddingSize: 256, encoder: LAYERS, dropout: { embedding: 0.1, output: 0.1 } };
const TRANSFORMER = {
  type: 'transformer',
  layers: 3,
  hiddenSize: 256,
  heads: 4,
  feedForwardSize: 1024,
  dropout: 0.1,
  attentionDropout: 0.1,
  activationDropout: 0.1,
};
const MODELS: Readonly<Record<string, TinyDifferences>> = {
  'dot attention': { ...COMMON, decoder: { ...LAYERS, attention: 'dot' } },
  'additive attention': { ...COMMON, decoder: { ...LAYERS, attention: 'concat' } },
  'input feeding': { ...COMMON, decoder: { ...LAYERS, inputFeeding: true } },
  'additive attention and input feeding': {
    ...COMMON,
    decoder: { ...LAYERS, attention: 'concat', inputFeeding: true },
  },
  'GRU without attention': {
    ...COMMON,
    encoder: { ...LAYERS, type: 'gru' },
    decoder: { ...LAYERS, type: 'gru', attention: 'none' },
  },
  'attention inside the recurrence': { ...COMMON, decoder: { ...LAYERS, attention: 'bahdanau' } },
  'three layers without attention': {
    ...COMMON,
    encoder: { ...LAYERS, layers: 3, bidirectional: false },
    decoder: { ...LAYERS, layers: 3, attention: 'none' },
  },
  Transformer: { ...COMMON, encoder: TRANSFORMER, decoder: { ...TRANSFORMER, activation: 'swiglu' } },
  'Transformer with SSRU': {
    ...COMMON,
    encoder: TRANSFORMER,
    decoder: { ...TRANSFORMER, activationDropout: 0, autoregression: 'ssru', normPosition: 'post' },
  },
};
/** The first two have about as many tokens. */
const SHAPES: readonly BatchShape[] = [
  { sentences: 128, sourceTime: 15, targetTime: 15 },
  { sentences: 24, sourceTime: 80, targetTime: 80 },
  { sentences: 24, sourceTime: 80, targetTime: 20 },
];
const MEASURED: readonly (readonly [model: string, shape: number])[] = [
  ['dot attention', 1],
  ['additive attention', 0],
  ['additive attention', 1],
  ['input feeding', 1],
  ['input feeding', 2],
  ['GRU without attention', 1],
  ['attention inside the recurrence', 2],
  ['three layers without attention', 2],
  ['Transformer', 0],
  ['Transformer', 1],
  ['Transformer with SSRU', 1],
];

test(
  'the estimate of the memory of a step is right within a factor of 1.5, and orders the shapes',
  { skip: whyNotMeasured() },
  async () => {
    const program = fileURLToPath(new URL('../../support/measure-step.js', import.meta.url));
    const results: { name: string; measured: number; estimate: number }[] = [];
    for (const [name, shape] of MEASURED) {
      const { stdout } = await promisify(execFile)(process.execPath, [
        program,
        JSON.stringify({ model: MODELS[name], vocabularySize: 1000, shape: SHAPES[shape] }),
      ]);
      results.push({ name, ...(JSON.parse(stdout) as { measured: number; estimate: number }) });
    }
    const told = results
      .map(
        ({ name, measured, estimate }) =>
          `${name}: measured ${Math.round(measured / 1e6)} MB, estimate ${Math.round(estimate / 1e6)} MB`,
      )
      .join('\n');
    for (const { measured, estimate } of results)
      assert.ok(estimate < 1.5 * measured && measured < 1.5 * estimate, told);
    for (const a of results) {
      for (const b of results) if (a.measured > 1.5 * b.measured) assert.ok(a.estimate > b.estimate, told);
    }
  },
);

test('the estimate never falls when a dimension grows, and grows with what an architecture needs', async () => {
  await loadTensorFlow({ device: 'cpu' });
  const built = Object.fromEntries(
    Object.entries(MODELS).map(([name, model]) => [
      name,
      buildModel(tinyModel(model), { source: 1000, target: 1000 }, { random: undefined, policy: PORTABLE_POLICY }),
    ]),
  );
  const dimension = fc.integer({ min: 1, max: 300 });
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(built)),
      dimension,
      dimension,
      dimension,
      (model, sentences, sourceTime, targetTime) => {
        const memory = (shape: Partial<BatchShape>): number =>
          model.memory({ sentences, sourceTime, targetTime, ...shape });
        assert.ok(
          Math.min(
            memory({ sentences: sentences + 1 }),
            memory({ sourceTime: sourceTime + 1 }),
            memory({ targetTime: targetTime + 1 }),
          ) > memory({}),
        );
      },
    ),
  );
  const [short, long] = SHAPES as [BatchShape, BatchShape];
  const ratio = (name: string): number => built[name]!.memory(long) / built[name]!.memory(short);
  for (const model of Object.values(built)) model.dispose();
  assert.ok(ratio('dot attention') < 1.1 && ratio('additive attention') > 2 && ratio('input feeding') > 2);
});

function whyNotMeasured(): string | false {
  try {
    accessSync('/proc/self/clear_refs', constants.W_OK);
    return false;
  } catch {
    return 'the peak of the resident memory can be reset on Linux only';
  }
}
