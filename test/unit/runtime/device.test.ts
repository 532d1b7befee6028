import assert from 'node:assert/strict';
import { test } from 'node:test';
import { S2sError, UsageError } from '../../../src/errors.js';
import {
  describeProcessor,
  environmentFor,
  halfPrecisionOf,
  noGpu,
  parseDevice,
  selectDevice,
  type SelectedDevice,
} from '../../../src/runtime/device.js';
import type { Gpu } from '../../../src/runtime/gpus.js';
import { PORTABLE_POLICY } from '../../../src/runtime/policy.js';
import { bfloat16Aborts } from '../../../src/setup/hardware.mjs';
import { choosePrecision, describeRuntime, policyFor } from '../../../src/runtime/tensorflow.js';

test('devices are auto, cpu, gpu and gpu:N', () => {
  assert.deepEqual(parseDevice('auto'), { text: 'auto', kind: 'auto', gpu: undefined });
  assert.deepEqual(parseDevice('gpu'), { text: 'gpu', kind: 'gpu', gpu: undefined });
  assert.deepEqual(parseDevice('gpu:12'), { text: 'gpu:12', kind: 'gpu', gpu: 12 });
  for (const text of ['GPU', 'gpu:', 'gpu:x', 'gpu:-1', 'cuda', ''])
    assert.throws(() => parseDevice(text), UsageError, text);
});

test('device cpu hides all GPUs, gpu:N selects one', () => {
  assert.equal(environmentFor(parseDevice('cpu'), 2, { CUDA_VISIBLE_DEVICES: '0,1' })['CUDA_VISIBLE_DEVICES'], '-1');
  assert.equal(environmentFor(parseDevice('gpu:1'), 2, {})['CUDA_VISIBLE_DEVICES'], '1');
  assert.equal(environmentFor(parseDevice('auto'), 2, {})['CUDA_VISIBLE_DEVICES'], undefined);
});

test('gpu:N is an index into CUDA_VISIBLE_DEVICES', () => {
  const present = { CUDA_VISIBLE_DEVICES: '4, 6' };
  assert.equal(environmentFor(parseDevice('gpu:1'), 2, present)['CUDA_VISIBLE_DEVICES'], '6');
  assert.equal(environmentFor(parseDevice('gpu:2'), 2, present)['CUDA_VISIBLE_DEVICES'], '-1');
  assert.equal(environmentFor(parseDevice('gpu'), 2, present)['CUDA_VISIBLE_DEVICES'], '4, 6');
});

test('environment variables that the user set are not changed', () => {
  const environment = environmentFor(parseDevice('auto'), 2, { TF_FORCE_GPU_ALLOW_GROWTH: 'false' });
  assert.equal(environment['TF_FORCE_GPU_ALLOW_GROWTH'], 'false');
  assert.equal(environment['TF_CPP_MIN_LOG_LEVEL'], '2');
});

test('SIMD instruction sets are read from the CPU flags', () => {
  const { features, bfloat16 } = describeProcessor(['fpu', 'avx', 'avx2', 'fma', 'avx512f', 'avx512_bf16', 'amx_bf16']);
  assert.deepEqual(features, ['AVX', 'AVX2', 'FMA', 'AVX-512', 'AVX512-BF16', 'AMX-BF16']);
  assert.ok(bfloat16);
  assert.equal(describeProcessor(['avx', 'avx2', 'avx512f']).bfloat16, false);
});

test('tensor cores multiply float16 since Volta and bfloat16 since Ampere', () => {
  assert.deepEqual(
    [6.1, 7, 7.5, 8, 9].map((capability) => halfPrecisionOf({ capability })),
    [undefined, 'float16', 'float16', 'bfloat16', 'bfloat16'],
  );
});

test('precision auto selects the 16-bit dtype that the device multiplies natively', () => {
  const device = (kind: SelectedDevice['kind'], halfPrecision: SelectedDevice['halfPrecision']): SelectedDevice => ({
    kind,
    halfPrecision,
    description: 'this device',
  });
  const refusal =
    (message: RegExp) =>
    (error: unknown): boolean =>
      error instanceof S2sError && error.code === 'no-such-precision' && message.test(error.message);
  assert.equal(choosePrecision('auto', device('cpu', undefined)), 'float32');
  assert.equal(choosePrecision('auto', device('cpu', 'bfloat16')), 'bfloat16');
  assert.equal(choosePrecision('auto', device('gpu', 'float16')), 'float16');
  assert.equal(choosePrecision('float32', device('gpu', 'bfloat16')), 'float32');
  assert.equal(choosePrecision('float16', device('gpu', undefined)), 'float16');
  assert.equal(choosePrecision('bfloat16', device('cpu', undefined)), 'bfloat16', 'emulated, with the same rounding');
  assert.throws(
    () => choosePrecision('bfloat16', device('gpu', 'float16')),
    refusal(/not supported by this device, which has no tensor cores for it/),
  );
  assert.throws(
    () => choosePrecision('float16', device('cpu', 'bfloat16')),
    refusal(/only supported on GPUs, and the device is this device/),
  );
  assert.equal(describeRuntime(device('cpu', 'bfloat16'), { precision: 'bfloat16' }), 'this device in bfloat16');
  assert.match(describeRuntime(device('cpu', undefined), { precision: 'bfloat16' }), /no faster than float32$/);
});

