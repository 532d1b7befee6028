import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onednnWheels, pipPlatformOptions, TENSORFLOW_VERSION, tensorflowWheels } from '../../../src/setup/wheels.mjs';

const names = (wheels: readonly { name: string }[] | undefined): string[] | undefined =>
  wheels?.map(({ name }) => name);

test('each supported platform has a TensorFlow wheel', () => {
  assert.deepEqual(names(tensorflowWheels('cpu', 'linux-x64')), ['tensorflow-cpu']);
  assert.deepEqual(names(tensorflowWheels('cpu', 'linux-arm64')), ['tensorflow']);
  assert.deepEqual(names(tensorflowWheels('cpu', 'darwin-arm64')), ['tensorflow']);
});

test("the CUDA build includes NVIDIA's libraries", () => {
  const wheels = names(tensorflowWheels('cuda', 'linux-x64'));
  assert.equal(wheels?.[0], 'tensorflow');
  for (const library of ['cublas', 'cudnn', 'cuda-runtime', 'nccl'])
    assert.ok(wheels.includes(`nvidia-${library}-cu12`), library);
});

test('unsupported platforms have no wheels', () => {
  for (const platform of ['darwin-x64', 'win32-x64', 'freebsd-x64'])
    assert.equal(tensorflowWheels('cpu', platform), undefined);
  assert.equal(tensorflowWheels('cuda', 'darwin-arm64'), undefined);
  assert.equal(onednnWheels('linux-arm64'), undefined);
});

test('every wheel is pinned by a checksum', () => {
  const all = [
    ...(tensorflowWheels('cuda', 'linux-x64') ?? []),
    ...(tensorflowWheels('cpu', 'linux-x64') ?? []),
    ...(onednnWheels('linux-x64') ?? []),
  ];
  for (const { name, sha256, megabytes } of all) {
    assert.match(sha256, /^[0-9a-f]{64}$/, name);
    assert.ok(megabytes > 0, name);
  }
  assert.equal(new Set(all.map(({ sha256 }) => sha256)).size, all.length);
  assert.equal(all[0]?.version, TENSORFLOW_VERSION);
});

test('pip options select the platform independently of the installed Python', () => {
  const options = pipPlatformOptions('linux-x64').join(' ');
  assert.match(options, /--python-version 3\.12/);
  assert.match(options, /--platform manylinux_2_27_x86_64/);
});
