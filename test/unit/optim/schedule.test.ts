import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configSchema } from '../../../src/config/schema.js';
import { afterValidation, learningRate } from '../../../src/optim/schedule.js';

const schedule = (settings: Record<string, unknown>): ReturnType<typeof parse> => parse(settings);
const parse = (settings: Record<string, unknown>) => configSchema.shape.training.parse({ schedule: settings }).schedule;
const NEVER = { waited: 0, decays: 0 };

describe('learning-rate schedules', () => {
  test('every schedule rises linearly during warm-up', () => {
    for (const name of ['constant', 'inverse-sqrt', 'step', 'exponential', 'plateau']) {
      assert.equal(learningRate(25, 0.4, schedule({ name, warmupSteps: 100, start: 100 }), NEVER), 0.1);
    }
  });

  test('inverse square root peaks at the end of warm-up and decays with the square root of the step', () => {
    const settings = schedule({ name: 'inverse-sqrt', warmupSteps: 100 });
    assert.equal(learningRate(100, 0.4, settings, NEVER), 0.4);
    assert.equal(learningRate(400, 0.4, settings, NEVER), 0.2);
  });

  test('step decays after each interval from the start on', () => {
    const settings = schedule({ name: 'step', start: 1000, interval: 500, factor: 0.5 });
    assert.deepEqual(
      [1, 1000, 1499, 1500, 1999, 2000].map((update) => learningRate(update, 1, settings, NEVER)),
      [1, 1, 1, 0.5, 0.5, 0.25],
    );
  });

  test('exponential decays continuously at the same rate', () => {
    const settings = schedule({ name: 'exponential', start: 1000, interval: 500, factor: 0.5 });
    assert.equal(learningRate(1000, 1, settings, NEVER), 1);
    assert.equal(learningRate(1500, 1, settings, NEVER), 0.5);
    assert.ok(Math.abs(learningRate(1250, 1, settings, NEVER) - Math.SQRT1_2) < 1e-12);
  });

  test('plateau decays after more validations without improvement than its patience', () => {
    const settings = schedule({ name: 'plateau', patience: 1, factor: 0.5 });
    let state = NEVER;
    const rates = [false, true, false, false, false, false].map((improved) => {
      state = afterValidation(state, improved, settings);
      return learningRate(1, 1, settings, state);
    });
    assert.deepEqual(rates, [1, 1, 1, 0.5, 0.5, 0.25]);
  });

  test('no schedule goes below its minimum', () => {
    assert.equal(
      learningRate(100_000, 1, schedule({ name: 'step', interval: 10, minimumLearningRate: 0.01 }), NEVER),
      0.01,
    );
  });
});
