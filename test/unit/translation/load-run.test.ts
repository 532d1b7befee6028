import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assignWeights } from '../../../src/checkpoint/weights.js';
import { S2sError } from '../../../src/errors.js';
import { buildModel } from '../../../src/model/build.js';
import { Random } from '../../../src/random.js';
import { loadTensorFlow, policyFor } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';
import { loadRun } from '../../../src/translation/load-run.js';
import { translateLines } from '../../../src/decoding/translate-lines.js';
import { makeTinyRun } from '../../support/tiny-run.js';

let folder: string;
before(async () => {
  await loadTensorFlow({ device: 'cpu' });
  folder = await mkdtemp(join(tmpdir(), 's2s-load-run-'));
});
after(() => rm(folder, { recursive: true }));

async function refused(promise: Promise<unknown>): Promise<S2sError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof S2sError, `not refused: ${String(error)}`);
  return error;
}

test('a loaded run has the weights of its checkpoint and translates', async () => {
  const run = join(folder, 'good');
  await makeTinyRun(run);
  const withoutModel = tf.memory().numTensors;
  const loaded = await loadRun(run);
  const { model, tokenizers, config, checkpoint } = loaded;
  assert.equal(checkpoint.state.step, 10);
  for (const [name, { data }] of await model.parameters.values())
    assert.deepEqual(data, checkpoint.weights.get(name)?.data, name);
  const before = tf.memory().numTensors;
  const lines = ['the dog', '', 'a fox jumps over the lazy brown dog', ' ', 'fox'];
  const settings = { model, tokenizers, options: config.decoding };
  const together = await translateLines(lines, settings);
  for (const [i, line] of lines.entries()) {
    const [alone] = await translateLines([line], settings);
    assert.equal(alone!.hypotheses[0].text, together[i]!.hypotheses[0].text);
    assert.ok(Math.abs(alone!.hypotheses[0].score - together[i]!.hypotheses[0].score) < 1e-5);
  }
  model.parameters.release();
  assert.equal(tf.memory().numTensors, before);
  assert.ok(before > withoutModel);
  for (let i = 0; i < 2; i++) loaded.close();
  assert.equal(tf.memory().numTensors, withoutModel);
});

test('missing or mismatched files are rejected', async () => {
  const missing = await refused(loadRun(join(folder, 'nowhere')));
  assert.equal(missing.message, 'this run directory does not exist');

  const run = join(folder, 'changed');
  await makeTinyRun(run);
  await appendFile(join(run, 'tokenizer.json'), '\n');
  const changed = await refused(loadRun(run));
  assert.equal(changed.code, 'tokenizer-changed');
  assert.match(changed.message, /source tokenizer is not the one that the checkpoint of step 10/);
});

test('weights of another architecture are rejected, listing every difference', async () => {
  const run = join(folder, 'other');
  await makeTinyRun(run);
  const { config, checkpoint, model, close } = await loadRun(run);
  const wider = buildModel(
    { ...config.model, embeddingSize: 12 },
    { source: 20, target: 20 },
    { random: new Random(0), policy: policyFor() },
  );
  assert.throws(
    () => assignWeights(wider, checkpoint.weights, run),
    (error: unknown) =>
      error instanceof S2sError &&
      error.code === 'checkpoint-mismatch' &&
      /source\.embedding is \[\d+, 8\], expected \[20, 12\]/.test(error.message),
  );
  wider.dispose();
  const double = new Map(checkpoint.weights).set('output.bias', {
    dtype: 'F64',
    shape: [model.targetVocabularySize],
    data: new Float64Array(model.targetVocabularySize),
  });
  assert.throws(
    () => assignWeights(model, double, run),
    (error: unknown) =>
      error instanceof S2sError &&
      error.code === 'checkpoint-mismatch' &&
      error.message.includes('output.bias is F64, expected F32'),
  );
  close();
});
