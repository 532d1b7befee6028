import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { Batch } from '../data/batch.js';
import { tf } from '../runtime/tf.js';

/** A batch on the device. */
export interface BatchTensors {
  /** int32 `[batch, srcTime]` */
  readonly source: Tensor2D;
  /** int32 `[batch]` */
  readonly sourceLengths: Tensor1D;
  /** int32 `[batch, tgtTime]` */
  readonly decoderInput: Tensor2D;
  /** int32 `[batch]` */
  readonly targetLengths: Tensor1D;
  /**
   * int32 `[positions]`: the row of each label in the decoder outputs `[batch * tgtTime, hidden]`: real target tokens,
   * sentence by sentence, then filler (row 0) up to a multiple of `POSITION_UNIT`. Undefined if output row `i` has
   * label `i` for every `i`, because the batch has neither padding nor filler. Shapes do not distinguish the cases:
   * with padding and filler, there can be as many positions as outputs.
   */
  readonly positions: Tensor1D | undefined;
  /** int32 `[positions]`: the label of each position, 0 at filler */
  readonly labels: Tensor1D;
  /** float32 `[positions]`: 1 at real tokens, 0 at filler */
  readonly real: Tensor1D;
}

/**
 * The number of positions is rounded up to a multiple of this, so that the output projection has few distinct shapes:
 * oneDNN compiles and caches code for each shape.
 */
const POSITION_UNIT = 64;

/** Copies a batch to the device. Padded target positions appear in neither `positions` nor `labels`. */
export function toTensors(batch: Batch): BatchTensors {
  const realTokens = batch.targetLengths.reduce((sum, length) => sum + length, 0);
  const filled = Math.ceil(realTokens / POSITION_UNIT) * POSITION_UNIT;
  // Filler exists only if the real tokens are no multiple of the unit, so this excludes both padding and filler.
  const everyOutputHasItsLabel = realTokens === batch.batch * batch.targetTime && realTokens === filled;
  const positions = new Int32Array(filled);
  const labels = new Int32Array(filled);
  let next = 0;
  for (let row = 0; row < batch.batch; row++) {
    for (let time = 0; time < batch.targetLengths[row]!; time++) {
      const position = row * batch.targetTime + time;
      positions[next] = position;
      labels[next] = batch.labels[position]!;
      next++;
    }
  }
  return {
    source: tf.tensor2d(batch.source, [batch.batch, batch.sourceTime], 'int32'),
    sourceLengths: tf.tensor1d(batch.sourceLengths, 'int32'),
    decoderInput: tf.tensor2d(batch.decoderInput, [batch.batch, batch.targetTime], 'int32'),
    targetLengths: tf.tensor1d(batch.targetLengths, 'int32'),
    positions: everyOutputHasItsLabel ? undefined : tf.tensor1d(positions, 'int32'),
    labels: tf.tensor1d(labels, 'int32'),
    real: tf.tensor1d(new Float32Array(filled).fill(1, 0, realTokens)),
  };
}
