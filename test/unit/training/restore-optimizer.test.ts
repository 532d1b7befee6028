import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadCheckpoint, loadOptimizer } from '../../../src/checkpoint/run-directory.js';
import type { SavedTensors } from '../../../src/checkpoint/safetensors.js';
import { S2sError } from '../../../src/errors.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { replaceInCheckpoint, stoppedOf, tinyConfig, trainTiny, writeTinyText } from '../../support/tiny-training.js';

const text = writeTinyText({ train: 12, dev: 3 });
after(() => text.remove());
before(async () => {
  await loadTensorFlow({ device: 'cpu' });
});

test('every moment must have the name, the shape and the dtype of its weight', async () => {
  const config = (maxSteps: number) => tinyConfig(text, 'moments', { training: { maxSteps } });
  await trainTiny(config(1));
  const checkpoint = await loadCheckpoint(config(1).runDirectory, 'last');
  const moments = await loadOptimizer(checkpoint);
  const name = 'secondMoment.output.kernel';
  const moment = moments.get(name) ?? assert.fail([...moments.keys()].join());
  const [rows, columns] = moment.shape as [number, number];
  const write = (optimizer: SavedTensors) => replaceInCheckpoint(config(1), { optimizer });
  const changes: [(tensors: Map<string, NonNullable<ReturnType<SavedTensors['get']>>>) => void, RegExp][] = [
    // The same number of elements: only the shape differs.
    [
      (tensors) => tensors.set(name, { ...moment, shape: [columns, rows] }),
      new RegExp(`${name} is \\[${columns}, ${rows}\\], expected \\[${rows}, ${columns}\\]`),
    ],
    [
      (tensors) => tensors.set(name, { ...moment, shape: [rows * columns] }),
      new RegExp(`${name} is \\[${rows * columns}\\], expected`),
    ],
    [
      (tensors) => tensors.set(name, { ...moment, dtype: 'F64', data: new Float64Array(rows * columns) }),
      new RegExp(`${name} is F64, expected F32`),
    ],
    [(tensors) => tensors.delete(name), new RegExp(`${name} \\[${rows}, ${columns}\\] is missing`)],
    [
      (tensors) => tensors.set('secondMoment.stranger', moment),
      /secondMoment\.stranger \[\d+, \d+\] is not in the optimiser/,
    ],
  ];
  for (const [change, message] of changes) {
    const changed = new Map(moments);
    change(changed);
    await write(changed);
    const refused = (error: unknown): true => {
      assert.ok(error instanceof S2sError && error.code === 'checkpoint-mismatch', String(error));
      assert.match(error.message, message);
      return true;
    };
    await assert.rejects(trainTiny(config(2), { resume: true }), refused);
  }
  await write(moments);
  assert.equal(stoppedOf(await trainTiny(config(2), { resume: true })).step, 2);
});
