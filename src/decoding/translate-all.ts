import type { DecodingConfig } from '../config/schema.js';
import type { Decodable } from '../model/model.js';
import { translateBatch, type Hypothesis, type SearchOptions } from './search.js';

/**
 * Maximum number of logits (rows times vocabulary) in one step. Many short sentences with a large beam and vocabulary
 * could otherwise take gigabytes within the limit of `batchTokens`.
 */
const MAX_STEP_LOGITS = 1 << 24;

/**
 * Translates any number of sentences in batches of similar length and returns the results in the order of the sources.
 *
 * @param sources ids of each sentence, `</s>` included
 * @param onBatch called after each batch with the number of translated sentences
 */
export async function translateAll(
  model: Decodable,
  sources: readonly (readonly number[])[],
  options: SearchOptions & Pick<DecodingConfig, 'batchTokens'>,
  onBatch?: (done: number, total: number) => void,
): Promise<Hypothesis[][]> {
  const results = new Array<Hypothesis[]>(sources.length);
  const maxSentences = Math.max(1, Math.floor(MAX_STEP_LOGITS / (options.beamSize * model.targetVocabularySize)));
  let done = 0;
  for (const indices of lengthSortedBatches(
    sources.map((source) => source.length),
    options.batchTokens,
    maxSentences,
  )) {
    const translated = await translateBatch(
      model,
      indices.map((index) => sources[index]!),
      options,
    );
    indices.forEach((index, i) => (results[index] = translated[i]!));
    done += indices.length;
    onBatch?.(done, sources.length);
  }
  return results;
}

/**
 * Groups sentences of similar length into batches of indices, longest first, so that running out of memory shows at
 * once.
 *
 * @param maxTokens maximum tokens per batch, padding included; a longer sentence is a batch of one
 */
export function lengthSortedBatches(
  lengths: readonly number[],
  maxTokens: number,
  maxSentences = Infinity,
): number[][] {
  const order = lengths.map((_, index) => index).sort((a, b) => lengths[b]! - lengths[a]!);
  const batches: number[][] = [];
  let batch: number[] = [];
  for (const index of order) {
    const longest = lengths[batch[0] ?? index]!;
    if (batch.length > 0 && ((batch.length + 1) * longest > maxTokens || batch.length === maxSentences)) {
      batches.push(batch);
      batch = [];
    }
    batch.push(index);
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
