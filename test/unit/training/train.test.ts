import type { Tensor2D } from '@tensorflow/tfjs-node-gpu';
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, describe, mock, test } from 'node:test';
import { readIndex } from '../../../src/checkpoint/checkpoint-index.js';
import { loadCheckpoint } from '../../../src/checkpoint/run-directory.js';
import { S2sError } from '../../../src/errors.js';
import type { Config } from '../../../src/config/schema.js';
import type { TrainableModel } from '../../../src/model/model.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';
import type { TrainingEvent } from '../../../src/training/events.js';
import { openTraining } from '../../../src/training/open.js';
import type { TrainingRun } from '../../../src/training/run.js';
import { train } from '../../../src/training/train.js';
import {
  eventsOf,
  lastCheckpoint,
  stoppedOf,
  tinyConfig,
  trainTiny,
  writeTinyText,
  type TinyResult,
  type TinySettings,
} from '../../support/tiny-training.js';

/** An epoch has 6 batches of 4 sentences. */
const text = writeTinyText({ train: 24, dev: 4 });
after(() => text.remove());
before(async () => {
  await loadTensorFlow({ device: 'cpu' });
});

let runs = 0;
const configOf = (training: TinySettings['training'], name = `run ${++runs}`) => tinyConfig(text, name, { training });
const stepsOf = (result: TinyResult, type: 'validation' | 'checkpoint' | 'update') =>
  eventsOf(result, type).map(({ step }) => step);

describe('limits', () => {
  test('updates', async () => {
    const { reason, step, savedStep } = stoppedOf(await trainTiny(configOf({ maxSteps: 4 })));
    assert.deepEqual({ reason, step, savedStep }, { reason: 'max-steps', step: 4, savedStep: 4 });
  });

  test('epochs, with an incomplete last update', async () => {
    const result = await trainTiny(configOf({ maxEpochs: 2, batch: { size: 4, unit: 'sentences', accumulate: 4 } }));
    assert.deepEqual(
      { reason: stoppedOf(result).reason, step: stoppedOf(result).step },
      { reason: 'max-epochs', step: 4 },
    );
    assert.deepEqual(
      eventsOf(result, 'update').map(({ epoch }) => epoch),
      [1, 1, 2, 2],
    );
    assert.deepEqual(stepsOf(result, 'validation'), [2, 4], 'each epoch once, also where a limit is there too');
    assert.equal(eventsOf(result, 'start')[0]!.stepsPerEpoch, 2);
    assert.deepEqual(
      eventsOf(result, 'update').map(({ share }) => share),
      [0.25, 0.5, 0.75, 1],
    );
  });

  test('minutes, including earlier sessions', async () => {
    const config = configOf({ maxMinutes: 0.4 / 60 });
    const result = await trainTiny(config);
    assert.equal(stoppedOf(result).reason, 'max-minutes');
    assert.ok(stoppedOf(result).elapsedSeconds >= 0.4);
    const { remainingSeconds, share } = eventsOf(result, 'update')[0]!;
    assert.ok(share! > 0 && remainingSeconds! < 0.4);
    const resumed = await trainTiny(config, { resume: true });
    // The elapsed time is saved before the checkpoint is written, which may leave time for one more update.
    assert.ok(stoppedOf(resumed).step <= stoppedOf(result).step + 1);
  });

  for (const metric of ['loss', 'bleu'] as const) {
    test(`early stopping when the dev ${metric} does not improve`, async () => {
      // Too small a step to change a float32 score.
      const result = await trainTiny(
        configOf({
          maxSteps: 30,
          optimizer: { name: 'sgd', learningRate: 1e-30 },
          validation: { every: 2, unit: 'steps' },
          earlyStopping: { metric, patience: 3 },
        }),
      );
      assert.deepEqual(
        { reason: stoppedOf(result).reason, step: stoppedOf(result).step },
        { reason: 'early-stopping', step: 8 },
      );
      assert.deepEqual(
        eventsOf(result, 'validation').map(({ improved }) => improved),
        [true, false, false, false],
      );
      const last = eventsOf(result, 'validation').at(-1)!;
      assert.deepEqual(stoppedOf(result).best, { metric, value: last[metric], step: 8 }, 'the latest of equal scores');
    });
  }

  test('an abort before the first update saves nothing', async () => {
    const config = configOf({});
    const result = await trainTiny(config, { signal: AbortSignal.abort() });
    assert.deepEqual(
      { reason: stoppedOf(result).reason, savedStep: stoppedOf(result).savedStep },
      { reason: 'interrupted', savedStep: undefined },
    );
    assert.equal(existsSync(`${config.runDirectory}/checkpoints`), false);
  });
});

