import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test, type TestContext } from 'node:test';
import type { ComputePolicy, Precision } from '../../src/runtime/policy.js';
import { loadTensorFlow, policyFor } from '../../src/runtime/tensorflow.js';
import { availablePolicies } from '../support/policies.js';
import { findPython } from '../support/python.js';
import { BATCH_KINDS, randomCase, randomModel, type ModelDraw } from './cases.js';
import { compareCase, QUANTITIES, type Difference, type Margins, type Quantity } from './compare.js';
import { randomRecurrentModel } from './recurrent-cases.js';
import { randomTransformer } from './transformer-models.js';
import { GOLDEN_FOLDER, readExpected, runReference, writeRequest, type ExpectedCase } from './reference.js';

/** Families of models, and how many of each are compared if PyTorch is installed, with a batch of nearly every kind. */
const FAMILIES: Readonly<Record<string, { draw: ModelDraw; models: number; leastBatches: number }>> = {
  LSTM: { draw: randomModel, models: 25, leastBatches: 200 },
  recurrent: { draw: randomRecurrentModel, models: 16, leastBatches: 100 },
  Transformer: { draw: randomTransformer, models: 12, leastBatches: 100 },
};
const SIZES = { hidden: [4, 6, 10, 16, 18, 34], vocabulary: [9, 12, 17, 33, 64] };

/**
 * Bounds on relative differences. The reference computes in double precision.
 *
 * In float32, differences are rounding errors of sums: 2^-24 per operation. In bfloat16, the factors of all products,
 * also in the gradients, are rounded to 8 significant bits: 2^-9 per factor, which adds up over the steps of a
 * recurrent layer. float16 has 11 bits.
 */
const BOUNDS: Record<Precision, Record<Quantity, number>> = {
  float32: {
    'log-probabilities': 5e-6,
    attention: 5e-6,
    loss: 2e-6,
    'correct tokens': 0,
    gradient: 5e-5,
    'gradient norm': 3e-5,
    update: 1e-4,
    translations: 0,
    score: 5e-6,
  },
  bfloat16: {
    'log-probabilities': 0.03,
    attention: 0.03,
    loss: 0.01,
    'correct tokens': 0,
    gradient: 0.2,
    'gradient norm': 0.1,
    update: 0.2,
    translations: 0,
    score: 0.03,
  },
  float16: {
    'log-probabilities': 0.01,
    attention: 0.01,
    loss: 0.01,
    'correct tokens': 0,
    gradient: 0.05,
    'gradient norm': 0.02,
    update: 0.05,
    translations: 0,
    score: 0.01,
  },
};

/**
 * Factor of the 16-bit bounds and margins for Transformers: rounding moves single values of their small random layers
 * across the kink of a ReLU, and layers with a variance near zero magnify it before a normalisation. So 95 % of the
 * differences must be within the bounds without this factor.
 */
const TRANSFORMER_FACTOR = 3;

/** Choices between scores closer than this may differ. */
const MARGINS: Record<Precision, Margins> = {
  float32: { token: 1e-4, search: 1e-5 },
  bfloat16: { token: 0.2, search: 0.05 },
  float16: { token: 0.02, search: 0.01 },
};

function isTransformer({ request: { model } }: ExpectedCase): boolean {
  return [model.encoder, model.decoder].some(({ type }) => type === 'transformer');
}

/** Compares all cases, prints the largest differences if a context is given, and fails if one exceeds its bound. */
async function check(
  context: TestContext | undefined,
  name: string,
  expected: readonly ExpectedCase[],
  policies: readonly ComputePolicy[],
): Promise<Difference[]> {
  const families = [
    { family: 'recurrent', factor: 1, cases: expected.filter((each) => !isTransformer(each)) },
    { family: 'Transformer', factor: TRANSFORMER_FACTOR, cases: expected.filter(isTransformer) },
  ];
  const differences: Difference[] = [];
  for (const { family, factor, cases } of families) {
    const bounded = { factor: policies[0]!.precision === 'float32' ? 1 : factor };
    if (cases.length > 0)
      differences.push(...(await checkFamily(context, `${name}, ${family}`, cases, policies, bounded)));
  }
  return differences;
}

