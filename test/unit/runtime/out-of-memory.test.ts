import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { S2sError } from '../../../src/errors.js';
import { explainOutOfMemory, isOutOfMemory, type Workload } from '../../../src/runtime/out-of-memory.js';
import { loadedRuntime, loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';

/** The error that TensorFlow throws, after ten seconds, for a tensor larger than any memory. */
let cause: unknown;

before(async () => {
  await loadTensorFlow({ device: 'cpu' });
  try {
    tf.fill([2 ** 30, 2 ** 30], 0);
  } catch (error) {
    cause = error;
  }
});

test('out-of-memory errors of TensorFlow, CUDA, C++ and Node are recognised', () => {
  assert.ok(isOutOfMemory(cause));
  for (const message of [
    'Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[64,100] and type float on GPU:0',
    'RESOURCE_EXHAUSTED: failed to allocate memory',
    'Invalid TF_Status: 13\nMessage: std::bad_alloc',
    'Invalid TF_Status: 13\nMessage: CUDNN_STATUS_ALLOC_FAILED',
    'failed to allocate 2.50G (2684354560 bytes) from device: CUDA_ERROR_OUT_OF_MEMORY: out of memory',
    'Array buffer allocation failed',
  ])
    assert.ok(isOutOfMemory(new Error(message)), message);
  for (const other of [
    new Error('Invalid TF_Status: 3\nMessage: Matrix size-incompatible: In[0]: [8,8], In[1]: [16,8]'),
    new Error('Invalid TF_Status: 80'),
    new S2sError('out-of-memory', 'OOM when allocating was explained already'),
    'OOM when allocating',
    undefined,
  ])
    assert.ok(!isOutOfMemory(other), String(other));
});

test('the error names task, device, batch, place and remedy', () => {
  const workload: Workload = {
    task: { name: 'training step 7', remedy: 'training', placeOf: (pair) => ({ file: 'train.de', line: 100 + pair }) },
    batch: '2 sentences x 3 source x 4 target tokens',
    longest: { index: 1, description: 'one of 5 tokens' },
  };
  const error = explainOutOfMemory(cause, () => workload);
  assert.ok(error instanceof S2sError);
  assert.deepEqual(
    [error.code, error.exitCode, error.place, error.cause],
    ['out-of-memory', 1, { file: 'train.de', line: 101 }, cause],
  );
  assert.equal(
    error.message,
    `out of memory in training step 7 on ${loadedRuntime()!.description}, ` +
      'with a batch of 2 sentences x 3 source x 4 target tokens, the longest of which is this line',
  );
  assert.match(
    error.hint!,
    /^Lower training\.batch\.size .*data\.maxSourceLength or data\.maxTargetLength, use a smaller model/,
  );
  const nowhere = explainOutOfMemory(cause, () => ({
    ...workload,
    task: { name: 'it', remedy: 'decoding' },
  })) as S2sError;
  assert.deepEqual(
    [
      nowhere.place,
      nowhere.message.endsWith(', the longest of which is one of 5 tokens'),
      nowhere.hint?.startsWith('Lower decoding.batchTokens or decoding.beamSize'),
    ],
    [undefined, true, true],
  );
});

test('any other error is returned unchanged', () => {
  const error = new Error('Invalid TF_Status: 3');
  assert.equal(
    explainOutOfMemory(error, () => assert.fail('it has nothing to do with memory')),
    error,
  );
});
