import type * as tfTypes from '@tensorflow/tfjs-node-gpu';

/** The TensorFlow.js API, whichever backend provides it. */
export type TensorFlow = typeof tfTypes;

/**
 * TensorFlow.js, for every op of this project. A live binding: importing this module loads neither TensorFlow nor any
 * Node module. `loadTensorFlow` (tensorflow.ts) sets it in Node; a browser sets it to plain tfjs.
 */
export let tf: TensorFlow;

/** Sets the TensorFlow.js that all ops use. */
export function setTensorFlow(library: TensorFlow): void {
  tf = library;
}

/** Version of the native library, such as `2.21.0`; undefined on other backends. Call `loadTensorFlow` first. */
export function tensorflowVersion(): string | undefined {
  return (tf.backend() as unknown as { binding?: { TF_Version?: string } }).binding?.TF_Version;
}
