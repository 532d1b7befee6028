import assert from 'node:assert/strict';
import { test } from 'node:test';
import { S2sError, UsageError } from '../../../src/errors.js';
import { describeProcessor, environmentFor, halfPrecisionOf, noGpu, parseDevice, parseGpus, type SelectedDevice } from '../../../src/runtime/device.js';
import { choosePrecision, describeRuntime } from '../../../src/runtime/tensorflow.js';

test('devices are auto, cpu, gpu and gpu:N', () => {
  assert.deepEqual(parseDevice('auto'), { text: 'auto', kind: 'auto', gpu: undefined });
  assert.deepEqual(parseDevice('gpu'), { text: 'gpu', kind: 'gpu', gpu: undefined });
  assert.deepEqual(parseDevice('gpu:12'), { text: 'gpu:12', kind: 'gpu', gpu: 12 });
  for (const text of ['GPU', 'gpu:', 'gpu:x', 'gpu:-1', 'cuda', '']) assert.throws(() => parseDevice(text), UsageError, text);
});

test('the processor alone hides the GPUs, a number chooses one', () => {
  assert.equal(environmentFor(parseDevice('cpu'), 2, { CUDA_VISIBLE_DEVICES: '0,1' })['CUDA_VISIBLE_DEVICES'], '-1');
  assert.equal(environmentFor(parseDevice('gpu:1'), 2, {})['CUDA_VISIBLE_DEVICES'], '1');
  assert.equal(environmentFor(parseDevice('auto'), 2, {})['CUDA_VISIBLE_DEVICES'], undefined);
});

test('a number counts among the GPUs that the user lets be seen', () => {
  const present = { CUDA_VISIBLE_DEVICES: '4, 6' };
  assert.equal(environmentFor(parseDevice('gpu:1'), 2, present)['CUDA_VISIBLE_DEVICES'], '6');
  assert.equal(environmentFor(parseDevice('gpu:2'), 2, present)['CUDA_VISIBLE_DEVICES'], '-1');
  assert.equal(environmentFor(parseDevice('gpu'), 2, present)['CUDA_VISIBLE_DEVICES'], '4, 6');
});

test('what the user has set stays', () => {
  const environment = environmentFor(parseDevice('auto'), 2, { TF_FORCE_GPU_ALLOW_GROWTH: 'false' });
  assert.equal(environment['TF_FORCE_GPU_ALLOW_GROWTH'], 'false');
  assert.equal(environment['TF_CPP_MIN_LOG_LEVEL'], '2');
});

test('vector units are told by the flags of the system', () => {
  const { features, bfloat16 } = describeProcessor(['fpu', 'avx', 'avx2', 'fma', 'avx512f', 'avx512_bf16', 'amx_bf16']);
  assert.deepEqual(features, ['AVX', 'AVX2', 'FMA', 'AVX-512', 'AVX512-BF16', 'AMX-BF16']);
  assert.ok(bfloat16);
  assert.equal(describeProcessor(['avx', 'avx2', 'avx512f']).bfloat16, false);
});

test('tensor cores multiply float16 since Volta and bfloat16 since Ampere', () => {
  assert.deepEqual([6.1, 7, 7.5, 8, 9].map((capability) => halfPrecisionOf({ capability })), [undefined, 'float16', 'float16', 'bfloat16', 'bfloat16']);
});

test('auto takes the 16-bit format that the device multiplies', () => {
  const device = (kind: SelectedDevice['kind'], halfPrecision: SelectedDevice['halfPrecision']): SelectedDevice => ({ kind, halfPrecision, description: 'this device' });
  const refusal = (message: RegExp) => (error: unknown): boolean => error instanceof S2sError && error.code === 'no-such-precision' && message.test(error.message);
  assert.equal(choosePrecision('auto', device('cpu', undefined)), 'float32');
  assert.equal(choosePrecision('auto', device('cpu', 'bfloat16')), 'bfloat16');
  assert.equal(choosePrecision('auto', device('gpu', 'float16')), 'float16');
  assert.equal(choosePrecision('float32', device('gpu', 'bfloat16')), 'float32');
  assert.equal(choosePrecision('float16', device('gpu', undefined)), 'float16');
  assert.equal(choosePrecision('bfloat16', device('cpu', undefined)), 'bfloat16', 'rounded as where there are units for it');
  assert.throws(() => choosePrecision('bfloat16', device('gpu', 'float16')), refusal(/this device does not multiply it/));
  assert.throws(() => choosePrecision('float16', device('cpu', 'bfloat16')), refusal(/it is for GPUs/));
  assert.equal(describeRuntime({ ...device('cpu', 'bfloat16'), precision: 'bfloat16' }), 'this device in bfloat16');
  assert.match(describeRuntime({ ...device('cpu', undefined), precision: 'bfloat16' }), /no faster than float32$/);
});

test('the table of nvidia-smi is read', () => {
  assert.deepEqual(parseGpus('0, NVIDIA H100 80GB HBM3, 81559, 9.0, 550.54.15\n1, NVIDIA H100 80GB HBM3, 81559, 9.0, 550.54.15\n'), [
    { index: 0, name: 'NVIDIA H100 80GB HBM3', memoryMiB: 81559, capability: 9, driver: '550.54.15' },
    { index: 1, name: 'NVIDIA H100 80GB HBM3', memoryMiB: 81559, capability: 9, driver: '550.54.15' },
  ]);
  assert.deepEqual(parseGpus('\n'), []);
});

test('why there is no GPU: driver, number, build, libraries', () => {
  const gpu = { index: 0, name: 'GPU', memoryMiB: 1, capability: 9, driver: '' };
  const gpuAny = parseDevice('gpu');
  assert.match(noGpu(gpuAny, 'cuda', []).message, /^--device gpu was asked for, but the NVIDIA driver sees no GPU$/);
  assert.match(noGpu(parseDevice('gpu:1'), 'cuda', [gpu]).message, /there is one GPU, numbered from 0/);
  assert.match(noGpu(gpuAny, 'cpu', [gpu]).message, /the build without CUDA/);
  assert.equal(noGpu(gpuAny, 'cpu', [gpu]).hint, 'Install the other one: s2s setup --cuda');
  assert.match(noGpu(gpuAny, 'cuda', [gpu]).message, /could not use its CUDA libraries/);
});
