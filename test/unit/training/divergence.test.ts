import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readIndex } from '../../../src/checkpoint/checkpoint-index.js';
import { S2sError } from '../../../src/errors.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { DivergenceDetector } from '../../../src/training/divergence.js';
import {
  eventsOf,
  stoppedOf,
  tinyConfig,
  trainTiny,
  writeTinyText,
  type TinySettings,
} from '../../support/tiny-training.js';

/** An epoch has 6 batches of 4 sentences. */
const text = writeTinyText({ train: 24, dev: 4 });
after(() => text.remove());
before(async () => {
  await loadTensorFlow({ device: 'cpu' });
});

let runs = 0;
const configOf = (training: TinySettings['training']) => tinyConfig(text, `run ${++runs}`, { training });
const assertDiverged = (error: unknown): S2sError => {
  assert.ok(error instanceof S2sError && error.code === 'diverged' && error.exitCode === 1, String(error));
  assert.match(error.message, /^training has diverged: /);
  assert.match(
    error.hint!,
    /Lower training\.optimizer\.learningRate or training\.clipNorm .* or increase training\.schedule\.warmupSteps/,
  );
  return error;
};

describe('training that diverges with finite numbers', () => {
  const OPTIMIZERS = [
    { name: 'adam', learningRate: 1000 },
    { name: 'adamw', learningRate: 1000 },
    { name: 'sgd', learningRate: 1e30 },
    { name: 'sgd', learningRate: 1e5 },
  ] as const;
  for (const optimizer of OPTIMIZERS) {
    for (const metric of ['loss', 'bleu'] as const) {
      for (const unit of ['steps', 'epochs'] as const) {
        const variant = `${optimizer.name} at ${optimizer.learningRate}, validation by ${metric}, in ${unit}`;
        test(`throws, and no checkpoint is the best: ${variant}`, async () => {
          const config = configOf({
            maxSteps: 300,
            optimizer,
            earlyStopping: { metric },
            validation: { every: 1, unit },
          });
          const { error, ...result } = await trainTiny(config);
          assertDiverged(error);
          assert.ok(eventsOf(result, 'validation').every(({ improved, perplexity }) => !improved || perplexity < 100));
          const { best } = await readIndex(config.runDirectory);
          assert.equal(best, null);
          assert.ok(eventsOf(result, 'update').every(({ perplexity }) => Number.isFinite(perplexity)));
        });
      }
    }
  }

  test('throws if the only validation is the final one', async () => {
    const config = configOf({ maxSteps: 1, optimizer: { name: 'sgd', learningRate: 1e30 } });
    const { error, ...result } = await trainTiny(config);
    assertDiverged(error);
    assert.match(
      eventsOf(result, 'validation')[0]!.warnings[0]!,
      /^training has diverged: the (loss|perplexity) on the dev set is infinite or NaN; these weights are not saved/,
    );
    assert.deepEqual((await readIndex(config.runDirectory)).checkpoints, []);
  });

  test('does not suggest a last checkpoint that had already diverged', async () => {
    const { error } = await trainTiny(
      configOf({ maxSteps: 9, optimizer: { learningRate: 1000 }, checkpoints: { everySteps: 1 } }),
    );
    assert.match(
      assertDiverged(error).hint!,
      /The last checkpoint, of step 1, had already diverged\. .* start again with another --run-dir/,
    );
  });

  test('emits a warning in the first steps, and ignores the score', async () => {
    const config = configOf({
      maxSteps: 12,
      clipNorm: 0,
      optimizer: { name: 'adam', learningRate: 5 },
      validation: { every: 4, unit: 'steps' },
    });
    const result = await trainTiny(config);
    assert.deepEqual(stoppedOf(result).best, undefined);
    for (const { warnings, improved, perplexity } of eventsOf(result, 'validation')) {
      assert.ok(perplexity > 200 && !improved);
      const found = 'more than 10 times that of a uniform distribution \\(12\\)';
      assert.match(
        warnings[0]!,
        new RegExp(`${found}\\. The model may still recover; until then its scores do not count`),
      );
    }
    assert.ok(eventsOf(result, 'checkpoint').every(({ best }) => !best));
  });

  test('throws after the first steps, without suggesting a checkpoint that had already diverged', async () => {
    const { error, ...result } = await trainTiny(
      configOf({ maxSteps: 300, clipNorm: 0, optimizer: { name: 'adam', learningRate: 5 } }),
    );
    assert.deepEqual(
      eventsOf(result, 'validation')
        .map(({ step }) => step)
        .slice(-2),
      [102, 108],
    );
    assert.deepEqual(eventsOf(result, 'checkpoint').at(-1)?.step, 96, 'as a peak, that was saved');
    assert.match(assertDiverged(error).hint!, /^The last checkpoint, of step 96, had already diverged/);
  });

  test('throws between validations, too', async () => {
    const { error, ...result } = await trainTiny(
      configOf({
        maxSteps: 400,
        clipNorm: 0,
        optimizer: { name: 'adam', learningRate: 5 },
        validation: { every: 1000, unit: 'steps' },
      }),
    );
    const found = 'the perplexity in training was more than 10 times that of a uniform distribution \\(12\\)';
    assert.match(
      assertDiverged(error).message,
      new RegExp(`${found} in 200 consecutive updates; stopped at step \\d+$`),
    );
    assert.ok(eventsOf(result, 'update').length >= 200);
  });
});

