import fc from 'fast-check';
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readIndex, stepName } from '../../../src/checkpoint/checkpoint-index.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import type { ValidationEvent } from '../../../src/training/events.js';
import {
  eventsOf,
  stoppedOf,
  tinyConfig,
  trainTiny,
  writeTinyText,
  type TinyResult,
  type TinySettings,
} from '../../support/tiny-training.js';

/** An epoch has 3 batches of 4 sentences. */
const text = writeTinyText({ train: 12, dev: 3 });
after(() => text.remove());
before(async () => {
  await loadTensorFlow({ device: 'cpu' });
});

let runs = 0;
/** A learning rate at which the dev loss oscillates. */
const configOf = (name: string, training: TinySettings['training']) =>
  tinyConfig(text, name, { training: { optimizer: { learningRate: 0.3 }, ...training } });

/** The best validation; on a tie of BLEU the one with the best chrF, then the latest. */
function bestOf(
  validations: readonly ValidationEvent[],
  metric: 'loss' | 'bleu',
): { metric: string; value: number; step: number } | undefined {
  const sign = metric === 'bleu' ? -1 : 1;
  const tieBreak = (event: ValidationEvent): number => (metric === 'bleu' ? event.chrf! : 0);
  const [best] = validations
    .toReversed()
    .toSorted((one, other) => sign * (one[metric]! - other[metric]!) || tieBreak(other) - tieBreak(one));
  return best && { metric, value: best[metric]!, step: best.step };
}

/** Trains up to a step, then interrupts. */
async function trainUntil(config: ReturnType<typeof configOf>, interruptAt: number | undefined): Promise<TinyResult> {
  const controller = new AbortController();
  return trainTiny(config, {
    resume: true,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === 'update' && event.step === interruptAt) controller.abort();
    },
  });
}

describe('the best checkpoint', () => {
  test('is the one with the best validation, in any order of saving and validation, also after a resume', async () => {
    const few = (most: number) => fc.integer({ min: 1, max: most });
    const sessions = fc.array(fc.record({ maxSteps: few(9), interruptAt: fc.option(few(9), { nil: undefined }) }), {
      minLength: 1,
      maxLength: 3,
    });
    const settings = fc.record({
      metric: fc.constantFrom('loss', 'bleu'),
      everySteps: fc.option(few(4), { nil: undefined }),
      validation: fc.record({ every: few(5), unit: fc.constantFrom('steps', 'epochs') }),
      keepLast: few(2),
      keepBest: few(2),
      sessions,
    });
    await fc.assert(
      fc.asyncProperty(settings, async ({ metric, everySteps, validation, keepLast, keepBest, sessions: limits }) => {
        const name = `property ${++runs}`;
        const validations: ValidationEvent[] = [];
        for (const { maxSteps, interruptAt } of limits.toSorted((one, other) => one.maxSteps - other.maxSteps)) {
          const config = configOf(name, {
            maxSteps,
            earlyStopping: { metric },
            checkpoints: { everySteps, keepLast, keepBest },
            validation: { ...validation, bleu: metric === 'bleu', samples: 0 },
          });
          const result = await trainUntil(config, interruptAt);
          const stopped = stoppedOf(result);
          validations.push(...eventsOf(result, 'validation'));
          const best = bestOf(validations, metric);
          const index = await readIndex(config.runDirectory);
          assert.equal(index.best ?? undefined, best?.step);
          assert.deepEqual(stopped.best, best);
          assert.equal(stopped.savedStep, stopped.step);
          assert.equal(index.checkpoints.at(-1)?.step, stopped.step);
          if (stopped.reason !== 'interrupted')
            assert.ok(
              validations.some(({ step }) => step === stopped.step),
              'the last weights are validated',
            );
          const folders = readdirSync(join(config.runDirectory, 'checkpoints')).filter(
            (entry) => entry !== 'index.json',
          );
          assert.deepEqual(folders.sort(), index.checkpoints.map(({ step }) => stepName(step)).sort());
          for (const { step, scores } of index.checkpoints) {
            const value = validations.findLast((event) => event.step === step)?.[metric];
            assert.equal(scores[metric], value, `step ${step}`);
          }
        }
      }),
      {
        numRuns: 25,
        seed: 5,
        examples: [
          // A save at the last step, where no validation is scheduled.
          [
            {
              metric: 'loss',
              everySteps: 2,
              validation: { every: 3, unit: 'steps' },
              keepLast: 1,
              keepBest: 1,
              sessions: [{ maxSteps: 4, interruptAt: undefined }],
            },
          ],
          // Interrupted at the last step: the resumed run only validates.
          [
            {
              metric: 'loss',
              everySteps: undefined,
              validation: { every: 5, unit: 'steps' },
              keepLast: 1,
              keepBest: 1,
              sessions: [
                { maxSteps: 2, interruptAt: 2 },
                { maxSteps: 2, interruptAt: undefined },
              ],
            },
          ],
        ],
      },
    );
  });

  test('a validation after the save emits an event and can change the best', async () => {
    const config = (maxSteps: number, everySteps?: number) =>
      configOf('late', {
        maxSteps,
        earlyStopping: { metric: 'loss' },
        optimizer: { learningRate: 0.01 },
        validation: { every: 3, unit: 'steps' },
        checkpoints: { everySteps },
      });
    const result = await trainTiny(config(4, 4));
    assert.deepEqual(
      eventsOf(result, 'validation').map(({ step, improved }) => [step, improved]),
      [
        [3, true],
        [4, true],
      ],
    );
    assert.deepEqual(
      eventsOf(result, 'checkpoint').map(({ step, best }) => [step, best]),
      [
        [3, true],
        [4, false],
        [4, true],
      ],
    );
    assert.equal(stoppedOf(result).best?.step, 4);
  });

  test('is kept when training resumes with another metric, and selected by that metric', async () => {
    const config = (metric: 'loss' | 'bleu', maxSteps: number) =>
      configOf('changed metric', {
        maxSteps,
        earlyStopping: { metric },
        validation: { every: 1, unit: 'steps' },
        checkpoints: { keepLast: 1, keepBest: 4 },
      });
    const first = await trainTiny(config('bleu', 4));
    const second = await trainTiny(config('loss', 5), { resume: true });
    const validations = [first, second].flatMap((result) => eventsOf(result, 'validation'));
    assert.deepEqual(stoppedOf(second).best, bestOf(validations, 'loss'));
    const { best, value } = { best: bestOf(validations.slice(0, 4), 'loss')!, value: validations[4]!.loss };
    assert.equal(validations[4]!.improved, value < best.value);
  });
});
