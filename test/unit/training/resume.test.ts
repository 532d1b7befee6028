import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readIndex, stepName, writeIndex } from '../../../src/checkpoint/checkpoint-index.js';
import { writeJsonFile } from '../../../src/checkpoint/json-file.js';
import { loadCheckpoint } from '../../../src/checkpoint/run-directory.js';
import { S2sError } from '../../../src/errors.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import type { TrainingEvent } from '../../../src/training/events.js';
import { batchOrder, resumePosition, settingChanges } from '../../../src/training/resume.js';
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

const text = writeTinyText({ train: 42, dev: 5 });
after(() => text.remove());
before(async () => {
  await loadTensorFlow({ device: 'cpu' });
});

/** Metrics of updates and validations, without times. */
function curve(...sessions: readonly TinyResult[]): unknown[] {
  return sessions.flatMap(({ events }) =>
    events.flatMap((event) => {
      if (event.type === 'update' && event.report)
        return [
          ['update', event.step, event.epoch, event.loss, event.perplexity, event.learningRate, event.gradientNorm],
        ];
      if (event.type === 'validation')
        return [
          [
            'validation',
            event.step,
            event.loss,
            event.perplexity,
            event.accuracy,
            event.bleu,
            event.improved,
            event.samples,
          ],
        ];
      return [];
    }),
  );
}

/** All state that a resume must restore. */
const SETTINGS: Record<string, TinySettings> = {
  'plain SGD': { training: { optimizer: { name: 'sgd', learningRate: 0.5 }, logEvery: 4 } },
  'Adam, dropout, accumulation and plateau': {
    model: {
      encoder: { dropout: 0.3, hiddenSize: 8 },
      decoder: { dropout: 0.3, hiddenSize: 8 },
      dropout: { embedding: 0.3, output: 0.3 },
    },
    training: {
      batch: { size: 4, unit: 'sentences', accumulate: 2 },
      optimizer: { learningRate: 0.3 },
      // The loss oscillates, so the learning rate decays.
      earlyStopping: { metric: 'loss' },
      schedule: { name: 'plateau', patience: 0 },
      validation: { every: 2, unit: 'steps' },
      logEvery: 4,
    },
  },
  'BLEU that has not begun to rise': {
    training: {
      optimizer: { name: 'sgd', learningRate: 1e-3 },
      earlyStopping: { metric: 'bleu', patience: 2 },
      validation: { every: 1, unit: 'steps' },
    },
  },
  'momentum, two layers, input feeding, weights of corpora': {
    data: { train: [{ source: join(text.folder, 'train.a'), target: join(text.folder, 'train.b'), weight: 0.7 }] },
    model: {
      encoder: { layers: 2, hiddenSize: 8, dropout: 0.5 },
      decoder: { layers: 2, hiddenSize: 8, inputFeeding: true, dropout: 0.5 },
    },
    training: {
      optimizer: { name: 'sgd', learningRate: 0.2, momentum: 0.9 },
      lossNormalization: 'sentence',
      schedule: { name: 'inverse-sqrt', warmupSteps: 4 },
    },
  },
};

