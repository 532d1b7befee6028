import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema, type TrainingConfig } from '../../../src/config/schema.js';
import { progressShare, reachedLimit } from '../../../src/training/limits.js';
import { INITIAL_PROGRESS, withValidation, type Progress } from '../../../src/training/progress.js';

const settings = (training: object): TrainingConfig => configSchema.shape.training.parse(training);
const extent = { step: 50, epochs: 2, elapsedSeconds: 90, waited: 3 };

test('a limit is reached exactly at its value', () => {
  assert.equal(reachedLimit(settings({}), extent), undefined);
  const cases: [object, object, string][] = [
    [{ maxSteps: 51 }, { maxSteps: 50 }, 'max-steps'],
    [{ maxEpochs: 3 }, { maxEpochs: 2 }, 'max-epochs'],
    [{ maxMinutes: 1.6 }, { maxMinutes: 1.5 }, 'max-minutes'],
    [{ earlyStopping: { patience: 4 } }, { earlyStopping: { patience: 3 } }, 'early-stopping'],
  ];
  for (const [above, met, reason] of cases) {
    assert.equal(reachedLimit(settings(above), extent), undefined);
    assert.equal(reachedLimit(settings(met), extent), reason);
  }
});

test('progress is that of the limit that is reached first', () => {
  assert.equal(progressShare(settings({}), extent, 20), undefined);
  assert.equal(progressShare(settings({ earlyStopping: { patience: 4 } }), extent, 20), undefined, 'nobody knows when');
  assert.equal(progressShare(settings({ maxSteps: 100 }), extent, 20), 0.5);
  assert.equal(progressShare(settings({ maxSteps: 100, maxEpochs: 4, maxMinutes: 15 }), extent, 20), 50 / 80);
  assert.equal(progressShare(settings({ maxMinutes: 1 }), extent, 20), 1, 'never more than all');
});

test('a score that is not lower becomes the best, and one that is not higher counts towards patience', () => {
  const after = (metric: 'loss' | 'bleu', values: readonly number[], from: Progress = INITIAL_PROGRESS): Progress => {
    const training = settings({ earlyStopping: { metric }, schedule: { name: 'plateau', patience: 1 } });
    return values.reduce(
      (progress, value) =>
        withValidation({ ...progress, step: progress.step + 1 }, { [metric]: value }, training).progress,
      from,
    );
  };
  const bleu = after('bleu', [10, 9, 12, 12, 11, Number.NaN]);
  assert.deepEqual(
    [bleu.best, bleu.waited, bleu.plateau, bleu.validated],
    [{ metric: 'bleu', value: 12, step: 4 }, 3, { waited: 1, decays: 1 }, { scores: { bleu: Number.NaN }, step: 6 }],
  );
  const loss = after('loss', [4, 3, 3.5]);
  assert.deepEqual([loss.best, loss.waited], [{ metric: 'loss', value: 3, step: 2 }, 1]);
  assert.deepEqual(
    after('loss', [99], bleu).best,
    { metric: 'loss', value: 99, step: 7 },
    'scores of another metric do not compare',
  );
  for (const value of [Number.NaN, Infinity, -Infinity]) {
    for (const metric of ['loss', 'bleu'] as const)
      assert.equal(after(metric, [value]).best, undefined, `${metric} ${value}`);
  }
  const without = withValidation({ ...INITIAL_PROGRESS, step: 1 }, {}, settings({ earlyStopping: { metric: 'loss' } }));
  assert.deepEqual([without.improved, without.progress.best, without.progress.waited], [false, undefined, 1]);
});
