import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { attribute, execute } from '../runtime/ops/execute.js';
import { inFloat32, inPrecision, productOf } from '../runtime/ops/product.js';
import type { ComputePolicy, Precision } from '../runtime/policy.js';
import { loadedRuntime } from '../runtime/tensorflow.js';
import { tf } from '../runtime/tf.js';

/** Rows and columns of the factors: large enough that starting a product costs nothing beside it. */
const SIZE = { cpu: 2048, gpu: 8192 } as const;
const REPETITIONS = 3;

/**
 * What the device reaches in one large square matrix product in this number format, in billions of floating-point
 * operations a second: the best of a few, with our kernels or TensorFlow's, whichever are faster. It is what a training step
 * is held against. `loadTensorFlow` comes first.
 */
export function matmulRate(policy: ComputePolicy, size: number = SIZE[loadedRuntime()?.kind ?? 'cpu']): number {
  const rate = rateWith(policy, size);
  return policy.customProducts ? Math.max(rate, rateWith({ ...policy, kernels: 'plain' }, size)) : rate;
}

function rateWith(policy: ComputePolicy, size: number): number {
  const { precision } = policy;
  let seconds = Infinity;
  // The first one does not count: it makes threads and, on a GPU, loads kernels.
  for (let repetition = 0; repetition <= REPETITIONS; repetition++) {
    tf.tidy(() => {
      const factor = (): Tensor2D => inPrecision(tf.randomUniform([size, size], -1, 1) as Tensor2D, precision);
      const [a, b] = [factor(), factor()];
      waitFor(a, precision);
      waitFor(b, precision);
      const start = performance.now();
      waitFor(productOf(a, b, policy), precision);
      if (repetition > 0) seconds = Math.min(seconds, (performance.now() - start) / 1000);
    });
  }
  return (2 * size ** 3) / seconds / 1e9;
}

/** A GPU works on while we go on: reading one number waits for it. */
function waitFor(matrix: Tensor2D, precision: Precision): void {
  const [rows, columns] = matrix.shape;
  const indices: Tensor[] = [tf.tensor1d([rows - 1, columns - 1], 'int32'), tf.tensor1d([1, 1], 'int32')];
  const [corner] = execute(
    'Slice',
    [attribute.type('T', precision), attribute.type('Index', 'int32')],
    [matrix, ...indices],
  );
  inFloat32(corner!, precision).dataSync();
}
