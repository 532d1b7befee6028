import type * as tfTypes from '@tensorflow/tfjs-node-gpu';

/** The TensorFlow.js API, whichever backend provides it. */
export type TensorFlow = typeof tfTypes;

/**
 * TensorFlow.js, for every op of this project. A live binding: importing this module loads nothing, and no module of
 * Node. `loadTensorFlow` (tensorflow.ts) sets it in Node; a browser sets it to plain tfjs.
 */
export let tf: TensorFlow;

/** Sets the TensorFlow.js that all ops use. */
export function setTensorFlow(library: TensorFlow): void {
  tf = library;
}
