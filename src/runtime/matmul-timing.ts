import { attribute, DATA_TYPE } from './ops/execute.js';
import type { Precision } from './policy.js';
import { tf } from './tf.js';

/** A timed matrix product. */
export interface MatMulTiming {
  readonly milliseconds: number;
  /** Billions of floating-point operations per second. */
  readonly gigaflops: number;
  /** Whether the result was correct. */
  readonly correct: boolean;
}

const SIZE = 1024;
const REPETITIONS = 5;

/** The interface of the native addon, which unlike tfjs supports 16-bit dtypes. */
interface Binding {
  executeOp(
    op: string,
    attributes: readonly unknown[],
    inputs: readonly number[],
    outputs: number,
  ): readonly { readonly id: number }[];
  tensorDataSync(id: number): Float32Array;
  createTensor(shape: readonly number[], type: number, values: Float32Array): number;
  deleteTensor(id: number): void;
}

/**
 * Times the product of two 1024 x 1024 matrices and checks the result, in well under a second. Returns the fastest of
 * several runs after one warm-up run. Call `loadTensorFlow` first.
 */
export function timeMatMul(precision: Precision): MatMulTiming {
  const { binding } = tf.backend() as unknown as { binding: Binding };
  const owned: number[] = [];
  const execute = (op: string, attributes: readonly unknown[], inputs: readonly number[]): number => {
    const id = binding.executeOp(op, attributes, inputs, 1)[0]!.id;
    owned.push(id);
    return id;
  };
  const cast = (id: number, from: Precision, to: Precision): number =>
    from === to
      ? id
      : execute(
          'Cast',
          [attribute.type('SrcT', from), attribute.type('DstT', to), attribute.bool('Truncate', false)],
          [id],
        );
  // Powers of two are exact in every dtype.
  const matrix = (value: number): number => {
    const id = binding.createTensor([SIZE, SIZE], DATA_TYPE.float32, new Float32Array(SIZE * SIZE).fill(value));
    owned.push(id);
    return cast(id, 'float32', precision);
  };
  try {
    const [a, b] = [matrix(0.5), matrix(0.25)];
    const attributes = [
      attribute.type('T', precision),
      attribute.bool('transpose_a', false),
      attribute.bool('transpose_b', false),
    ];
    let milliseconds = Infinity;
    let correct = true;
    // The warm-up run starts threads and, on a GPU, loads kernels.
    for (let repetition = 0; repetition <= REPETITIONS; repetition++) {
      const start = performance.now();
      const product = execute('MatMul', attributes, [a, b]);
      // GPU kernels run asynchronously: reading one value waits for the product.
      const corner = execute(
        'Slice',
        [attribute.type('T', precision), attribute.type('Index', 'int32')],
        [product, ...indices(binding, owned)],
      );
      const value = binding.tensorDataSync(cast(corner, precision, 'float32'))[0];
      if (repetition > 0) milliseconds = Math.min(milliseconds, performance.now() - start);
      correct &&= value === SIZE * 0.5 * 0.25;
    }
    return { milliseconds, gigaflops: (2 * SIZE ** 3) / milliseconds / 1e6, correct };
  } finally {
    for (const id of owned) binding.deleteTensor(id);
  }
}

/** Begin and size of a slice that contains only the last element. */
function indices(binding: Binding, owned: number[]): number[] {
  const ids = [
    [SIZE - 1, SIZE - 1],
    [1, 1],
  ].map((values) => binding.createTensor([2], DATA_TYPE.int32, new Int32Array(values) as unknown as Float32Array));
  owned.push(...ids);
  return ids;
}