describe('not reported as divergence:', () => {
  test('a high but usual learning rate', async () => {
    for (const learningRate of [0.01, 0.1]) {
      const result = await trainTiny(
        configOf({ maxSteps: 60, optimizer: { learningRate }, validation: { every: 10, unit: 'steps' } }),
      );
      assert.equal(stoppedOf(result).step, 60);
      assert.ok(
        eventsOf(result, 'validation').every(({ warnings }) =>
          warnings.every((warning) => !warning.includes('diverged')),
        ),
      );
    }
  });

  const VOCABULARY = 100;
  const update = (perplexity: number, targetTokens = 10) => ({
    negativeLogLikelihood: targetTokens * Math.log(perplexity),
    targetTokens,
  });
  const validation = (perplexity: number, step = 5000, epochs = 3) => ({
    loss: Math.log(perplexity),
    perplexity,
    step,
    epochs,
  });

  test('a transient spike, or recovery from a bad start', () => {
    const watch = new DivergenceDetector(VOCABULARY, 0);
    assert.equal(watch.afterUpdate(update(100)), false);
    for (let i = 0; i < 199; i++) assert.equal(watch.afterUpdate(update(1e6)), false, `${i}`);
    assert.equal(watch.afterUpdate(update(999)), false);
    for (let i = 0; i < 199; i++) assert.equal(watch.afterUpdate(update(1e6)), false, `${i}`);
    assert.equal(watch.afterUpdate(update(1e6)), true, 'the 200th in a row');
    const falling = new DivergenceDetector(VOCABULARY, 0);
    for (let i = 0; i < 2000; i++) assert.equal(falling.afterUpdate(update(1e9 * 0.995 ** i)), false, `${i}`);
  });

  test('overfitting: worse than a uniform distribution on the dev set, good on the training data', () => {
    const watch = new DivergenceDetector(VOCABULARY, 0);
    for (let i = 0; i < 10; i++) {
      watch.afterUpdate(update(1.1));
      assert.equal(watch.afterValidation(validation(1e8)), 'healthy');
    }
    assert.equal(watch.shouldStop, false);
  });

  test('a resumed run that only validates', () => {
    assert.equal(new DivergenceDetector(VOCABULARY, 0).afterValidation(validation(1e8)), 'healthy');
  });

  test('a single validation', () => {
    const watch = new DivergenceDetector(VOCABULARY, 0);
    const both = (perplexity: number, step?: number, epochs?: number) => {
      watch.afterUpdate(update(perplexity));
      return watch.afterValidation(validation(perplexity, step, epochs));
    };
    assert.deepEqual([both(2000), watch.shouldStop, watch.hasDiverged], ['diverged', false, true]);
    assert.deepEqual([both(900), watch.shouldStop, watch.hasDiverged], ['healthy', false, false]);
    assert.deepEqual([both(2000), both(Infinity), watch.shouldStop], ['diverged', 'diverged', true]);
    assert.deepEqual([both(2000, 99), both(2000, 5000, 0)], ['spike', 'spike']);
    const warmingUp = new DivergenceDetector(VOCABULARY, 8000);
    warmingUp.afterUpdate(update(2000));
    assert.equal(warmingUp.afterValidation(validation(2000)), 'spike');
    for (const perplexity of [Number.NaN, Infinity])
      assert.equal(warmingUp.afterValidation(validation(perplexity, 1, 0)), 'diverged');
  });
});
