import { S2sError, type Place } from '../errors.js';
import { loadedRuntime } from './tensorflow.js';

/**
 * How an allocation that failed is told: TensorFlow's status 8 is RESOURCE_EXHAUSTED; cuDNN, cuBLAS and the CUDA driver have
 * words of their own; a custom op passes on what C++ threw; the last are Node's, when it makes or reads an array.
 */
const SIGNS =
  /TF_Status: 8\b|RESOURCE_EXHAUSTED|OOM when allocating|failed to allocate|_STATUS_ALLOC_FAILED|CUDA_ERROR_OUT_OF_MEMORY|std::bad_alloc|array buffer allocation failed/i;

/** What to change, by what decides how large a batch is. */
const REMEDIES = {
  training:
    'Lower training.batch.size (a larger training.batch.accumulate makes up for it), data.maxSourceLength or data.maxTargetLength, take a smaller model, or end other programs that hold memory of this device.',
  validation:
    'Lower decoding.batchTokens and, where it counts tokens, training.batch.size; shorten the longest lines of the dev data, take a smaller model, or end other programs that hold memory of this device.',
  decoding:
    'Lower decoding.batchTokens or decoding.beamSize, shorten the longest lines, or end other programs that hold memory of this device.',
} as const;

/** What batches are computed for, as an error names it. */
export interface Task {
  /** In words that go after `in`: `training step 12`. */
  readonly name: string;
  readonly remedy: keyof typeof REMEDIES;
  /** Where a pair or a line stands, by its index in what is computed; left out where that is not known. */
  readonly placeOf?: (index: number) => Place;
}

/** What was at work when memory ran out. */
export interface Workload {
  readonly task: Task;
  /** The batch in words: `64 sentences x 30 source x 28 target tokens`. */
  readonly batch: string;
  /** Its longest pair or line: the index for `Task.placeOf`, and words for it where its place is not known. */
  readonly longest: { readonly index: number; readonly words?: string };
}

/** Whether an error says that memory of the device or of the process could not be allocated. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && !(error instanceof S2sError) && SIGNS.test(error.message);
}

/**
 * What to throw in place of an error: an S2sError `out-of-memory` with the task, the device, the batch, the place of its
 * longest line, and what to change, where memory ran out; any other error as it is.
 *
 * @param workload asked only when memory ran out
 */
export function explainOutOfMemory(error: unknown, workload: () => Workload): unknown {
  if (!isOutOfMemory(error)) return error;
  const { task, batch, longest } = workload();
  const place = task.placeOf?.(longest.index);
  const words = place === undefined ? longest.words : 'this line';
  const device = loadedRuntime()?.description ?? 'this device';
  return new S2sError(
    'out-of-memory',
    `out of memory in ${task.name} on ${device}, with a batch of ${batch}${words === undefined ? '' : `, the longest of which is ${words}`}`,
    {
      place,
      hint: REMEDIES[task.remedy],
      cause: error,
    },
  );
}