describe('validations and checkpoints', () => {
  test('every N updates, and at the end', async () => {
    const result = await trainTiny(configOf({ maxSteps: 7, validation: { every: 3, unit: 'steps' } }));
    assert.deepEqual(stepsOf(result, 'validation'), [3, 6, 7]);
    assert.deepEqual(stepsOf(result, 'checkpoint'), [3, 6, 7]);
  });

  test('every N epochs, with checkpoints between', async () => {
    const result = await trainTiny(
      configOf({ maxEpochs: 4, validation: { every: 2, unit: 'epochs' }, checkpoints: { everySteps: 5 } }),
    );
    assert.deepEqual(stepsOf(result, 'validation'), [12, 24]);
    assert.deepEqual(stepsOf(result, 'checkpoint'), [5, 10, 12, 15, 20, 24]);
  });

  test('keep the last K and the best', async () => {
    const config = configOf({
      maxSteps: 8,
      optimizer: { learningRate: 0.05 },
      validation: { every: 1, unit: 'steps' },
      earlyStopping: { metric: 'loss' },
      checkpoints: { keepLast: 2, keepBest: 2 },
    });
    const kept = new Map<number, number[]>();
    const result = await trainTiny(config, {
      onEvent: async (event) => {
        if (event.type === 'checkpoint')
          kept.set(
            event.step,
            (await readIndex(config.runDirectory)).checkpoints.map(({ step }) => step),
          );
      },
    });
    const losses = eventsOf(result, 'validation');
    for (const [now, steps] of kept) {
      const soFar = losses.filter(({ step }) => step <= now);
      const best = soFar.toSorted((a, b) => a.loss - b.loss).slice(0, 2);
      assert.deepEqual(
        steps,
        [...new Set([...best, ...soFar.slice(-2)].map(({ step }) => step))].sort((a, b) => a - b),
        `at step ${now}`,
      );
    }
    const lowest = losses.toSorted((a, b) => a.loss - b.loss)[0]!;
    assert.deepEqual(stoppedOf(result).best, { metric: 'loss', value: lowest.loss, step: lowest.step });
  });

  test('results of a validation', async () => {
    const [validation] = eventsOf(await trainTiny(configOf({ maxSteps: 1, validation: { samples: 3 } })), 'validation');
    assert.ok(validation);
    const { loss, perplexity, accuracy, bleu, bleuSignature, samples } = validation;
    assert.ok(loss > 0 && perplexity > 1 && accuracy >= 0 && accuracy <= 1 && bleu! >= 0 && bleu! <= 100);
    assert.match(bleuSignature!, /nrefs:1/);
    assert.equal(samples.length, 3);
    const [without] = eventsOf(
      await trainTiny(
        configOf({ maxSteps: 1, validation: { bleu: false, samples: 1 }, earlyStopping: { metric: 'loss' } }),
      ),
      'validation',
    );
    assert.deepEqual([without?.bleu, without?.samples.length, without?.loss], [undefined, 1, loss]);
  });

  test('the dry run uses the largest batch, and changes neither weights nor batch position', async () => {
    let numTensors = 0;
    const result = await trainTiny(
      tinyConfig(text, 'dry-run', { model: { dropout: { output: 0.5 } }, training: { maxSteps: 1 } }),
      {
        onEvent: (event, run) => {
          if (event.type === 'start') numTensors = tf.memory().numTensors;
          if (event.type !== 'dry-run') return;
          run.model.parameters.release();
          assert.equal(tf.memory().numTensors, numTensors);
          assert.deepEqual(run.batches.position, { epoch: 0, batch: 0 });
          const { batch, sourceTime, targetTime } = run.batches.largestBatch((shape) => run.model.memory(shape));
          assert.deepEqual([event.sentences, event.sourceTime, event.targetTime], [batch, sourceTime, targetTime]);
        },
      },
    );
    assert.deepEqual(
      result.events.slice(0, 3).map(({ type }) => type),
      ['start', 'dry-run', 'update'],
    );
  });

  test('an interrupt while batches are planned stops training immediately, with a checkpoint', async () => {
    const config = tinyConfig(text, 'interrupted-waiting', { training: { maxSteps: 100 } });
    const controller = new AbortController();
    const result = await trainTiny(config, {
      signal: controller.signal,
      onEvent: (event, { batches }) => {
        if (event.type !== 'update' || event.step !== 2) return;
        // As while the batches of a large corpus are planned: no batch is ready when the user interrupts.
        mock.method(batches, 'next', () => new Promise(() => undefined));
        mock.method(
          batches,
          'ready',
          (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(false))),
        );
        setTimeout(() => controller.abort(), 20);
      },
    });
    assert.deepEqual([stoppedOf(result).reason, stoppedOf(result).savedStep], ['interrupted', 2]);
    assert.deepEqual((await lastCheckpoint(config)).state['position'], { epoch: 0, batch: 2 });
  });

  test('updates, validations and checkpoints do not leak tensors', async () => {
    const counts: number[] = [];
    await trainTiny(
      tinyConfig(text, 'memory', {
        model: { dropout: { embedding: 0.2 } },
        training: {
          maxSteps: 36,
          batch: { size: 24, unit: 'tokens', accumulate: 2 },
          validation: { every: 6, unit: 'steps' },
        },
      }),
      {
        onEvent: (event) => {
          if (event.type === 'update') counts.push(tf.memory().numTensors);
        },
      },
    );
    assert.equal(counts.length, 36);
    assert.deepEqual(new Set(counts).size, 1, counts.join());
  });
});

