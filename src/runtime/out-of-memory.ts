import { S2sError, type Place } from '../errors.js';
import { loadedRuntime } from './tensorflow.js';

/** Messages of failed allocations. */
const PATTERNS = [
  // TensorFlow
  /TF_Status: 8\b/,
  /RESOURCE_EXHAUSTED/i,
  /OOM when allocating/i,
  /failed to allocate/i,
  // cuDNN and cuBLAS, the CUDA driver
  /_STATUS_ALLOC_FAILED/i,
  /CUDA_ERROR_OUT_OF_MEMORY/i,
  // C++ exceptions in custom ops
  /std::bad_alloc/i,
  // Node
  /array buffer allocation failed/i,
];

const FREE_MEMORY = 'or end other programs that use memory of this device.';

/** Remedies by the settings that determine the batch size. */
const REMEDIES = {
  training:
    'Lower training.batch.size (and raise training.batch.accumulate to keep the effective batch size), ' +
    `data.maxSourceLength or data.maxTargetLength, use a smaller model, ${FREE_MEMORY}`,
  validation:
    'Lower decoding.batchTokens and, if it counts tokens, training.batch.size; ' +
    `shorten the longest lines of the dev data, use a smaller model, ${FREE_MEMORY}`,
  decoding: `Lower decoding.batchTokens or decoding.beamSize, shorten the longest lines, ${FREE_MEMORY}`,
} as const;

/** The task that a batch belongs to, as error messages name it. */
export interface Task {
  /** Noun phrase that follows `in`: `training step 12`. */
  readonly name: string;
  readonly remedy: keyof typeof REMEDIES;
  /** File and line of a sentence pair or line, by its index; omitted if unknown. */
  readonly placeOf?: (index: number) => Place;
}

/** The computation that ran out of memory. */
export interface Workload {
  readonly task: Task;
  /** Human-readable size of the batch: `64 sentences x 30 source x 28 target tokens`. */
  readonly batch: string;
  /** Longest pair or line: its index for `Task.placeOf`, and a description if its place is unknown. */
  readonly longest: { readonly index: number; readonly description?: string };
}

/** Whether an error reports a failed allocation of device or host memory. */
export function isOutOfMemory(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof S2sError) return false;
  return PATTERNS.some((pattern) => pattern.test(error.message));
}

/**
 * Converts out-of-memory errors to an S2sError `out-of-memory` that names the task, device, batch, place of its longest
 * line, and remedy. Returns any other error unchanged.
 *
 * @param workload called only for out-of-memory errors
 */
export function explainOutOfMemory(error: unknown, workload: () => Workload): unknown {
  if (!isOutOfMemory(error)) return error;
  const { task, batch, longest } = workload();
  const place = task.placeOf?.(longest.index);
  const description = place === undefined ? longest.description : 'this line';
  const longestLine = description === undefined ? '' : `, the longest of which is ${description}`;
  const device = loadedRuntime()?.description ?? 'this device';
  return new S2sError(
    'out-of-memory',
    `out of memory in ${task.name} on ${device}, with a batch of ${batch}${longestLine}`,
    { place, hint: REMEDIES[task.remedy], cause: error },
  );
}
