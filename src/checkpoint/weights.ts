import { assertSameShapes, type Checkpoint } from './run-directory.js';

/** The part of a model that weights are assigned to. */
export interface WeightsOwner {
  readonly parameters: {
    readonly names: readonly string[];
    storedTensor(name: string): { readonly shape: readonly number[] };
    assign(name: string, data: Float32Array): void;
  };
}

/**
 * Assigns the weights of a checkpoint to a model.
 *
 * @throws S2sError `checkpoint-mismatch` when a weight is missing or unknown, or its shape or dtype differs from that of the
 *   model; the model is then unchanged
 */
export function assignWeights({ parameters }: WeightsOwner, weights: Checkpoint['weights'], directory: string): void {
  assertSameShapes(
    new Map(parameters.names.map((name) => [name, parameters.storedTensor(name).shape])),
    weights,
    directory,
  );
  for (const [name, { data }] of weights) parameters.assign(name, data as Float32Array);
}
