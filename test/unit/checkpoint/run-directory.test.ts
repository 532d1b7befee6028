import assert from 'node:assert/strict';
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, mock, test } from 'node:test';
import { readIndex, type Retention } from '../../../src/checkpoint/checkpoint-index.js';
import { loadCheckpoint, loadOptimizer, saveCheckpoint } from '../../../src/checkpoint/run-directory.js';
import type { SavedTensors } from '../../../src/checkpoint/safetensors.js';
import { assertSameShapes } from '../../../src/checkpoint/weights.js';
import type { CheckpointState } from '../../../src/checkpoint/state.js';
import { configSchema } from '../../../src/config/schema.js';
import { S2sError } from '../../../src/errors.js';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 's2s-run-'));
});
after(() => rm(folder, { recursive: true }));
const newRun = (): Promise<string> => mkdtemp(join(folder, 'run-'));

function stateAt(step: number): CheckpointState {
  return {
    version: 2,
    step,
    epoch: 2,
    position: { epoch: 2, batch: step % 7 },
    seed: 7,
    best: { metric: 'bleu', value: 12.5, step: 1 },
    patience: 1,
    plateau: { waited: 0, decays: 2 },
    nonFinite: { total: 1, inRow: 0 },
    elapsedSeconds: 1.5,
    tokenizers: { source: { fingerprint: 'ab', vocabularySize: 8 }, target: { fingerprint: 'cd', vocabularySize: 9 } },
    model: configSchema.shape.model.parse({}),
  };
}

const tensorsAt = (step: number): SavedTensors =>
  new Map([['decoder.bias', { dtype: 'F32', shape: [2], data: new Float32Array([step, -step]) }]]);
const keep = (keepLast: number, keepBest: number, better: 'higher' | 'lower' = 'higher'): Retention => ({
  selection: { metric: 'bleu', better },
  keepLast,
  keepBest,
});

function save(run: string, step: number, bleu?: number, retention = keep(2, 1)): ReturnType<typeof saveCheckpoint> {
  return saveCheckpoint(
    run,
    {
      weights: tensorsAt(step),
      optimizer: tensorsAt(step + 0.5),
      state: stateAt(step),
      scores: bleu === undefined ? undefined : { bleu },
    },
    retention,
  );
}
const foldersOf = async (run: string): Promise<string[]> =>
  (await readdir(join(run, 'checkpoints'))).filter((name) => name !== 'index.json').sort();

async function refused(promise: Promise<unknown>): Promise<S2sError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof S2sError, `not refused: ${String(error)}`);
  return error;
}

test('a checkpoint is loaded with its weights, optimiser moments and state', async () => {
  const run = await newRun();
  await save(run, 5, 30);
  const checkpoint = await loadCheckpoint(run, 'last');
  const { files, ...state } = checkpoint.state;
  assert.deepEqual(state, stateAt(5));
  assert.equal(files?.['model.safetensors'].bytes, (await stat(join(checkpoint.directory, 'model.safetensors'))).size);
  assert.deepEqual(checkpoint.weights, tensorsAt(5));
  assert.deepEqual(await loadOptimizer(checkpoint), tensorsAt(5.5));
  assert.deepEqual(await foldersOf(run), ['step-00000005']);
});

test('the best and the last checkpoint are kept, the others deleted', async () => {
  const run = await newRun();
  for (const [step, bleu] of [
    [1, 10],
    [2, 30],
    [3, 20],
    [4, 30],
    [5, 25],
  ] as const)
    await save(run, step, bleu);
  assert.deepEqual(await foldersOf(run), ['step-00000004', 'step-00000005']);
  const index = await readIndex(run);
  assert.equal(index.best, 4, 'the latest of equal scores');
  assert.equal((await loadCheckpoint(run, 'best')).state.step, 4);
  assert.equal((await loadCheckpoint(run, 'last')).state.step, 5);
  assert.equal((await loadCheckpoint(run, 4)).state.step, 4);
});

test('several best checkpoints are kept, and a lower loss is better', async () => {
  const run = await newRun();
  for (const [step, loss] of [
    [1, 3],
    [2, 1],
    [3, 2],
    [4, 5],
    [5, 4],
  ] as const)
    await save(run, step, loss, keep(1, 2, 'lower'));
  assert.deepEqual(await foldersOf(run), ['step-00000002', 'step-00000003', 'step-00000005']);
  assert.equal((await readIndex(run)).best, 2);
});

test('without scores the best is the last, and NaN is not a score', async () => {
  const run = await newRun();
  await save(run, 1);
  await save(run, 2, NaN);
  assert.equal((await readIndex(run)).best, null);
  assert.equal((await loadCheckpoint(run, 'best')).state.step, 2);
});

test('a step saved again replaces its checkpoint, becomes the last and keeps its score', async () => {
  const run = await newRun();
  await save(run, 3, 40);
  await save(run, 9, 10);
  await save(run, 3);
  assert.deepEqual((await readIndex(run)).checkpoints, [
    { step: 9, scores: { bleu: 10 } },
    { step: 3, scores: { bleu: 40 } },
  ]);
  assert.equal((await loadCheckpoint(run, 'last')).state.step, 3);
});