describe('a non-finite loss', () => {
  /** Assigns infinite weights before the given batches are computed, and restores the weights after them. */
  function spoiling(updates: readonly number[]): (event: TrainingEvent, run: TrainingRun) => Promise<void> {
    let made = 0;
    let good: Float32Array | undefined;
    return async (event, { model }) => {
      if (event.type !== 'dry-run' && event.type !== 'update' && event.type !== 'skipped') return;
      made++;
      if (good !== undefined) model.parameters.assign('output.bias', good);
      good = undefined;
      if (!updates.includes(made)) return;
      good = (await model.parameters.values()).get('output.bias')!.data;
      model.parameters.assign('output.bias', new Float32Array(good.length).fill(Infinity));
    };
  }

  test('skips the update, counts it, and continues', async () => {
    const config = configOf({ maxEpochs: 1, maxNonFiniteSteps: 3 });
    const result = await trainTiny(config, { onEvent: spoiling([2, 3, 5]) });
    assert.deepEqual(
      result.events.flatMap((event) =>
        event.type === 'update' || event.type === 'skipped' ? [[event.type, event.step]] : [],
      ),
      [
        ['update', 1],
        ['skipped', 1],
        ['skipped', 1],
        ['update', 2],
        ['skipped', 2],
        ['update', 3],
      ],
    );
    assert.deepEqual(
      eventsOf(result, 'skipped').map(({ inRow, total, epoch, batch }) => [inRow, total, epoch, batch]),
      [
        [1, 1, 1, 2],
        [2, 2, 1, 3],
        [1, 3, 1, 5],
      ],
    );
    assert.equal(stoppedOf(result).skipped, 3);
    const resumed = await trainTiny({ ...config, training: { ...config.training, maxEpochs: 2 } }, { resume: true });
    assert.equal(stoppedOf(resumed).skipped, 3, 'a resume remembers the count');
  });

  /** Runs training with a model whose outputs are replaced after the dry run. */
  async function trainChanged(
    config: Config,
    change: (outputs: Tensor2D) => Tensor2D,
  ): Promise<Pick<TinyResult, 'events' | 'error'>> {
    const run = await openTraining(config);
    const events: TrainingEvent[] = [];
    const teacherForcing: TrainableModel['teacherForcing'] = (...given) => {
      const forced = run.model.teacherForcing(...given);
      return events.at(-1)?.type === 'start' ? forced : { ...forced, hidden: change(forced.hidden) };
    };
    try {
      for await (const event of train({
        ...run,
        model: Object.assign(Object.create(run.model) as TrainableModel, { teacherForcing }),
      }))
        events.push(event);
      return { events, error: undefined };
    } catch (error) {
      return { events, error };
    } finally {
      await run.close();
    }
  }

  test('reports the first such batch: its shape, and the lines of two corpora', async () => {
    const files = ['train', 'dev'].map((name) => `${text.folder}/${name}.a`);
    const data = { train: files.map((source) => ({ source, target: source.replace(/a$/, 'b') })) };
    const config = tinyConfig(text, 'named', {
      data,
      training: { maxNonFiniteSteps: 1, batch: { size: 7, unit: 'sentences', accumulate: 4 } },
    });
    let batches = 0;
    const { events } = await trainChanged(config, (outputs) => (++batches === 3 ? tf.div(outputs, 0) : outputs));
    const [skipped] = eventsOf({ events }, 'skipped');
    assert.deepEqual(
      [skipped?.batch, skipped?.notFinite, skipped?.batches.length, skipped?.batches[0]?.batch],
      [4, 'loss', 1, 3],
    );
    const { sentences, sourceTime, longest, lines } = skipped!.batches[0]!;
    const words = (file: string, line: number): number =>
      readFileSync(file, 'utf8').split('\n')[line - 1]!.split(' ').length;
    const lengths = lines.flatMap((found) => found.lines.map((line) => words(found.file, line)));
    assert.deepEqual([lengths.length, Math.max(...lengths)], [sentences, sourceTime - 1]);
    assert.deepEqual(
      [words(longest.file, longest.line), longest.sourceTokens, longest.targetTokens],
      [sourceTime - 1, sourceTime - 1, sourceTime - 1],
    );
  });

  test('with only a non-finite gradient, reports all batches of the update, here of the epoch', async () => {
    const config = configOf({ maxNonFiniteSteps: 1, batch: { size: 4, unit: 'sentences', accumulate: 6 } });
    // The square root of zero adds zero, and its gradient is not finite.
    const { events, error } = await trainChanged(config, (outputs) => tf.add(outputs, tf.sqrt(tf.mul(outputs, 0))));
    assert.match(
      String(error),
      new RegExp(
        'in 1 consecutive update; the latest was the gradient of ' +
          'batch 1 of epoch 1 .*, batch 2 of epoch 1 .*, batch 3 of epoch 1 .* and 3 more; stopped at step 0$',
      ),
    );
    const [skipped] = eventsOf({ events }, 'skipped');
    assert.deepEqual(
      [skipped?.notFinite, skipped?.batch, skipped?.batches.map(({ batch }) => batch)],
      ['gradient', 6, [1, 2, 3, 4, 5, 6]],
    );
    const lines = skipped!.batches.flatMap((origin) => origin.lines.flatMap((found) => found.lines));
    assert.deepEqual(
      lines.toSorted((one, other) => one - other),
      Array.from({ length: 24 }, (_, index) => index + 1),
    );
  });

  test('at the end of an epoch does not prevent its validation', async () => {
    const result = await trainTiny(configOf({ maxEpochs: 2, checkpoints: { everySteps: 4 } }), {
      onEvent: spoiling([6]),
    });
    assert.deepEqual(stepsOf(result, 'validation'), [5, 11]);
    assert.deepEqual(stepsOf(result, 'checkpoint'), [4, 5, 8, 11]);
  });

  test('throws after too many consecutive updates, and suggests the last valid checkpoint', async () => {
    const config = configOf({ maxEpochs: 3, maxNonFiniteSteps: 3, checkpoints: { everySteps: 2 } });
    const { error, ...result } = await trainTiny(config, { onEvent: spoiling([4, 5, 6, 7, 8]) });
    assert.ok(error instanceof S2sError);
    assert.equal(error.code, 'diverged');
    assert.equal(error.exitCode, 1);
    const shape = '4 sentences x \\d+ source x \\d+ target tokens, longest pair at .*train\\.a:\\d+';
    assert.match(
      error.message,
      new RegExp(
        `in 3 consecutive updates; the latest was the loss of batch 6 of epoch 1 \\(${shape}\\); stopped at step 3$`,
      ),
    );
    assert.match(
      error.hint!,
      new RegExp(
        'The last checkpoint is of step 2\\. ' +
          'Lower training\\.optimizer\\.learningRate .* continue from it with --resume\\. ' +
          'Rows of type skipped in metrics\\.jsonl list the lines of each batch\\.$',
      ),
    );
    assert.equal(eventsOf({ events: result.events }, 'skipped').length, 3);
    const resumed = await trainTiny(config, { resume: true });
    assert.equal(eventsOf(resumed, 'start')[0]!.step, 2);
    assert.equal(stoppedOf(resumed).step, 18);
  });

  for (const [unit, training] of Object.entries({
    'between validations': { checkpoints: { everySteps: 2 } },
    'at a validation': { validation: { every: 2, unit: 'steps' } },
  } as const)) {
    test(`infinite weights do not replace a valid checkpoint ${unit}`, async () => {
      const config = configOf({ maxSteps: 12, maxNonFiniteSteps: 4, ...training });
      const { error, events } = await trainTiny(config, {
        onEvent: (event, { model }) => {
          if (event.type === 'update' && event.step === 4)
            model.parameters.assign('output.bias', new Float32Array(model.targetVocabularySize).fill(Infinity));
        },
      });
      assert.ok(error instanceof S2sError && error.code === 'diverged', String(error));
      assert.deepEqual(stepsOf({ events, error, preparation: [] }, 'checkpoint'), [2]);
      assert.ok(eventsOf({ events }, 'validation').every(({ improved, loss }) => Number.isFinite(loss) || !improved));
      assert.equal(stoppedOf(await trainTiny(config, { resume: true })).step, 12);
    });
  }

  test('caused by the float16 loss scale halves the scale, and is not counted', async () => {
    const config = configOf({ maxSteps: 4 });
    const run = await openTraining(config);
    const events: TrainingEvent[] = [];
    try {
      // With this factor the gradient overflows in float32, too; the loss does not.
      for await (const event of train({
        ...run,
        progress: { ...run.progress, lossScale: { factor: 2 ** 100, updates: 0 } },
      }))
        events.push(event);
    } finally {
      await run.close();
    }
    const sinceLast = eventsOf(
      { events: events.slice(events.findLastIndex(({ type }) => type === 'rescaled')) },
      'update',
    );
    const factors = eventsOf({ events }, 'rescaled').map(({ lossFactor }) => lossFactor);
    assert.ok(factors.length > 10);
    assert.deepEqual(
      factors,
      factors.map((_, index) => 2 ** (99 - index)),
    );
    assert.equal(eventsOf({ events }, 'skipped').length, 0);
    assert.deepEqual(
      eventsOf({ events }, 'update').map(({ step }) => step),
      [1, 2, 3, 4],
    );
    assert.deepEqual((await loadCheckpoint(config.runDirectory, 'last')).state.lossScale, {
      factor: factors.at(-1),
      updates: sinceLast.length,
    });
  });

  test('infinite weights after the last update are not saved, and throw', async () => {
    const config = configOf({ maxSteps: 4, validation: { every: 2, unit: 'steps' } });
    const { error, ...result } = await trainTiny(config, {
      onEvent: (event, { model }) => {
        if (event.type === 'update' && event.step === 4)
          model.parameters.assign('output.bias', new Float32Array(model.targetVocabularySize).fill(1e38, 3, 5));
      },
    });
    assert.deepEqual(
      eventsOf(result, 'validation').map(({ loss }) => Number.isFinite(loss)),
      [true, false],
    );
    assert.deepEqual(
      eventsOf(result, 'checkpoint').map(({ step }) => step),
      [2],
    );
    assert.ok(error instanceof S2sError && error.code === 'diverged', String(error));
    assert.match(error.hint!, /The last checkpoint is of step 2\. Lower .* continue from it with --resume/);
    assert.equal((await readIndex(config.runDirectory)).best, 2);
  });

  test('on an interrupt, does not replace the last checkpoint', async () => {
    const controller = new AbortController();
    const result = await trainTiny(configOf({ maxSteps: 9, validation: { every: 2, unit: 'steps' } }), {
      signal: controller.signal,
      onEvent: (event, { model }) => {
        if (event.type !== 'update' || event.step !== 4) return;
        model.parameters.assign('output.bias', new Float32Array(model.targetVocabularySize).fill(Infinity));
        controller.abort();
      },
    });
    const { reason, step, savedStep } = stoppedOf(result);
    assert.deepEqual({ reason, step, savedStep }, { reason: 'interrupted', step: 4, savedStep: 2 });
  });

  for (const interrupted of [false, true]) {
    test(`non-finite optimiser moments are not saved${interrupted ? ' on an interrupt' : ', and throw'}`, async () => {
      const controller = new AbortController();
      const config = configOf({ maxSteps: 9, checkpoints: { everySteps: 2 } });
      const { error, ...result } = await trainTiny(config, {
        signal: controller.signal,
        onEvent: (event, { model, optimizer }) => {
          if (event.type !== 'update' || event.step !== 3) return;
          optimizer.assign('secondMoment.output.bias', new Float32Array(model.targetVocabularySize).fill(Infinity));
          if (interrupted) controller.abort();
        },
      });
      assert.equal(error instanceof S2sError ? error.code : error, interrupted ? undefined : 'diverged');
      assert.deepEqual(
        eventsOf(result, 'checkpoint').map(({ step }) => step),
        [2],
      );
      assert.equal(eventsOf(result, 'stopped')[0]?.savedStep, interrupted ? 2 : undefined);
    });
  }

  test('a huge learning rate throws instead of saving a model', async () => {
    const { error } = await trainTiny(
      configOf({ maxSteps: 30, clipNorm: 0, optimizer: { name: 'sgd', learningRate: 1e38 } }),
    );
    assert.ok(error instanceof S2sError && error.code === 'diverged', String(error));
  });

  test('from the first update on, reports that nothing is saved', async () => {
    const { error } = await trainTiny(configOf({ maxNonFiniteSteps: 2 }), { onEvent: spoiling([1, 2, 3]) });
    assert.ok(error instanceof S2sError);
    assert.match(error.hint!, /There is no checkpoint yet\. .* start again\./);
  });
});
