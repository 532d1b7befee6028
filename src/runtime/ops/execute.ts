import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { tf } from '../tf.js';

/** TF_DataType numbers of TensorFlow's C API (tensorflow/c/tf_datatype.h). */
export const DATA_TYPE = {
  float32: 1,
  int32: 3,
  int8: 6,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  float16: 19,
  resource: 20,
} as const;

const UNKNOWN_TO_TFJS: ReadonlySet<number> = new Set([
  DATA_TYPE.int8,
  DATA_TYPE.int64,
  DATA_TYPE.bfloat16,
  DATA_TYPE.float16,
]);

/** TF_AttrType numbers of TensorFlow's C API (tensorflow/c/c_api.h). */
const ATTRIBUTE_TYPE = { string: 0, int: 1, float: 2, bool: 3, type: 4, shape: 5 } as const;

/** One attribute of a TensorFlow op, as the native addon takes it. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: string | number | boolean | readonly number[];
}

/** A tensor as the native addon describes it. */
interface NativeTensor {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** The part of the native backend that runs ops by name, and keeps the native tensor of each of ours. */
interface NativeBackend {
  readonly binding: {
    executeOp(
      op: string,
      attributes: readonly OpAttribute[],
      inputs: readonly number[],
      outputs: number,
    ): NativeTensor[];
  };
  readonly tensorMap: { set(dataId: object, entry: object): void };
  getInputTensorIds(inputs: readonly Tensor[]): number[];
  createOutputTensor(output: NativeTensor): Tensor;
}

/** Attribute constructors: `attribute.float('beta', 0.9)`. */
export const attribute = {
  string: (name: string, value: string): OpAttribute => ({ name, type: ATTRIBUTE_TYPE.string, value }),
  int: (name: string, value: number): OpAttribute => ({ name, type: ATTRIBUTE_TYPE.int, value }),
  float: (name: string, value: number): OpAttribute => ({ name, type: ATTRIBUTE_TYPE.float, value }),
  bool: (name: string, value: boolean): OpAttribute => ({ name, type: ATTRIBUTE_TYPE.bool, value }),
  type: (name: string, value: keyof typeof DATA_TYPE): OpAttribute => ({
    name,
    type: ATTRIBUTE_TYPE.type,
    value: DATA_TYPE[value],
  }),
  shape: (name: string, value: readonly number[]): OpAttribute => ({ name, type: ATTRIBUTE_TYPE.shape, value }),
};

/**
 * Runs one TensorFlow op by its registered name and returns its outputs. Nothing outside this folder names an op.
 *
 * The result is a new tensor owned by the enclosing `tidy`; no gradient is recorded, so call it inside `withGradient`.
 * An output in a format of which tfjs knows nothing (bfloat16, int8) says that it is float32: it may be given to other ops
 * by name, and to nothing else.
 */
export function execute(
  op: string,
  attributes: readonly OpAttribute[],
  inputs: readonly Tensor[],
  outputs = 1,
): Tensor[] {
  const backend = tf.backend() as unknown as NativeBackend;
  return backend.binding
    .executeOp(op, attributes, backend.getInputTensorIds(inputs), outputs)
    .map((output) =>
      UNKNOWN_TO_TFJS.has(output.dtype) ? unknownTensor(backend, output) : backend.createOutputTensor(output),
    );
}

function unknownTensor(backend: NativeBackend, { id, shape, dtype }: NativeTensor): Tensor {
  const dataId = {};
  backend.tensorMap.set(dataId, { shape, dtype, id, values: null, refCount: 1 });
  return tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype: 'float32' });
}
