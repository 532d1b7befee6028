import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { S2sError } from '../../../src/errors.js';
import { parseDevice } from '../../../src/runtime/device.js';
import { isSameDevice, loadTensorFlow, policyFor } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';

const NodeUtil = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
const functionsBefore = [NodeUtil['isArray'], NodeUtil['isNullOrUndefined']];

test('concurrent calls load once, and later calls return the same runtime', async () => {
  const runtimes = await Promise.all([loadTensorFlow({ device: 'cpu' }), loadTensorFlow()]);
  assert.equal(runtimes[0], runtimes[1]);
  assert.equal(await loadTensorFlow(), runtimes[0]);
  assert.equal(await loadTensorFlow({ device: 'cpu' }), runtimes[0]);
});

test('a later call for another device throws an error that names both devices', async () => {
  const refusal =
    (message: RegExp) =>
    (error: unknown): boolean =>
      error instanceof S2sError && error.code === 'already-loaded' && message.test(error.message);
  await assert.rejects(
    loadTensorFlow({ device: 'gpu' }),
    refusal(/^cannot use device gpu: TensorFlow is already loaded for cpu: the CPU/),
  );
  await assert.rejects(loadTensorFlow({ device: 'gpu:1' }), refusal(/device gpu:1/));
});

test('models of different precision coexist in one process', () => {
  assert.deepEqual([policyFor('float32').precision, policyFor('bfloat16').precision], ['float32', 'bfloat16']);
});

test('device requests are equal when they resolve to the same device', () => {
  const same = (later: string, kind: 'cpu' | 'gpu', earlier: string, gpuWasVisible: boolean): boolean =>
    isSameDevice(parseDevice(later), { kind }, { device: parseDevice(earlier), gpuWasVisible });
  assert.ok(same('cpu', 'cpu', 'auto', false));
  assert.ok(same('auto', 'cpu', 'cpu', false));
  assert.ok(!same('auto', 'cpu', 'cpu', true));
  assert.ok(!same('cpu', 'gpu', 'auto', true));
  assert.ok(same('gpu:0', 'gpu', 'auto', true));
  assert.ok(same('auto', 'gpu', 'gpu', true));
  assert.ok(!same('gpu', 'gpu', 'gpu:1', true));
  assert.ok(same('gpu:1', 'gpu', 'gpu:1', true));
});

test('loading leaves util unchanged for the rest of the program, and tfjs finds the functions it calls', async () => {
  await loadTensorFlow({ device: 'cpu' });
  assert.deepEqual([NodeUtil['isArray'], NodeUtil['isNullOrUndefined']], functionsBefore);
  assert.equal(createRequire(import.meta.url)('util'), NodeUtil);
  // TopK and the gradients call them.
  assert.deepEqual(tf.topk(tf.tensor1d([1, 3, 2]), 2).values.arraySync(), [3, 2]);
});

test('malloc is unchanged until tuneAllocator is set', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  /** Resident memory in MB that remains of a 100 MB array after garbage collection. */
  const kept = async (): Promise<number> => {
    collect();
    await sleep(50);
    const before = process.memoryUsage.rss();
    (() => Buffer.alloc(1e8, 1).at(-1))();
    collect();
    await sleep(100);
    return (process.memoryUsage.rss() - before) / 1e6;
  };
  const { customOps, releaseMemory } = await loadTensorFlow({ device: 'cpu' });
  if (!customOps) {
    t.skip('without the custom ops');
    return;
  }
  const untouched = await kept();
  assert.ok(untouched < 50, `${untouched} MB are kept`);
  await loadTensorFlow({ tuneAllocator: true });
  const tuned = await kept();
  assert.ok(tuned > 50, `only ${tuned} MB are kept`);
  releaseMemory();
});