test('files of an interrupted save are ignored, then deleted', async () => {
  const run = await newRun();
  await save(run, 1, 10);
  const checkpoints = join(run, 'checkpoints');
  await mkdir(join(checkpoints, '.new-step-00000002-abcd'));
  await writeFile(join(checkpoints, '.new-step-00000002-abcd', 'model.safetensors'), 'half');
  assert.equal((await loadCheckpoint(run, 'last')).state.step, 1);
  await save(run, 3, 5);
  assert.deepEqual(await foldersOf(run), ['step-00000001', 'step-00000003']);
});

test('a save interrupted while it replaced a checkpoint restores the old one', async () => {
  const run = await newRun();
  await save(run, 1, 10);
  const checkpoints = join(run, 'checkpoints');
  await rename(join(checkpoints, 'step-00000001'), join(checkpoints, '.old-step-00000001'));
  await save(run, 2, 5);
  assert.deepEqual(await foldersOf(run), ['step-00000001', 'step-00000002']);
  assert.deepEqual((await loadCheckpoint(run, 'best')).weights, tensorsAt(1));
});

test('an empty run directory is an error with a hint', async () => {
  const error = await refused(loadCheckpoint(await newRun()));
  assert.equal(error.message, 'this directory contains no checkpoint');
  assert.match(error.hint ?? '', /s2s train/);
});

test('an unknown step is an error that lists the available ones', async () => {
  const run = await newRun();
  await save(run, 1, 10);
  await save(run, 2, 5);
  const error = await refused(loadCheckpoint(run, 7));
  assert.equal(error.message, 'there is no checkpoint of step 7');
  assert.equal(error.hint, 'Available steps: 1 (best), 2.');
});

test('a damaged or missing file is reported, with the other checkpoints', async () => {
  const run = await newRun();
  await save(run, 1, 10);
  await save(run, 2, 5);
  const model = join(run, 'checkpoints', 'step-00000002', 'model.safetensors');
  await truncate(model, 100);
  const damaged = await refused(loadCheckpoint(run, 'last'));
  assert.equal(damaged.place?.file, model);
  assert.match(damaged.message, /^this file is damaged: it has 100 bytes, but was saved with \d+$/);
  assert.match(
    damaged.hint ?? '',
    /Other checkpoints of this run: 1 \(best\)\. To use one, pass --checkpoint N to s2s translate or s2s eval\.$/,
  );
  await rm(model);
  const missing = await refused(loadCheckpoint(run, 'last'));
  assert.equal(missing.place?.file, model);
  assert.equal(missing.message, 'this file of the checkpoint of step 2 is missing');
});

test('a state of a newer version or with an invalid value is rejected', async () => {
  const run = await newRun();
  await save(run, 1, 10);
  const file = join(run, 'checkpoints', 'step-00000001', 'state.json');
  const { checksum, ...state } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  assert.match(String(checksum), /^[0-9a-f]{64}$/);
  await writeFile(file, JSON.stringify({ ...state, version: 3 }));
  const newer = await refused(loadCheckpoint(run));
  assert.equal(newer.message, 'format version 3 is newer than version 2, the newest that this s2s can read');
  assert.match(newer.hint ?? '', /^It was written by a newer s2s: update s2s/);
  await writeFile(file, JSON.stringify({ ...state, version: 1, step: -1, surprise: true }));
  assert.match((await refused(loadCheckpoint(run))).message, /step: .*surprise/);
  await writeFile(file, '{"version": 1,');
  assert.equal((await refused(loadCheckpoint(run))).message, 'this file is not JSON');
});

test('without an index, the directories are listed', async () => {
  const run = await newRun();
  await save(run, 1, 10);
  await save(run, 2, 5);
  await rm(join(run, 'checkpoints', 'index.json'));
  assert.equal((await loadCheckpoint(run, 'best')).state.step, 2);
});

test('every difference between model and checkpoint is listed', () => {
  const found: SavedTensors = new Map([
    ['same', { dtype: 'F32', shape: [2], data: new Float32Array(2) }],
    ['wider', { dtype: 'F32', shape: [2, 3], data: new Float32Array(6) }],
    ['double', { dtype: 'F64', shape: [1], data: new Float64Array(1) }],
    ['extra', { dtype: 'F32', shape: [1], data: new Float32Array(1) }],
  ]);
  const expected = new Map([
    ['same', [2]],
    ['wider', [2, 4]],
    ['double', [1]],
    ['absent', [5]],
  ]);
  assert.throws(
    () => assertSameShapes(expected, found, 'runs/x'),
    (error: unknown) => {
      assert.ok(error instanceof S2sError);
      assert.deepEqual(error.message.split('\n  ').slice(1), [
        'wider is [2, 3], expected [2, 4]',
        'double is F64, expected F32',
        'absent [5] is missing',
        'extra [1] is not in the model',
      ]);
      return true;
    },
  );
  assertSameShapes(new Map([['decoder.bias', [2]]]), tensorsAt(1), 'runs/x');
});

