import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { loadCheckpoint, loadOptimizer } from '../../../src/checkpoint/run-directory.js';
import type { SavedTensors } from '../../../src/checkpoint/safetensors.js';
import type { Config } from '../../../src/config/schema.js';
import { S2sError } from '../../../src/errors.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';
import { openTraining } from '../../../src/training/open.js';
import { train } from '../../../src/training/train.js';
import { replaceInCheckpoint, tinyConfig, trainTiny, writeTinyText } from '../../support/tiny-training.js';

const text = writeTinyText({ train: 24, dev: 4 });
const workers: Worker[] = [];
const onWorker = (worker: Worker): void => void workers.push(worker);
let tensors = 0;
before(async () => {
  await loadTensorFlow({ device: 'cpu' });
  process.on('worker', onWorker);
});
beforeEach(() => {
  workers.length = 0;
  tensors = tf.memory().numTensors;
});
after(() => {
  process.off('worker', onWorker);
  text.remove();
});

function assertReleased({ runDirectory }: Config): void {
  assert.equal(tf.memory().numTensors, tensors);
  // The threadId of a terminated worker is -1.
  assert.deepEqual(workers.filter(({ threadId }) => threadId > 0).length, 0, 'a thread is still running');
  assert.equal(existsSync(join(runDirectory, '.lock')), false, 'the run directory is still locked');
}

describe('close() disposes tensors, stops threads and unlocks the run directory', () => {
  test('after complete training, and when called twice', async () => {
    const config = tinyConfig(text, 'whole', {
      training: { maxSteps: 3, batch: { size: 4, unit: 'sentences', accumulate: 2 } },
    });
    for (const resume of [false, true]) {
      const run = await openTraining(resume ? { ...config, training: { ...config.training, maxSteps: 6 } } : config, {
        start: resume ? 'resume' : 'new',
      });
      // The event of a new thread is emitted one tick later.
      await setImmediate();
      assert.ok(tf.memory().numTensors > tensors);
      // The data loader and the heartbeat of the lock.
      assert.equal(workers.filter(({ threadId }) => threadId > 0).length, 2);
      await assert.rejects(
        openTraining(config, { start: 'resume' }),
        (error: unknown) => error instanceof S2sError && error.code === 'run-directory-locked',
      );
      for await (const event of train(run)) assert.ok(event);
      await Promise.all([run.close(), run.close()]);
      await run.close();
      assertReleased(config);
    }
  });

  for (const type of ['start', 'dry-run', 'update', 'validation', 'checkpoint'] as const) {
    test(`after the caller breaks out of the loop at a ${type} event`, async () => {
      const config = tinyConfig(text, `left at ${type}`, { training: { maxSteps: 3 } });
      const run = await openTraining(config);
      for await (const event of train(run)) if (event.type === type) break;
      await run.close();
      assertReleased(config);
    });
  }
});

describe('openTraining() releases everything if it fails', () => {
  test('because the run exists', async () => {
    const config = tinyConfig(text, 'exists', { training: { maxSteps: 1 } });
    await trainTiny(config);
    await assert.rejects(
      openTraining(config),
      (error: unknown) => error instanceof S2sError && error.code === 'run-exists',
    );
    assertReleased(config);
  });

  test('because the training data are empty', async () => {
    writeFileSync(join(text.folder, 'empty.a'), '\n');
    const empty = join(text.folder, 'empty.a');
    const config = tinyConfig(text, 'empty', { data: { train: [{ source: empty, target: empty }] } });
    await assert.rejects(openTraining(config));
    assertReleased(config);
  });

  for (const [name, change] of Object.entries({
    'the model': (tensors: SavedTensors) => ({ weights: withShape(tensors, 'output.bias', [3, 4]) }),
    'the optimiser': (tensors: SavedTensors) => ({ optimizer: withShape(tensors, 'firstMoment.output.bias', [3, 4]) }),
  })) {
    test(`because of a wrong shape in ${name}`, async () => {
      const config = tinyConfig(text, `shape in ${name}`, { training: { maxSteps: 1 } });
      await trainTiny(config);
      const checkpoint = await loadCheckpoint(config.runDirectory, 'last');
      await replaceInCheckpoint(
        config,
        change(name === 'the model' ? checkpoint.weights : await loadOptimizer(checkpoint)),
      );
      await assert.rejects(openTraining(config, { start: 'resume' }), (error: unknown) => {
        assert.ok(error instanceof S2sError && error.code === 'checkpoint-mismatch', String(error));
        assert.match(error.message, /output\.bias is \[3, 4\], expected \[12\]/);
        return true;
      });
      assertReleased(config);
    });
  }

  test('because onEvent throws, at every event', async () => {
    const config = tinyConfig(text, 'told', { training: { maxSteps: 1 } });
    await trainTiny(config);
    const types = new Set<string>();
    await (await openTraining(config, { start: 'resume', onEvent: ({ type }) => void types.add(type) })).close();
    assert.ok(types.has('resumed'));
    for (const type of types) {
      const told = (event: { type: string }): void => {
        if (event.type === type) throw new Error('no more');
      };
      await assert.rejects(openTraining(config, { start: 'resume', onEvent: told }), /no more/);
      assertReleased(config);
    }
  });
});

function withShape(tensors: SavedTensors, name: string, shape: number[]): SavedTensors {
  return new Map(tensors).set(name, { ...tensors.get(name)!, shape });
}
