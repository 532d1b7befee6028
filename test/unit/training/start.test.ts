import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Tensor1D } from '@tensorflow/tfjs-node-gpu';
import { loadCheckpoint } from '../../../src/checkpoint/run-directory.js';
import { translateLines } from '../../../src/decoding/translate-lines.js';
import { S2sError } from '../../../src/errors.js';
import { sequenceLoss } from '../../../src/loss/sequence-loss.js';
import { toTensors } from '../../../src/model/batch-tensors.js';
import { buildModel } from '../../../src/model/build.js';
import { Random } from '../../../src/random.js';
import { loadTensorFlow, policyFor } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';
import { loadRun } from '../../../src/translation/load-run.js';
import { batchOf, THREE_PAIRS, tinyModel } from '../../support/models.js';
import { PREFIX_MEAN } from '../../support/prefix-mean-model.js';
import {
  eventsOf,
  lastCheckpoint,
  stoppedOf,
  tinyConfig,
  trainTiny,
  writeTinyText,
} from '../../support/tiny-training.js';

const text = writeTinyText({ train: 24, dev: 4 });
after(() => text.remove());
before(async () => {
  await loadTensorFlow({ device: 'cpu' });
});

describe('training that starts from another run', () => {
  test('has its weights and tokenizers, and a new optimiser state', async () => {
    const base = tinyConfig(text, 'base', { training: { maxSteps: 4 } });
    await trainTiny(base);
    const tuned = tinyConfig(text, 'tuned', { seed: 8, training: { maxSteps: 1, optimizer: { learningRate: 1e-30 } } });
    const result = await trainTiny(tuned, { start: { run: base.runDirectory } });
    assert.equal(stoppedOf(result).step, 1);
    assert.ok(result.preparation.some(({ type }) => type === 'initialized'));
    const [before, now] = [
      await loadCheckpoint(base.runDirectory, 'best'),
      await loadCheckpoint(tuned.runDirectory, 'last'),
    ];
    for (const [name, { data }] of before.weights) assert.deepEqual(now.weights.get(name)!.data, data, name);
    const tokenizer = (folder: string): string => readFileSync(join(folder, 'tokenizer.json'), 'utf8');
    assert.equal(tokenizer(tuned.runDirectory), tokenizer(base.runDirectory));
    assert.equal(eventsOf(result, 'start')[0]!.step, 0);
    const { run, ...resumed } = { run: tuned, resume: true };
    assert.equal(stoppedOf(await trainTiny({ ...run, training: { ...run.training, maxSteps: 2 } }, resumed)).step, 2);
  });

  test('rejects another model, and leaves no files', async () => {
    const base = tinyConfig(text, 'small', { training: { maxSteps: 1 } });
    await trainTiny(base);
    const other = tinyConfig(text, 'wide', { model: { embeddingSize: 10 } });
    await assert.rejects(trainTiny(other, { start: { run: base.runDirectory } }), (error: unknown) => {
      return (
        error instanceof S2sError &&
        error.code === 'run-differs' &&
        /embeddingSize was 8 and is now 10/.test(error.message)
      );
    });
    const missing = tinyConfig(text, 'missing');
    await assert.rejects(trainTiny(missing, { start: { run: join(text.folder, 'nowhere') } }), {
      code: 'no-checkpoint',
    });
  });
});

describe('a custom encoder and decoder', () => {
  const config = (name: string, maxSteps: number) =>
    tinyConfig(text, name, {
      training: { maxSteps, optimizer: { learningRate: 0.02 }, validation: { every: 10, unit: 'steps' } },
    });

  test('train, are saved, resume exactly, and translate', async () => {
    const whole = await trainTiny(config('unbroken', 40), { architecture: PREFIX_MEAN });
    const losses = eventsOf(whole, 'validation').map(({ loss }) => loss);
    assert.ok(losses.at(-1)! < losses[0]! - 0.2, losses.join());
    await trainTiny(config('broken', 17), { architecture: PREFIX_MEAN });
    await trainTiny(config('broken', 40), { architecture: PREFIX_MEAN, resume: true });
    const [unbroken, broken] = [
      await lastCheckpoint(config('unbroken', 40)),
      await lastCheckpoint(config('broken', 40)),
    ];
    assert.ok(unbroken.weights.equals(broken.weights) && unbroken.optimizer.equals(broken.optimizer));

    const run = await loadRun(config('unbroken', 40).runDirectory, 'last', { architecture: PREFIX_MEAN });
    const options = { ...run.config.decoding, beamSize: 3, attention: true };
    const translations = await translateLines(['a b c', '', 'd'], { ...run, options });
    assert.deepEqual(
      translations.map(({ blank }) => blank),
      [false, true, false],
    );
    run.close();
    await assert.rejects(loadRun(config('unbroken', 40).runDirectory, 'last'), { code: 'checkpoint-mismatch' });
  });

  test('auxiliary losses are added to the loss and have gradients', () => {
    const vocabulary = { source: 12, target: 12 };
    const model = buildModel(tinyModel({ embeddingSize: 6 }), vocabulary, {
      random: new Random(1),
      policy: policyFor(),
      architecture: PREFIX_MEAN,
    });
    tf.tidy(() => {
      const tensors = toTensors(batchOf(THREE_PAIRS));
      const { auxiliaryLosses } = model.teacherForcing(tensors);
      const extra = auxiliaryLosses['activity']!.dataSync()[0]!;
      const { loss, negativeLogLikelihood } = sequenceLoss(model, tensors, { labelSmoothing: 0, divisor: 4 });
      assert.ok(extra > 0 && Math.abs(loss.dataSync()[0]! - (negativeLogLikelihood.dataSync()[0]! + extra) / 4) < 1e-5);
      assert.ok(model.parameters.get<Tensor1D>('output.bias').shape[0] === 12);
    });
    model.dispose();
  });
});
