import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { timeDecoding } from '../../../src/benchmark/decoding.js';
import { matmulRate } from '../../../src/benchmark/matmul-rate.js';
import { median } from '../../../src/benchmark/report.js';
import { idsOf, readSentenceLengths, syntheticLengths } from '../../../src/benchmark/sentences.js';
import { timeTraining } from '../../../src/benchmark/training-step.js';
import { buildModel } from '../../../src/model/build.js';
import { loadTensorFlow, policyFor } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';
import { tinyModel } from '../../support/models.js';
import { availablePolicies } from '../../support/policies.js';

const COMMON = { name: 'tiny', config: tinyModel(), seed: 1, device: 'cpu' };

describe('measurements', () => {
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
  });

  test('training steps: the reported numbers are consistent, and all tensors are disposed', async () => {
    const tensors = tf.memory().numTensors;
    const shape = { batch: 3, sourceTime: 4, targetTime: 5, sourceVocabulary: 20, targetVocabulary: 20 };
    const report = await timeTraining({ ...COMMON, policy: policyFor(), shape, steps: 3, warmup: 1 });
    const built = buildModel(COMMON.config, { source: 20, target: 20 }, { random: undefined, policy: policyFor() });
    const flops = built.flops({ sentences: 3, sourceTime: 4, targetTime: 5 });
    built.dispose();
    const { system, model, dtype, device, parameters } = report;
    assert.match(system, /^s2s \d+\.\d+\.\d+\S*, TensorFlow \d+\.\d+\.\d+/);
    assert.deepEqual({ model, dtype, device }, { model: 'tiny', dtype: 'float32', device: 'cpu' });
    // Embeddings, encoder, bridge, decoder, attention, output; by hand.
    assert.equal(
      parameters,
      2 * 20 * 5 + 2 * 12 * (5 + 3 + 1) + 2 * (6 * 6 + 6) + 24 * (5 + 6 + 1) + 6 * 6 + 12 * 6 + 20 * 7,
    );
    const near = (actual: number, expected: number): void =>
      assert.ok(Math.abs(actual / expected - 1) < 1e-4, `${actual}, not ${expected}`);
    near(report.target_tokens_per_second, 15 / report.seconds_per_step);
    near(report.gigaflops_per_second, flops / report.seconds_per_step / 1e9);
    near(report.share_of_matmul_rate, report.gigaflops_per_second / report.matmul_gigaflops_per_second);
    // TensorFlow needs some hundred megabytes, and no test machine has a terabyte.
    assert.ok(
      report.peak_resident_megabytes > 100 && report.peak_resident_megabytes < 1e6,
      `${report.peak_resident_megabytes} MB`,
    );
    assert.equal(tf.memory().numTensors, tensors);
  });

  test('decoding: all hypotheses are as long as their source, with greedy and beam search', async () => {
    const tensors = tf.memory().numTensors;
    for (const beamSize of [1, 3]) {
      const report = await timeDecoding({
        ...COMMON,
        policy: policyFor(),
        sourceVocabulary: 30,
        targetVocabulary: 20,
        lengths: syntheticLengths(12),
        beamSize,
        steps: 2,
        warmup: 0,
      });
      assert.deepEqual([report.beam_size, report.sentences], [beamSize, 12]);
      const tokens = syntheticLengths(12).reduce((sum, length) => sum + length, 0);
      const ratio = report.target_tokens_per_second / report.sentences_per_second;
      assert.ok(Math.abs(ratio - tokens / 12) < 1e-3, `${ratio} tokens a sentence`);
    }
    assert.equal(tf.memory().numTensors, tensors);
  });

  test('the speed of matrix products is finite and positive for every policy', () => {
    for (const { name, policy } of availablePolicies()) {
      const rate = matmulRate(policy, 256);
      assert.ok(rate > 0 && Number.isFinite(rate), `${name}: ${rate}`);
    }
  });
});

test('lengths of synthetic sentences are deterministic, from 5 to 30, and skewed to short ones', () => {
  const lengths = syntheticLengths(512);
  assert.deepEqual([lengths.length, lengths[0], lengths[256], lengths[511]], [512, 5, 14, 30]);
  assert.ok(lengths.filter((length) => length < 14).length > 200);
  assert.ok(lengths.filter((length) => length > 25).length < 50);
});

test('sentence lengths include </s> and skip blank lines', async () => {
  const folder = mkdtempSync(join(tmpdir(), 's2s-lengths-'));
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  try {
    assert.deepEqual(
      await readSentenceLengths(write('text', '▁ein ▁Mann\n\n  \n▁ja\n▁drei  ▁sind \r\u0085 ')),
      [3, 2, 4],
    );
    await assert.rejects(readSentenceLengths(write('blank', '\n \n')), /this file contains no sentence/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('tokens of the text have the ids of the vocabulary, unknown ones that of <unk>', () => {
  const tokens = ['<pad>', '<unk>', '<s>', '</s>', '▁a', 'b'];
  const vocabulary = { vocabularySize: tokens.length, tokenOf: (id: number) => tokens[id]! };
  assert.deepEqual(idsOf([['▁a', 'b'], ['c']], vocabulary), [
    [4, 5, 3],
    [1, 3],
  ]);
});

test('the median of an even number of values is the mean of the middle two', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 10]), 3);
  assert.equal(median([7]), 7);
});
