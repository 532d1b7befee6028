import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { translateBatch } from '../../../src/decoding/search.js';
import { toTensors } from '../../../src/model/batch-tensors.js';
import { buildModel } from '../../../src/model/build.js';
import type { TrainableModel } from '../../../src/model/model.js';
import { Random } from '../../../src/random.js';
import { loadTensorFlow, policyFor } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';
import { EOS } from '../../../src/vocab/special.js';
import { batchOf, THREE_PAIRS, tinyModel } from '../../support/models.js';
import { PREFIX_MEAN } from '../../support/prefix-mean-model.js';

const VOCABULARY = 12;

function build(): TrainableModel {
  const options = { random: new Random(3), policy: policyFor(), architecture: PREFIX_MEAN };
  return buildModel(tinyModel({ embeddingSize: 6 }), { source: VOCABULARY, target: VOCABULARY }, options);
}

describe('an encoder and a decoder defined outside src/', () => {
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
  });

  test('step-by-step decoding equals teacher forcing, attention included', () => {
    const model = build();
    tf.tidy(() => {
      const batch = batchOf(THREE_PAIRS);
      const tensors = toTensors(batch);
      const forced = model.teacherForcing(tensors, { attention: true });
      const kernel = model.parameters.get<Tensor2D>(model.outputKernel);
      const whole = tf
        .add(tf.matMul(forced.hidden, kernel, false, true), model.parameters.get<Tensor1D>(model.outputBias))
        .arraySync() as number[][];
      const attention = forced.attention!.arraySync();
      const { memory, state: initial } = model.encode(tensors.source, tensors.sourceLengths);
      let state = initial;
      for (let position = 0; position < batch.targetTime; position++) {
        const previous = tf.tensor1d(
          THREE_PAIRS.map((_, row) => batch.decoderInput[row * batch.targetTime + position]!),
          'int32',
        );
        const step = model.decodeStep({ memory, state, position, previous });
        ({ state } = step);
        for (const [row, values] of step.logits.values().arraySync().entries()) {
          if (position >= batch.targetLengths[row]!) continue;
          values.forEach((value, id) =>
            assert.ok(Math.abs(value - whole[row * batch.targetTime + position]![id]!) < 1e-5),
          );
        }
        for (const [row, [weights]] of step.attention!.arraySync().entries()) {
          weights!.forEach((weight, at) => assert.ok(Math.abs(weight - attention[row]![position]![at]!) < 1e-6));
        }
      }
    });
    model.dispose();
  });

  test('search results do not depend on the batch, whatever the rank and number of state tensors', async () => {
    const model = build();
    const sources = [
      [4, 5, 6, 7, EOS],
      [8, EOS],
      [9, 10, 11, EOS],
      [5, 5, EOS],
      [6, 4, 9, 8, 7, 5, EOS],
    ];
    const options = { beamSize: 3, lengthPenalty: 1, maxLengthRatio: 1, maxLengthMargin: 4 };
    const before = tf.memory().numTensors;
    const together = await translateBatch(model, sources, options);
    for (const [index, source] of sources.entries()) {
      const [alone] = await translateBatch(model, [source], options);
      assert.deepEqual(alone![0]!.tokens, together[index]![0]!.tokens);
    }
    model.parameters.release();
    assert.ok(tf.memory().numTensors <= before, 'no tensor is left behind');
    model.dispose();
  });
});
