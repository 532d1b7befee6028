import { makeBatch } from '../data/batches.js';
import type { Batch, EncodedCorpus } from '../data/batch.js';
import { lengthSortedBatches } from '../decoding/translate-all.js';
import type { Translation } from '../decoding/translate-lines.js';
import { UsageError } from '../errors.js';
import { reportingOutOfMemory } from '../loss/batch-memory.js';
import { toTensors } from '../model/batch-tensors.js';
import type { TrainableModel } from '../model/model.js';
import { yieldToEventLoop } from '../runtime/event-loop.js';
import { tf } from '../runtime/tf.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { EOS } from '../vocab/special.js';

/** The attention weights of a translation. */
export interface AttentionMap {
  /** Source tokens with `</s>`; none for a blank line. */
  readonly source: readonly string[];
  /** Target tokens, with `</s>` if the translation is finished; none for a blank line. */
  readonly target: readonly string[];
  /** `[target][source]`: how the model weighted the source when it predicted each target token; rows sum to 1. */
  readonly weights: readonly Float32Array[];
}

/** Source and target ids without `</s>`. */
interface Pair {
  readonly source: readonly number[];
  readonly target: readonly number[];
}

/**
 * Maximum pairs of a source and a target position in a batch. Additive scores compute a vector of `hiddenSize` values
 * for each: 128 MiB with 512 of them.
 */
const MAX_POSITION_PAIRS = 1 << 16;
/** Limits the batches of very short sentences. */
const MAX_SENTENCES = 256;

/**
 * Computes the attention weights of the best hypothesis of each translation, by one pass over it with teacher forcing:
 * search itself does not keep them. Weights are the mean over heads; those of a Transformer are of the last layer.
 *
 * @returns one map per translation, in order
 * @throws UsageError `no-attention` if the model has no attention; S2sError `out-of-memory`
 */
export async function attentionMaps(
  translations: readonly Translation[],
  { model, tokenizers }: { readonly model: TrainableModel; readonly tokenizers: TokenizerPair },
): Promise<AttentionMap[]> {
  const names = translations.map((translation) => namesOf(translation, tokenizers));
  const weights = translations.map((): Float32Array[] => []);
  const translated = [...translations.keys()].filter((index) => !translations[index]!.blank);
  const corpus = corpusOf(translated.map((index) => pairOf(translations[index]!)));
  const areas = translated.map((_, i) => (Math.max(corpus.sourceLength(i), corpus.targetLength(i)) + 1) ** 2);
  for (const members of lengthSortedBatches(areas, MAX_POSITION_PAIRS, MAX_SENTENCES)) {
    const batch = makeBatch(corpus, members);
    const values = weightsOf(model, batch);
    for (const [row, member] of members.entries()) {
      const index = translated[member]!;
      const { source, target } = names[index]!;
      weights[index] = target.map((_, time) => {
        const start = (row * batch.targetTime + time) * batch.sourceTime;
        return values.slice(start, start + source.length);
      });
    }
    await yieldToEventLoop();
  }
  return names.map((tokens, index) => ({ ...tokens, weights: weights[index]! }));
}

/** @throws UsageError `no-attention` if the model has no attention */
export function assertAttention(model: TrainableModel): void {
  weightsOf(model, makeBatch(corpusOf([{ source: [], target: [] }]), [0]));
}

function namesOf(
  { source, hypotheses: [{ tokens, finished }], blank }: Translation,
  tokenizers: TokenizerPair,
): Pick<AttentionMap, 'source' | 'target'> {
  if (blank) return { source: [], target: [] };
  return {
    source: [...source, EOS].map((id) => tokenizers.source.tokenOf(id)),
    target: [...tokens, ...(finished ? [EOS] : [])].map((id) => tokenizers.target.tokenOf(id)),
  };
}

/** Each token is predicted from those before it, so the last one of an unfinished hypothesis is no input. */
function pairOf({ source, hypotheses: [{ tokens, finished }] }: Translation): Pair {
  return { source, target: finished ? tokens : tokens.slice(0, -1) };
}

function corpusOf(pairs: readonly Pair[]): EncodedCorpus {
  return {
    size: pairs.length,
    sourceLength: (index) => pairs[index]!.source.length,
    targetLength: (index) => pairs[index]!.target.length,
    source: (index) => Int32Array.from(pairs[index]!.source),
    target: (index) => Int32Array.from(pairs[index]!.target),
  };
}

/** Attention weights of a batch, `[batch, targetTime, sourceTime]`. */
function weightsOf(model: TrainableModel, batch: Batch): Float32Array {
  const task = { name: 'the computation of attention weights', remedy: 'decoding' } as const;
  return reportingOutOfMemory(batch, task, () =>
    tf.tidy(() => {
      const { attention } = model.teacherForcing(toTensors(batch), { attention: true });
      if (attention === undefined) {
        throw new UsageError('no-attention', 'this model has no attention, and so no attention weights', {
          hint: 'Translate without them, or train a model with model.decoder.attention other than none.',
        });
      }
      return attention.dataSync() as Float32Array;
    }),
  );
}
