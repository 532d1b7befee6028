import type { Tensor, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { attribute, execute } from '../runtime/ops/execute.js';
import { inFloat32, inPrecision, productOf } from '../runtime/ops/product.js';
import type { ComputePolicy, Precision } from '../runtime/policy.js';
import { loadedRuntime } from '../runtime/tensorflow.js';
import { tf } from '../runtime/tf.js';

/** Matrix size, large enough to make the launch overhead negligible. */
const SIZE = { cpu: 2048, gpu: 8192 } as const;
const REPETITIONS = 3;

/**
 * Measures the speed of a large square matrix product in GFLOP/s, as the reference for a training step: the best of
 * several repetitions, with the custom kernel or TensorFlow's, whichever is faster. Call `loadTensorFlow` first.
 */
export function matmulRate(policy: ComputePolicy, size: number = SIZE[loadedRuntime()?.kind ?? 'cpu']): number {
  const rate = rateWith(policy, size);
  return policy.customProducts ? Math.max(rate, rateWith({ ...policy, kernels: 'plain' }, size)) : rate;
}

function rateWith(policy: ComputePolicy, size: number): number {
  const { precision } = policy;
  let seconds = Infinity;
  // The first repetition is a warm-up: it starts threads and, on a GPU, loads kernels.
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

/** GPU kernels are asynchronous: waits until the matrix is computed by reading one element. */
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
