import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test, type TestContext } from 'node:test';
import type { ComputePolicy, Precision } from '../../src/runtime/policy.js';
import { loadTensorFlow, policyFor } from '../../src/runtime/tensorflow.js';
import { availablePolicies } from '../support/policies.js';
import { BATCH_KINDS, MODEL_KINDS, randomCase } from './cases.js';
import { compareCase, QUANTITIES, type Difference, type Margins, type Quantity } from './compare.js';
import { findPython, GOLDEN_FOLDER, readExpected, runReference, writeRequest, type ExpectedCase } from './reference.js';

/**
 * Number of models of each family that are compared if PyTorch is installed, each with one batch of nearly every kind.
 */
const CASES = { recurrent: 25, transformer: 12 } as const;
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
    loss: 0.01,
    'correct tokens': 0,
    gradient: 0.05,
    'gradient norm': 0.02,
    update: 0.05,
    translations: 0,
    score: 0.01,
  },
};

const SAME = { gradient: 1, others: 1 };

/**
 * Factors of the 16-bit bounds and margins for Transformers, whose values pass more products one after another. Where
 * rounding moves a value across the kink of a ReLU, above all in an SSRU, a part of the gradient appears or vanishes.
 */
const TRANSFORMER_FACTORS = { gradient: 3, others: 2 };

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
    { family: 'recurrent', factors: SAME, cases: expected.filter((each) => !isTransformer(each)) },
    { family: 'Transformer', factors: TRANSFORMER_FACTORS, cases: expected.filter(isTransformer) },
  ];
  const differences: Difference[] = [];
  for (const { family, factors, cases } of families) {
    const applied = policies[0]!.precision === 'float32' ? SAME : factors;
    if (cases.length > 0)
      differences.push(...(await checkFamily(context, `${name}, ${family}`, cases, policies, applied)));
  }
  return differences;
}

async function checkFamily(
  context: TestContext | undefined,
  name: string,
  expected: readonly ExpectedCase[],
  policies: readonly ComputePolicy[],
  factors: typeof SAME,
): Promise<Difference[]> {
  const { precision } = policies[0]!;
  const differences: Difference[] = [];
  const { token, search } = MARGINS[precision];
  const margins = { token: factors.others * token, search: factors.others * search };
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
    const bound = BOUNDS[precision][quantity] * (quantity === 'gradient' ? factors.gradient : factors.others);
    assert.ok(
      value <= bound,
      `${name}: ${quantity}: relative difference ${value}, at most ${bound} expected: ${where}`,
    );
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
      // Two models per policy, one recurrent and one Transformer, to save time.
      const each = expected.length / 2;
      for (const [number, { name, policy }] of availablePolicies().entries()) {
        const models = expected.filter((_, index) => index % each === number % each);
        await check(undefined, `golden values, ${name}`, models, [policy]);
      }
    });
  });

  describe('computed by PyTorch', () => {
    const found = findPython();

    for (const [family, count] of Object.entries(CASES) as [keyof typeof CASES, number][]) {
      test(`${count} random ${family} models, batches of many shapes`, async (context) => {
        await compareFamily(context, family, count);
      });
    }

    async function compareFamily(context: TestContext, family: keyof typeof CASES, cases: number): Promise<void> {
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
            randomCase(100 + index, { ...SIZES, batches: kindsOf(index) }, MODEL_KINDS[family]),
          ),
        );
        runReference(found.python, folder);
        const expected = await readExpected(folder);
        const batches = expected.reduce((sum, { batches: of }) => sum + of.length, 0);
        context.diagnostic(`PyTorch ${found.version}, ${batches} batches`);
        assert.ok(batches >= 8 * cases);
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