describe('a resumed run', () => {
  for (const [name, settings] of Object.entries(SETTINGS)) {
    const config = (run: string, maxSteps: number) =>
      tinyConfig(text, `${name} ${run}`, { ...settings, training: { ...settings.training, maxSteps } });

    test(`${name}: the same seed gives the same curve; resuming after a limit does not change it`, async () => {
      const unbroken = await trainTiny(config('unbroken', 10));
      const again = await trainTiny(config('again', 10));
      assert.equal(stoppedOf(unbroken).step, 10);
      assert.deepEqual(curve(again), curve(unbroken));
      if (settings.training?.schedule !== undefined)
        assert.ok(new Set(eventsOf(unbroken, 'update').map(({ learningRate }) => learningRate)).size > 1);

      const sessions: TinyResult[] = [];
      for (const maxSteps of [2, 7, 10])
        sessions.push(await trainTiny(config('in pieces', maxSteps), { resume: true }));
      const scheduled = new Set(eventsOf(unbroken, 'validation').map(({ step }) => step));
      // A limit between scheduled validations adds one validation and changes nothing else.
      const pieces = curve(...sessions).filter(
        (row) => (row as unknown[])[0] !== 'validation' || scheduled.has((row as number[])[1]!),
      );
      assert.deepEqual(pieces, curve(unbroken));
      assert.deepEqual(await lastCheckpoint(config('in pieces', 10)), await lastCheckpoint(config('unbroken', 10)));
    });

    test(`${name}: resuming after interrupts does not change the curve`, async () => {
      const sessions: TinyResult[] = [];
      for (const stopAt of [1, 5, 8, Infinity]) {
        const controller = new AbortController();
        const onEvent = (event: TrainingEvent): void => {
          if (event.type === 'update' && event.step === stopAt) controller.abort();
        };
        sessions.push(await trainTiny(config('interrupted', 10), { resume: true, signal: controller.signal, onEvent }));
        assert.equal(stoppedOf(sessions.at(-1)!).reason, stopAt === Infinity ? 'max-steps' : 'interrupted');
        assert.equal(stoppedOf(sessions.at(-1)!).step, Math.min(10, stopAt));
      }
      const unbroken = await trainTiny(config('whole', 10));
      assert.deepEqual(curve(...sessions), curve(unbroken));
      assert.deepEqual(await lastCheckpoint(config('interrupted', 10)), await lastCheckpoint(config('whole', 10)));
    });
  }

  test('the time spent in validations includes earlier sessions and unscheduled validations', async () => {
    const config = (maxSteps: number) =>
      tinyConfig(text, 'shares', { training: { maxSteps, validation: { every: 3, unit: 'steps' } } });
    const sessions = [await trainTiny(config(4)), await trainTiny(config(6), { resume: true })];
    const validations = sessions.flatMap((session) => eventsOf(session, 'validation'));
    assert.deepEqual(
      validations.map(({ step }) => step),
      [3, 4, 6],
    );
    let seconds = 0;
    for (const event of validations) {
      seconds += event.seconds;
      assert.ok(Math.abs(event.timeShare * event.elapsedSeconds - seconds) < 1e-9, `step ${event.step}`);
      assert.ok(event.timeShare > 0 && event.timeShare < 1);
    }
  });

  test('a checkpoint of an older version, without chrF and without the history of scores, still resumes', async () => {
    const config = (maxSteps: number) =>
      tinyConfig(text, 'older', { training: { maxSteps, validation: { every: 2, unit: 'steps' } } });
    await trainTiny(config(4));
    const { runDirectory } = config(4);
    const { history, best, ...state } = (await loadCheckpoint(runDirectory, 4)).state;
    assert.ok(history !== undefined && best?.chrf !== undefined);
    const stateFile = join(runDirectory, 'checkpoints', stepName(4), 'state.json');
    await writeJsonFile(stateFile, { ...state, best: { metric: best.metric, value: best.value, step: best.step } });
    const index = await readIndex(runDirectory);
    const checkpoints = index.checkpoints.map(({ step, scores: { loss, bleu } }) => ({
      step,
      scores: { loss: loss!, bleu: bleu! },
    }));
    await writeIndex(runDirectory, { ...index, checkpoints });
    const resumed = await trainTiny(config(6), { resume: true });
    assert.equal(stoppedOf(resumed).step, 6);
    assert.equal(stoppedOf(resumed).best?.metric, 'bleu');
  });

  test('another seed gives another curve', async () => {
    const [one, two] = [
      await trainTiny(tinyConfig(text, 'seed 1', { seed: 1, training: { maxSteps: 2 } })),
      await trainTiny(tinyConfig(text, 'seed 2', { seed: 2, training: { maxSteps: 2 } })),
    ];
    assert.notDeepEqual(curve(one), curve(two));
  });

  test('continues with the next epoch if the batch order has changed, also if a first attempt failed', async () => {
    const config = (size: number, maxSteps: number) =>
      tinyConfig(text, 'reordered', { training: { batch: { size, unit: 'sentences' }, maxSteps } });
    await trainTiny(config(4, 3));
    // A resume that fails before its first checkpoint does not change the saved configuration.
    const aborted = await trainTiny(config(6, 10), { resume: true, signal: AbortSignal.abort() });
    assert.equal(stoppedOf(aborted).step, 3);
    const resumed = await trainTiny(config(6, 4), { resume: true });
    const [event] = resumed.preparation.filter(({ type }) => type === 'resumed');
    assert.ok(event?.type === 'resumed' && event.restartedEpoch);
    assert.deepEqual(
      event.changes.map(({ key, before: then, now }) => [key, then, now]),
      [
        ['training.batch.size', 4, 6],
        ['training.maxSteps', 3, 4],
      ],
    );
    assert.equal(eventsOf(resumed, 'update')[0]!.epoch, 2);
  });

  test('detects changed text under the same name, and the same text under a new name', async () => {
    const copies = ['a', 'b'].map((side) => join(text.folder, `copied.${side}`));
    for (const copy of copies) copyFileSync(join(text.folder, `train.${copy.at(-1)}`), copy);
    const config = (maxSteps: number, [source, target] = copies) =>
      tinyConfig(text, 'copied', { data: { train: [{ source, target }] }, training: { maxSteps } });
    const restartedOf = ({ preparation }: TinyResult): boolean =>
      preparation.some((event) => event.type === 'resumed' && event.restartedEpoch);
    await trainTiny(config(2));
    const moved = await trainTiny(
      config(
        4,
        ['a', 'b'].map((side) => join(text.folder, `train.${side}`)),
      ),
      { resume: true },
    );
    assert.equal(restartedOf(moved), false);
    for (const copy of copies) writeFileSync(copy, 'a b\nb\n'.repeat(3));
    const shrunk = await trainTiny(config(6), { resume: true });
    assert.equal(restartedOf(shrunk), true);
    assert.equal(stoppedOf(shrunk).step, 6);
  });
});