/** Swaps two byte ranges of a file, given by their first bytes. */
async function swap(file: string, left: number, right: number, length: number): Promise<void> {
  const bytes = await readFile(file);
  const kept = Buffer.from(bytes.subarray(left, left + length));
  bytes.copy(bytes, left, right, right + length);
  kept.copy(bytes, right);
  await writeFile(file, bytes);
}

test('swapped values in weights or moments are detected by the checksum, and the file is reported', async () => {
  const run = await newRun();
  await save(run, 1, 10);
  await save(run, 2, 5);
  const intact = await loadCheckpoint(run, 2);
  for (const [name, load] of [
    ['model', () => loadCheckpoint(run, 2)],
    ['optimizer', () => loadOptimizer(intact)],
  ] as const) {
    const file = join(intact.directory, `${name}.safetensors`);
    const { size } = await stat(file);
    await swap(file, size - 8, size - 4, 4);
    const error = await refused(load());
    assert.equal(error.code, 'checkpoint-damaged');
    assert.equal(error.place?.file, file);
    assert.match(error.message, /its SHA-256 checksum differs from the one it was saved with/);
  }
  assert.deepEqual((await loadCheckpoint(run, 1)).weights, tensorsAt(1));
});

test('a changed value in the state or the index is detected by the checksum', async () => {
  const run = await newRun();
  await save(run, 1, 10);
  await save(run, 2, 5);
  const edit = async (file: string, before: string, after: string): Promise<void> =>
    writeFile(file, (await readFile(file, 'utf8')).replace(before, after));
  const state = join(run, 'checkpoints', 'step-00000001', 'state.json');
  await edit(state, '"epoch": 2', '"epoch": 3');
  assert.equal((await refused(loadCheckpoint(run, 1))).place?.file, state);
  const index = join(run, 'checkpoints', 'index.json');
  await edit(index, '"best": 1', '"best": 2');
  const error = await refused(loadCheckpoint(run, 'best'));
  assert.equal(error.code, 'checkpoint-damaged');
  assert.equal(error.place?.file, index);
  assert.match(error.hint ?? '', /--checkpoint N \(1, 2\), or delete this file/);
  assert.equal((await loadCheckpoint(run, 2)).state.step, 2, 'a step is found without the index');
  await rm(index);
  assert.equal((await loadCheckpoint(run, 'best')).state.step, 2);
});

test('checkpoints of version 1, without checksums, can be loaded', async () => {
  const run = await newRun();
  await save(run, 1, 10);
  for (const file of [
    join(run, 'checkpoints', 'index.json'),
    join(run, 'checkpoints', 'step-00000001', 'state.json'),
  ]) {
    const value = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    await writeFile(file, JSON.stringify({ ...value, version: 1, checksum: undefined, files: undefined }));
  }
  const checkpoint = await loadCheckpoint(run, 'best');
  assert.deepEqual(checkpoint.weights, tensorsAt(1));
  assert.deepEqual(await loadOptimizer(checkpoint), tensorsAt(1.5));
  await save(run, 2, 20);
  assert.equal((await readIndex(run)).version, 2);
  assert.equal((await loadCheckpoint(run, 1)).state.version, 1);
});

test('a checkpoint that an interrupted save has renamed is loaded', async () => {
  const run = await newRun();
  await save(run, 1, 10);
  await rename(join(run, 'checkpoints', 'step-00000001'), join(run, 'checkpoints', '.old-step-00000001'));
  assert.deepEqual((await loadCheckpoint(run)).weights, tensorsAt(1));
});

test('a full disk leaves the earlier checkpoints and no draft, and the error names the folder', async () => {
  const run = await newRun();
  await save(run, 1, 10);
  const handle = await open(join(run, 'x'), 'w');
  const prototype = Object.getPrototypeOf(handle) as typeof handle;
  await handle.close();
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
  for (let writes = 0; writes < 6; writes++) {
    let left = writes;
    // The test replaces methods of all file handles.
    const limited = (original: unknown) =>
      function (this: unknown, ...args: unknown[]): unknown {
        if (left-- <= 0) return Promise.reject(full);
        return (original as (...all: unknown[]) => unknown).apply(this, args);
      };
    for (const name of ['write', 'writeFile'] as const)
      mock.method(prototype, name, limited((prototype as unknown as Record<string, unknown>)[name]) as never);
    try {
      await assert.rejects(save(run, 2, 20), (error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'ENOSPC');
        assert.ok((error.path ?? '').startsWith(join(run, 'checkpoints')), error.path);
        return !/draft|\.new-/.test(error.path ?? '');
      });
    } finally {
      mock.restoreAll();
    }
    const names = await readdir(join(run, 'checkpoints'));
    assert.deepEqual(
      names.filter((name) => name.startsWith('.')),
      [],
    );
    assert.equal((await loadCheckpoint(run, 1)).state.step, 1);
  }
  await save(run, 3, 30);
  assert.equal((await loadCheckpoint(run, 'last')).state.step, 3);
});