test('bfloat16 is refused where the product of TensorFlow would abort the process', (context) => {
  const before = process.env['ONEDNN_MAX_CPU_ISA'];
  process.env['ONEDNN_MAX_CPU_ISA'] = 'AVX2';
  try {
    if (!bfloat16Aborts()) return context.skip('the processor has no AVX-512');
    const device: SelectedDevice = { kind: 'cpu', halfPrecision: undefined, description: 'this device' };
    assert.throws(() => choosePrecision('bfloat16', device), /does not work with ONEDNN_MAX_CPU_ISA=AVX2/);
    assert.equal(choosePrecision('auto', device), 'float32');
  } finally {
    if (before === undefined) delete process.env['ONEDNN_MAX_CPU_ISA'];
    else process.env['ONEDNN_MAX_CPU_ISA'] = before;
  }
});

test('the policy is portable until TensorFlow is loaded', () => {
  assert.equal(policyFor('bfloat16'), PORTABLE_POLICY);
});

const gpuNumber = (index: number, capability: number): Gpu => ({
  index,
  uuid: `GPU-${index}`,
  name: `Model ${capability}`,
  memoryMiB: 16_384,
  capability,
  driver: '',
  instances: [],
});

test('description and precision auto are those of the GPU that CUDA_VISIBLE_DEVICES selects', () => {
  const [old, modern] = [gpuNumber(0, 7), gpuNumber(1, 9)];
  const select = (device: string, environment: NodeJS.ProcessEnv): SelectedDevice =>
    selectDevice(parseDevice(device), {
      library: { variant: 'cuda' },
      usesGpu: true,
      environment,
      gpus: () => [old, modern],
    });
  assert.deepEqual(select('auto', {}), {
    kind: 'gpu',
    description: 'GPU 0 (Model 7, 16 GiB)',
    halfPrecision: 'float16',
  });
  assert.deepEqual(select('auto', { CUDA_VISIBLE_DEVICES: '1' }), {
    kind: 'gpu',
    description: 'GPU 1 (Model 9, 16 GiB)',
    halfPrecision: 'bfloat16',
  });
  assert.equal(select('gpu:1', { CUDA_VISIBLE_DEVICES: '1,0' }).description, 'GPU 0 (Model 7, 16 GiB)');
  assert.equal(select('gpu:0', { CUDA_VISIBLE_DEVICES: 'GPU-1' }).halfPrecision, 'bfloat16');
  const unknown = select('gpu', { CUDA_DEVICE_ORDER: 'FASTEST_FIRST' });
  assert.deepEqual(
    unknown,
    { kind: 'gpu', description: 'GPU 0', halfPrecision: 'float16' },
    'the dtype that both support',
  );
});

test('an index beyond the visible GPUs selects none', () => {
  const gpus = [gpuNumber(0, 9), gpuNumber(1, 9)];
  const chosen = (device: string, value: string | undefined): string | undefined =>
    environmentFor(parseDevice(device), 2, value === undefined ? {} : { CUDA_VISIBLE_DEVICES: value }, gpus)[
      'CUDA_VISIBLE_DEVICES'
    ];
  assert.equal(chosen('gpu:1', undefined), '1');
  assert.equal(chosen('gpu:2', undefined), '-1');
  assert.equal(chosen('gpu:0', '-1,1'), '-1');
  assert.equal(chosen('gpu:2', '0,-1,1'), '-1');
  assert.equal(chosen('gpu:0', '0,0'), '-1', 'CUDA shows none');
  assert.equal(chosen('gpu:1', '1,GPU-0'), 'GPU-0');
});

test('the error names why no GPU is used: driver, visibility, index, build, libraries', () => {
  const gpu = gpuNumber(0, 9);
  const gpuAny = parseDevice('gpu');
  const reason = (device: string, variant: 'cpu' | 'cuda', gpus: readonly Gpu[], value?: string): string =>
    noGpu(parseDevice(device), variant, gpus, value === undefined ? {} : { CUDA_VISIBLE_DEVICES: value }).message;
  assert.match(reason('gpu', 'cuda', []), /^cannot use --device gpu: the NVIDIA driver reports no GPU$/);
  assert.match(reason('gpu', 'cuda', [gpu], ''), /: CUDA_VISIBLE_DEVICES= hides the GPU$/);
  assert.match(reason('gpu:0', 'cuda', [gpu, gpuNumber(1, 9)], '-1'), /: CUDA_VISIBLE_DEVICES=-1 hides all 2 GPUs$/);
  assert.match(reason('gpu:1', 'cuda', [gpu]), /only 1 GPU visible, numbered from 0/);
  assert.match(
    reason('gpu:1', 'cuda', [gpu, gpuNumber(1, 9)], '1'),
    /only 1 GPU visible with CUDA_VISIBLE_DEVICES=1, numbered from 0/,
  );
  assert.match(reason('gpu', 'cpu', [gpu]), /the build without CUDA/);
  assert.equal(noGpu(gpuAny, 'cpu', [gpu], {}).hint, 'Install the CUDA build: s2s setup --cuda');
  assert.match(reason('gpu', 'cuda', [gpu]), /could not use its CUDA libraries/);
});