async function checkFamily(
  context: TestContext | undefined,
  name: string,
  expected: readonly ExpectedCase[],
  policies: readonly ComputePolicy[],
  { factor }: { readonly factor: number },
): Promise<Difference[]> {
  const { precision } = policies[0]!;
  const differences: Difference[] = [];
  const { token, search } = MARGINS[precision];
  const margins = { token: factor * token, search: factor * search };
  for (const each of expected) differences.push(...(await compareCase(each, policies, margins)));
  const largest = QUANTITIES.map((quantity) => {
    const ofQuantity = differences.filter((difference) => difference.quantity === quantity);
    return {
      quantity,
      count: ofQuantity.length,
      ...ofQuantity.reduce((most, next) => (next.value > most.value || Number.isNaN(next.value) ? next : most), {
        value: 0,
        where: 'nowhere',
      }),
    };
  });
  const summary = largest.map(
    ({ quantity, value, count }) => `${quantity} ${value === 0 ? 0 : value.toExponential(1)} of ${count}`,
  );
  context?.diagnostic(`${name}: largest relative differences: ${summary.join(', ')}`);
  for (const { quantity, value, where } of largest) {
    assert.ok(
      value <= factor * BOUNDS[precision][quantity],
      `${name}: ${quantity}: relative difference ${value}, at most ${factor * BOUNDS[precision][quantity]} expected: ${where}`,
    );
  }
  for (const quantity of factor === 1 ? [] : QUANTITIES) {
    const values = differences.filter((difference) => difference.quantity === quantity).map(({ value }) => value);
    const usual = values.sort((a, b) => a - b)[Math.floor(0.95 * values.length)] ?? 0;
    assert.ok(usual <= BOUNDS[precision][quantity], `${name}: ${quantity}: 95 % are at most ${usual}`);
  }
  return differences;
}

function count(differences: readonly Difference[], quantity: Quantity): number {
  return differences.filter((difference) => difference.quantity === quantity).length;
}

describe('parity with PyTorch', () => {
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
  });

  describe('golden values', () => {
    let expected: ExpectedCase[];
    before(async () => {
      expected = await readExpected(GOLDEN_FOLDER);
    });

    for (const precision of ['float32', 'bfloat16'] as const) {
      test(`the default policy of this machine, ${precision}`, async (context) => {
        await check(context, `golden values, ${precision}`, expected, [policyFor(precision)]);
      });
    }

    test('all other policies', async () => {
      // Two models per policy, one recurrent and one with a Transformer, to save time.
      const families = [expected.filter((each) => !isTransformer(each)), expected.filter(isTransformer)];
      for (const [number, { name, policy }] of availablePolicies().entries()) {
        const models = families.map((family) => family[number % family.length]!);
        await check(undefined, `golden values, ${name}`, models, [policy]);
      }
    });
  });

  describe('computed by PyTorch', () => {
    const found = findPython('PyTorch');

    for (const [family, { draw, models, leastBatches }] of Object.entries(FAMILIES)) {
      test(`${models} random ${family} models, batches of many shapes`, async (context) => {
        await compareWithPyTorch(context, draw, models, leastBatches);
      });
    }

    async function compareWithPyTorch(
      context: TestContext,
      drawModel: ModelDraw,
      cases: number,
      leastBatches: number,
    ): Promise<void> {
      if ('missing' in found) {
        context.diagnostic(`not compared with PyTorch: ${found.missing}`);
        context.skip(found.missing);
        return;
      }
      const folder = await mkdtemp(join(tmpdir(), 's2s-parity-'));
      try {
        const { about64Sentences, ...others } = BATCH_KINDS;
        // Only every third case has one of the largest batches, which are slow.
        const kindsOf = (index: number) => [...Object.values(others), ...(index % 3 === 0 ? [about64Sentences!] : [])];
        await writeRequest(
          folder,
          Array.from({ length: cases }, (_, index) =>
            randomCase(100 + index, { ...SIZES, batches: kindsOf(index) }, drawModel),
          ),
        );
        runReference(found.python, folder);
        const expected = await readExpected(folder);
        const batches = expected.reduce((sum, { batches: of }) => sum + of.length, 0);
        context.diagnostic(`PyTorch ${found.version}, ${batches} batches`);
        assert.ok(batches >= leastBatches);
        // Alternates between TensorFlow's and custom products: only the former pad rows.
        const policiesOf = (precision: Precision): ComputePolicy[] => {
          const policy = policyFor(precision);
          return [policy, { ...policy, customProducts: !policy.customProducts }];
        };
        const searched = expected.flatMap(({ batches: of }) => of.flatMap(({ searches }) => searches.flat())).length;
        const exact = await check(context, 'PyTorch, float32', expected, policiesOf('float32'));
        assert.ok(count(exact, 'translations') > 0.95 * searched, 'nearly all translations are compared');
        const rounded = await check(context, 'PyTorch, bfloat16', expected, policiesOf('bfloat16'));
        assert.ok(count(rounded, 'translations') > 0.1 * searched, 'a good number of translations is compared');
      } finally {
        await rm(folder, { recursive: true });
      }
    }
  });
});
