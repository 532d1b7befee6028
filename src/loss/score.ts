import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { Batch } from '../data/batch.js';
import { toTensors } from '../model/batch-tensors.js';
import type { TrainableModel } from '../model/model.js';
import { matMul } from '../runtime/ops/matmul.js';
import { tf } from '../runtime/tf.js';
import { reportingOutOfMemory } from './batch-memory.js';
import { unpaddedOutputs } from './sequence-loss.js';

/**
 * Computes the log-probability of each target sentence of a batch given its source: natural logarithm, summed over its
 * tokens, `</s>` included.
 *
 * @returns [batch]
 * @throws S2sError `out-of-memory`
 */
export function scoreBatch(model: TrainableModel, batch: Batch): Float32Array {
  const logProbabilities = reportingOutOfMemory(
    batch,
    { name: 'the scoring of translations', remedy: 'decoding' },
    () =>
      tf.tidy(() => {
        const tensors = toTensors(batch);
        const hidden = unpaddedOutputs(model.teacherForcing(tensors).hidden, tensors);
        const kernel = model.parameters.get<Tensor2D>(model.outputKernel);
        const logits = matMul(hidden, kernel, model.parameters.policy, {
          transposeB: true,
          bias: model.parameters.get<Tensor1D>(model.outputBias),
        });
        const ofLabels = tf.sum(
          tf.mul(tf.oneHot(tensors.labels, model.targetVocabularySize), tf.logSoftmax(logits)),
          1,
        );
        return ofLabels.dataSync() as Float32Array;
      }),
  );
  const sums = new Float32Array(batch.batch);
  let position = 0;
  for (let row = 0; row < batch.batch; row++) {
    for (let time = 0; time < batch.targetLengths[row]!; time++) sums[row]! += logProbabilities[position++]!;
  }
  return sums;
}
