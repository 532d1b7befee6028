import { S2sError } from '../errors.js';
import type { Checkpoint } from './run-directory.js';
import type { SavedTensor, SavedTensors } from './safetensors-header.js';

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
 * @throws S2sError `checkpoint-mismatch` if a weight is missing or unexpected, or if its shape or dtype differs; the
 *   model is then unchanged
 */
export function assignWeights({ parameters }: WeightsOwner, weights: Checkpoint['weights'], directory: string): void {
  const shapes = new Map(parameters.names.map((name) => [name, parameters.storedTensor(name).shape]));
  assertSameShapes(shapes, weights, directory);
  for (const [name, { data }] of weights) parameters.assign(name, data as Float32Array);
}

/**
 * Checks the names, shapes and dtypes (float32) of the tensors of a checkpoint.
 *
 * @param expected shape of each tensor by name
 * @param owner of the tensors, for the message
 * @throws S2sError `checkpoint-mismatch`, listing every difference: the name of the tensor, its shape or dtype in the
 *   checkpoint and the expected one
 */
export function assertSameShapes(
  expected: ReadonlyMap<string, readonly number[]>,
  found: SavedTensors,
  directory: string,
  owner: 'model' | 'optimiser' = 'model',
): void {
  const differences = [...expected].flatMap(([name, shape]) => describeMismatch(name, shape, found.get(name)) ?? []);
  for (const [name, tensor] of found) {
    if (!expected.has(name)) differences.push(`${name} ${formatShape(tensor.shape)} is not in the ${owner}`);
  }
  if (differences.length === 0) return;
  const { problem, hint } = MISMATCH[owner];
  throw new S2sError('checkpoint-mismatch', `${problem}:\n  ${differences.join('\n  ')}`, {
    place: { file: directory },
    hint,
  });
}

const MISMATCH = {
  model: {
    problem: 'the checkpoint does not match the model in the configuration',
    hint: 'Use the configuration that the run was trained with, or another --run-dir for the new model.',
  },
  optimiser: {
    problem: 'the optimiser moments in optimizer.safetensors do not match the model',
    hint: 'The file is damaged or from another run: copy it again, or train again in another --run-dir.',
  },
} as const;

function describeMismatch(name: string, shape: readonly number[], found: SavedTensor | undefined): string | undefined {
  const expected = formatShape(shape);
  if (found === undefined) return `${name} ${expected} is missing`;
  const actual = formatShape(found.shape);
  if (actual !== expected) return `${name} is ${actual}, expected ${expected}`;
  return found.dtype === 'F32' ? undefined : `${name} is ${found.dtype}, expected F32`;
}

function formatShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