describe('refusals', () => {
  const start = (name: string, settings: TinySettings = {}) =>
    tinyConfig(text, name, { ...settings, training: { maxSteps: 2, ...settings.training } });
  const refusal = (code: string, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof S2sError);
    assert.equal(error.code, code);
    assert.match(`${error.message}\n${error.hint}`, message);
    assert.equal(error.exitCode, 2);
    return true;
  };

  test('a run directory with checkpoints requires --resume', async () => {
    await trainTiny(start('taken'));
    await assert.rejects(
      trainTiny(start('taken')),
      refusal('run-exists', /at step 2\nContinue it with --resume, or choose another directory with --run-dir/),
    );
  });

  test('another architecture, vocabulary or optimiser cannot be resumed', async () => {
    await trainTiny(start('other'));
    const cases: [TinySettings, RegExp][] = [
      [
        { model: { embeddingSize: 10, decoder: { hiddenSize: 8, attention: 'dot' } } },
        /model\.embeddingSize was 8 and is now 10\n {2}model\.decoder\.attention was "general" and is now "dot"/,
      ],
      [{ tokenizer: { lowercase: true } }, /tokenizer\.lowercase was false and is now true/],
      [{ tokenizer: { shared: false } }, /tokenizer\.shared was true and is now false/],
      [{ training: { optimizer: { name: 'sgd' } } }, /another optimiser/],
    ];
    for (const [settings, message] of cases)
      await assert.rejects(trainTiny(start('other', settings), { resume: true }), refusal('run-differs', message));
    // The run is unchanged.
    assert.equal(
      stoppedOf(
        await trainTiny(start('other', { training: { maxSteps: 3, optimizer: { name: 'adamw', weightDecay: 0.1 } } }), {
          resume: true,
        }),
      ).step,
      3,
    );
  });

  test('a replaced tokenizer prevents a resume', async () => {
    const config = start('replaced');
    await trainTiny(config);
    await trainTiny(start('donor', { tokenizer: { type: 'char' } }));
    copyFileSync(join(text.folder, 'donor', 'tokenizer.json'), join(config.runDirectory, 'tokenizer.json'));
    await assert.rejects(
      trainTiny(config, { resume: true }),
      refusal('run-differs', /the source vocabulary \(12 tokens then, \d+ now\)/),
    );
  });

  test('without checkpoints, training starts from scratch', async () => {
    const { preparation, events } = await trainTiny(start('fresh'), { resume: true });
    assert.ok(preparation.some(({ type }) => type === 'nothing-to-resume'));
    assert.equal(events.at(-1)?.type, 'stopped');
  });
});

test('changed settings are listed by key', () => {
  const before = { a: 1, b: { c: [1, 2], d: undefined }, e: 'x' };
  assert.deepEqual(settingChanges(before, { a: 1, b: { c: [1, 3] }, f: 0 }), [
    { key: 'b.c', before: [1, 2], now: [1, 3] },
    { key: 'e', before: 'x', now: undefined },
    { key: 'f', before: undefined, now: 0 },
  ]);
});

test('a batch position is valid in the same batch order, and at the start of an epoch', () => {
  const position = { epoch: 4, batch: 2 };
  assert.deepEqual(resumePosition(position, 'a', 'a'), { position, restarted: false });
  assert.deepEqual(resumePosition(position, undefined, 'a'), { position, restarted: false });
  assert.deepEqual(resumePosition(position, 'a', 'b'), { position: { epoch: 5, batch: 0 }, restarted: true });
  assert.deepEqual(resumePosition({ epoch: 4, batch: 0 }, 'a', 'b'), {
    position: { epoch: 4, batch: 0 },
    restarted: false,
  });
  const corpus = { key: 'text', size: 10 };
  const options = { seed: 1, size: 8, unit: 'tokens', ranges: [{ start: 0, end: 10, weight: 1 }] } as const;
  const orders = [
    batchOrder(corpus, options),
    batchOrder({ ...corpus, key: 'other text' }, options),
    batchOrder(corpus, { ...options, seed: 2 }),
    batchOrder(corpus, { ...options, size: 9 }),
    batchOrder(corpus, { ...options, unit: 'sentences' }),
    batchOrder(corpus, { ...options, ranges: [{ start: 0, end: 10, weight: 2 }] }),
  ];
  assert.equal(new Set(orders).size, orders.length);
  assert.equal(batchOrder({ ...corpus }, { ...options }), orders[0]);
});
