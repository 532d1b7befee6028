import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../../../src/config/schema.js';
import { Random } from '../../../src/random.js';
import { reachedLimit } from '../../../src/training/limits.js';
import { assumedHistory } from '../../../src/training/patience.js';
import { INITIAL_PROGRESS, withValidation, type Progress } from '../../../src/training/progress.js';
import type { DevScores, ScoreName } from '../../../src/training/selection.js';

/** Scores of the validations of a training, one per number. */
type Curve = (validation: number) => DevScores;

interface Outcome {
  /** The validation after which early stopping ends the training; undefined if it does not. */
  readonly end: number | undefined;
  /** The validations after which the learning rate falls. */
  readonly decays: readonly number[];
  readonly progress: Progress;
}

/** Validates until early stopping ends the training, or for a number of validations. */
function simulate(
  curve: Curve,
  {
    metric = 'bleu',
    patience = 3,
    validations = 200,
  }: { metric?: ScoreName; patience?: number; validations?: number } = {},
): Outcome {
  const training = configSchema.shape.training.parse({
    earlyStopping: { metric, patience },
    schedule: { name: 'plateau', patience: 1 },
  });
  let progress = INITIAL_PROGRESS;
  const decays: number[] = [];
  for (let validation = 1; validation <= validations; validation++) {
    const before = progress.plateau.decays;
    ({ progress } = withValidation({ ...progress, step: validation }, curve(validation), training));
    if (progress.plateau.decays > before) decays.push(validation);
    const extent = { step: validation, epochs: 0, elapsedSeconds: 0, waited: progress.waited };
    if (reachedLimit(training, extent) === 'early-stopping') return { end: validation, decays, progress };
  }
  return { end: undefined, decays, progress };
}

/** Noise around a value, the same for each validation. */
const noise = (validation: number, size: number): number => size * new Random(validation).uniform();
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** A dev loss that falls until a validation and rises afterwards, as that of a small text does. */
const lossWithMinimum = (validation: number, at: number): number => 4 + 0.004 * (validation - at) ** 2;

/** Curves like those of trainings; `end` is when BLEU no longer rises. */
const CURVES: Record<string, { curve: Curve; begins: number; end: number }> = {
  '500 pairs: the loss rises long before BLEU does': {
    curve: (v) => ({
      bleu: v < 18 ? noise(v, 0.8) : 6 * sigmoid((v - 24) / 3) + noise(v, 0.2),
      loss: lossWithMinimum(v, 12),
    }),
    begins: 18,
    end: 36,
  },
  '17,000 pairs in large batches: six validations of noise': {
    curve: (v) => ({ bleu: v < 9 ? noise(v, 0.4) : 34 * sigmoid((v - 15) / 3), loss: 3 + 3 * Math.exp(-v / 12) }),
    begins: 9,
    end: 40,
  },
  '29,000 pairs: BLEU rises at once': {
    curve: (v) => ({ bleu: 40 * (1 - Math.exp(-v / 4)) - noise(v, 0.3), loss: lossWithMinimum(v, 9) }),
    begins: 1,
    end: 30,
  },
  '50 million pairs: the first validation is a good one': {
    curve: (v) => ({ bleu: 15 + 20 * (1 - Math.exp(-v / 30)) - noise(v, 0.1), loss: 2 + Math.exp(-v / 30) }),
    begins: 1,
    end: 100,
  },
};

for (const [name, { curve, begins, end: stops }] of Object.entries(CURVES)) {
  test(`patience: ${name}`, () => {
    const { end, decays, progress } = simulate(curve);
    assert.ok(
      decays.every((validation) => validation > begins),
      `the learning rate fell after ${decays.join()}`,
    );
    assert.ok(end !== undefined && end > begins, `ended after ${end}`);
    const best = Math.max(...Array.from({ length: stops }, (_, v) => curve(v + 1).bleu!));
    assert.ok(progress.best!.value > 0.95 * best, `${progress.best!.value} of ${best}`);
  });
}

test('a model that never translates ends, too, but later', () => {
  // The loss is stuck, too, up to noise.
  const { end, decays } = simulate((v) => ({ bleu: 0, loss: 6 + noise(v, 0.001) }), { patience: 3 });
  assert.equal(end, 16, 'every fifth validation counts');
  assert.deepEqual(decays, [11]);
});

test('a model that no longer changes ends after `patience` validations', () => {
  const frozen = simulate(() => ({ bleu: 0.1, chrf: 3, loss: 6 }));
  assert.equal(frozen.end, 4);
});

test('a fine-tuned model starts with a good score, which counts from the first validation', () => {
  assert.equal(simulate((v) => ({ bleu: v === 1 ? 30 : 29, loss: 1 + v / 100 })).end, 4);
});

test('BLEU that stagnates does not count while the loss improves by a thousandth', () => {
  const stagnating = (rate: number) => simulate((v) => ({ bleu: v === 1 ? 20 : 19, loss: 2 * (1 - rate) ** v }));
  assert.equal(stagnating(0.002).end, undefined);
  assert.deepEqual(stagnating(0.002).decays, []);
  assert.ok(stagnating(0.0001).end! <= 6);
});

test('a perfect score cannot improve, even if the loss does', () => {
  assert.equal(simulate((v) => ({ bleu: v === 1 ? 50 : 100, loss: 2 * 0.9 ** v })).end, 5);
});

test('selected by loss, every validation that is not better counts', () => {
  assert.equal(simulate((v) => ({ loss: v === 1 ? 3 : 3.1 }), { metric: 'loss' }).end, 4);
  // However small the improvement.
  assert.equal(simulate((v) => ({ loss: 3 - v * 1e-6 }), { metric: 'loss' }).end, undefined);
});

test('chrF counts from when it is above the level of noise', () => {
  const noisy = simulate((v) => ({ chrf: 12 + noise(v, 6), loss: 5 + v / 100 }), { metric: 'chrf', validations: 15 });
  assert.deepEqual([noisy.end, noisy.decays], [undefined, noisy.decays]);
  assert.ok(noisy.progress.waited < 3);
  const moving = simulate((v) => ({ chrf: Math.min(60, 12 + 5 * v), loss: 5 + v / 100 }), { metric: 'chrf' });
  assert.ok(moving.end! <= 14);
});

test('noise while the loss falls never ends a training and never lowers its rate', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1.9, noNaN: true }), { minLength: 40, maxLength: 40 }),
      fc.double({ min: 0.002, max: 0.1, noNaN: true }),
      fc.integer({ min: 1, max: 10 }),
      (scores, rate, patience) => {
        const { end, decays } = simulate((v) => ({ bleu: scores[v - 1]!, loss: 8 * (1 - rate) ** v }), {
          patience,
          validations: 40,
        });
        assert.deepEqual([end, decays], [undefined, []]);
      },
    ),
  );
});

test('checkpoints without a history: a score clearly above 0 has begun to move', () => {
  assert.equal(assumedHistory('bleu', 25, [3, 2]).begun, true);
  assert.equal(assumedHistory('bleu', 0.3, []).begun, false);
  assert.deepEqual([assumedHistory('loss', 3, [3, 2]).begun, assumedHistory('loss', 3, [3, 2]).lowestLoss], [true, 2]);
});
