import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Gpu } from '../../../src/runtime/gpus.js';
import { gpuIsVisible, visibleGpus } from '../../../src/runtime/visible-gpus.js';

const gpu = (index: number, uuid: string, capability: number, instances: readonly string[] = []): Gpu => ({
  index,
  uuid,
  name: `Model ${capability}`,
  memoryMiB: 1,
  capability,
  driver: '',
  instances,
});
const MACHINE = [gpu(0, 'GPU-aa11', 7), gpu(1, 'GPU-aa22', 8), gpu(2, 'GPU-bb33', 9, ['MIG-c1', 'MIG-c2'])];

/** Value of CUDA_VISIBLE_DEVICES, and nvidia-smi's indices of the visible GPUs. */
const CASES: readonly (readonly [value: string | undefined, expected: readonly number[], why: string])[] = [
  [undefined, [0, 1, 2], 'not set'],
  ['', [], 'empty'],
  [' ', [], 'blank'],
  ['-1', [], 'none'],
  ['NoDevFiles', [], 'a word'],
  ['2', [2], 'an index'],
  ['2,0', [2, 0], 'the order of the entries'],
  [' 1 ,\t2', [1, 2], 'white space'],
  ['01', [1], 'a leading zero'],
  ['+1', [1], 'a sign'],
  ['1abc,0', [1, 0], 'digits are read as far as they go'],
  ['0,-1,1', [0], 'ended by -1'],
  ['0,3,1', [0], 'ended by an index that is too large'],
  ['0,,1', [0], 'ended by an empty entry'],
  ['0,', [0], 'a comma at the end'],
  ['3,0', [], 'the first entry is invalid'],
  ['1,1', [], 'an index twice'],
  ['0,1,0', [], 'an index twice, not in sequence'],
  ['1,-1,1', [1], 'a repetition behind the end does not count'],
  ['GPU-bb33', [2], 'a whole UUID'],
  ['GPU-b,GPU-aa2', [2, 1], 'the start of a UUID'],
  ['GPU-aa', [], 'the start of two UUIDs'],
  ['GPU-bb33,GPU-ff,0', [2], 'ended by an unknown UUID'],
  ['GPU-bb33,2', [], 'the same GPU by both names'],
  ['MIG-c2', [2], 'a MIG instance'],
  ['MIG-c2,MIG-c1', [2], 'only the first MIG instance'],
  ['MIG-GPU-aa22/1/0', [1], 'a MIG instance in the older notation'],
  ['MIG-ff', [], 'an unknown MIG instance'],
];

for (const [value, expected, why] of CASES) {
  test(`CUDA_VISIBLE_DEVICES=${value ?? '(not set)'}: ${why}`, () => {
    const visible = visibleGpus(value === undefined ? {} : { CUDA_VISIBLE_DEVICES: value }, MACHINE);
    assert.deepEqual(
      visible.map((found) => found.gpu?.index),
      expected,
    );
    // Each entry alone selects the same GPU.
    for (const { entry, gpu: which } of visible)
      assert.deepEqual(visibleGpus({ CUDA_VISIBLE_DEVICES: entry }, MACHINE), [{ entry, gpu: which }]);
  });
}

test('with FASTEST_FIRST only UUIDs and GPUs of one model are determined', () => {
  const order = { CUDA_DEVICE_ORDER: 'FASTEST_FIRST' };
  assert.deepEqual(
    visibleGpus(order, MACHINE).map(({ gpu: found }) => found),
    [undefined, undefined, undefined],
  );
  assert.deepEqual(
    visibleGpus({ ...order, CUDA_VISIBLE_DEVICES: '2,GPU-aa22' }, MACHINE).map(({ gpu: found }) => found?.index),
    [undefined, 1],
  );
  assert.deepEqual(visibleGpus({ ...order, CUDA_VISIBLE_DEVICES: '0,0' }, MACHINE), [], 'an index twice');
  const alike = [gpu(0, 'GPU-a', 9), gpu(1, 'GPU-b', 9)];
  assert.deepEqual(
    visibleGpus({ ...order, CUDA_VISIBLE_DEVICES: '1' }, alike).map(({ gpu: found }) => found?.index),
    [1],
  );
  assert.deepEqual(
    visibleGpus({ CUDA_DEVICE_ORDER: 'PCI_BUS_ID' }, MACHINE).map(({ gpu: found }) => found?.index),
    [0, 1, 2],
  );
});

test('without nvidia-smi entries are only parsed', () => {
  assert.deepEqual(visibleGpus({ CUDA_VISIBLE_DEVICES: '5,GPU-x,-1,0' }, []), [
    { entry: '5', gpu: undefined },
    { entry: 'GPU-x', gpu: undefined },
  ]);
  assert.deepEqual(visibleGpus({}, []), []);
});

test('a machine whose GPUs are all hidden computes on the CPU', () => {
  assert.equal(gpuIsVisible({}, true), true);
  assert.equal(gpuIsVisible({}, false), false);
  for (const value of ['', '-1', 'none', '0,0'])
    assert.equal(gpuIsVisible({ CUDA_VISIBLE_DEVICES: value }, true), false, value);
  assert.equal(gpuIsVisible({ CUDA_VISIBLE_DEVICES: '3' }, true), true);
});
