import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseGpus } from '../../../src/runtime/gpus.js';

test('the CSV output of nvidia-smi is parsed', () => {
  const common = { name: 'NVIDIA H100 80GB HBM3', memoryMiB: 81559, capability: 9, driver: '550.54.15', instances: [] };
  assert.deepEqual(
    parseGpus(
      '0, GPU-a1, NVIDIA H100 80GB HBM3, 81559, 9.0, 550.54.15\n' +
        '1, GPU-b2, NVIDIA H100 80GB HBM3, 81559, 9.0, 550.54.15\n',
    ),
    [
      { index: 0, uuid: 'GPU-a1', ...common },
      { index: 1, uuid: 'GPU-b2', ...common },
    ],
  );
  assert.deepEqual(parseGpus('\n'), []);
});

test('MIG instances are assigned to the GPU listed above them', () => {
  const list = `GPU 0: NVIDIA A100 (UUID: GPU-a1)
GPU 1: NVIDIA A100 (UUID: GPU-b2)
  MIG 3g.20gb     Device  0: (UUID: MIG-11)
  MIG 3g.20gb     Device  1: (UUID: MIG-22)
`;
  const gpus = parseGpus('0, GPU-a1, NVIDIA A100, 40960, 8.0, 550\n1, GPU-b2, NVIDIA A100, 40960, 8.0, 550\n', list);
  assert.deepEqual(
    gpus.map(({ instances }) => instances),
    [[], ['MIG-11', 'MIG-22']],
  );
});
