import type { DataType, Tensor, Tensor1D } from '@tensorflow/tfjs-node-gpu';
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

const UNSUPPORTED_BY_TFJS: ReadonlySet<number> = new Set([
  DATA_TYPE.int8,
  DATA_TYPE.int64,
  DATA_TYPE.bfloat16,
  DATA_TYPE.float16,
]);

/** TF_AttrType numbers of TensorFlow's C API (tensorflow/c/c_api.h). */
const ATTRIBUTE_TYPE = { string: 0, int: 1, float: 2, bool: 3, type: 4, shape: 5 } as const;

/** Attribute of a TensorFlow op in the format of the native addon. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: string | number | boolean | readonly number[];
}

/** Metadata of a tensor in the native addon. */
interface NativeTensor {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** The private interface of the native backend that executes ops by name and maps tfjs tensors to native ones. */
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
 * Executes one TensorFlow op by its registered name and returns its outputs. Only this folder and `StoredTensor` call
 * it.
 *
 * The outputs are new tensors owned by the enclosing `tidy`. No gradient is recorded, so call it inside `withGradient`.
 * Outputs of a dtype that tfjs does not support (bfloat16, float16, int8, int64) claim to be float32: pass them only to
 * `execute`.
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
      UNSUPPORTED_BY_TFJS.has(output.dtype) ? opaqueTensor(backend, output) : backend.createOutputTensor(output),
    );
}

const absent = new Map<DataType, Tensor>();

/**
 * Stands for an input that an op can do without: an empty tensor, `[0]`. All calls share it for the life of the
 * process, because a new tensor would take as long as starting an op; do not dispose it.
 */
export function noTensor(dtype: 'float32' | 'int32'): Tensor1D {
  let tensor = absent.get(dtype);
  if (tensor === undefined) {
    tensor = tf.keep(tf.tensor1d([], dtype));
    absent.set(dtype, tensor);
  }
  return tensor as Tensor1D;
}

/** Creates the tensors of `noTensor`, so that the first op does not change the number of tensors. */
export function prepareOps(): void {
  noTensor('float32');
  noTensor('int32');
}

function opaqueTensor(backend: NativeBackend, { id, shape, dtype }: NativeTensor): Tensor {
  const dataId = {};
  backend.tensorMap.set(dataId, { shape, dtype, id, values: null, refCount: 1 });
  return tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype: 'float32' });
}
