import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { DecodingConfig } from '../config/schema.js';
import { S2sError, UsageError } from '../errors.js';
import type { Decodable, DecoderState, EncodedSource } from '../model/model.js';
import { tf } from '../runtime/tensorflow.js';
import { BOS, EOS, PAD, UNK } from '../vocab/special.js';
import { SentenceSearch, type Hypothesis, type TokenChoice } from './sentence-search.js';

export type { Hypothesis } from './sentence-search.js';

/** The settings of search. */
export interface SearchOptions extends Pick<DecodingConfig, 'beamSize' | 'lengthPenalty' | 'maxLengthRatio' | 'maxLengthMargin'>, Partial<Pick<DecodingConfig, 'noRepeatNgramSize' | 'copyUnknown'>> {
  /** Translations wanted of each sentence, at most `beamSize`; 1 when not given. */
  readonly nBest?: number;
  /** Whether hypotheses tell the attention weights of their tokens. */
  readonly attention?: boolean;
}

/**
 * Share of the sentences in a batch that must have ended before the others are moved to a smaller one: moving copies
 * the encoder outputs, computing on ended sentences wastes the step.
 */
const COMPACT_SHARE = 1 / 8;

/**
 * Ids below `</s>` (`<pad>`, `<unk>`, `<s>`) are never generated, but `<unk>` where it is replaced afterwards. Their probability is not given to
 * others, so the score of a hypothesis is what the model gives it under teacher forcing.
 */
const FIRST_ID = { usual: EOS, withUnknown: UNK } as const;

/**
 * Translates the sentences of one batch by beam search, greedily where `beamSize` is 1. All sentences and hypotheses
 * are computed together, and no sentence's result depends on the others.
 *
 * @param sources ids of each sentence, `</s>` included
 * @returns for each sentence its `nBest` hypotheses, best first; fewer only where there are no more
 * @throws UsageError when `nBest` exceeds `beamSize`; S2sError `decoding-not-finite` when the model gives NaN
 */
export function translateBatch(model: Decodable, sources: readonly (readonly number[])[], options: SearchOptions): Hypothesis[][] {
  const nBest = options.nBest ?? 1;
  if (nBest > options.beamSize) {
    throw new UsageError('n-best-beyond-beam', `${nBest} translations a sentence need a beam of at least ${nBest}, not ${options.beamSize}`, {
      hint: `Use --beam-size ${nBest} or more, or fewer translations.`,
    });
  }
  if (sources.length === 0) return [];
  const searches = sources.map((source) => new SentenceSearch({ ...options, nBest, maxLength: maxLength(source.length, options) }));
  const batch = new DecodingBatch(model, sources, searches);
  try {
    while (batch.size > 0) batch.step(options);
  } finally {
    batch.dispose();
  }
  return searches.map((search) => search.results());
}

/** Longest translation of a source, both lengths in tokens and with `</s>`. */
export function maxLength(sourceLength: number, { maxLengthRatio, maxLengthMargin }: Pick<SearchOptions, 'maxLengthRatio' | 'maxLengthMargin'>): number {
  return Math.max(1, Math.floor(maxLengthRatio * sourceLength) + maxLengthMargin);
}

/** The sentences still searched and their tensors: `size` sentences of `width` rows each, one a hypothesis. */
class DecodingBatch {
  private searches: readonly SentenceSearch[];
  private encoded: EncodedSource;
  private state: DecoderState;
  private width = 1;

  constructor(
    private readonly model: Decodable,
    sources: readonly (readonly number[])[],
    searches: readonly SentenceSearch[],
  ) {
    this.searches = searches;
    this.encoded = encode(model, sources);
    this.state = this.encoded.initialState;
  }

  /** Number of sentences, some of which may have ended. */
  get size(): number {
    return this.searches.length;
  }

  /** Prolongs every live hypothesis by one token. */
  step({ beamSize, attention, copyUnknown }: SearchOptions): void {
    const { choice, weights, state } = this.compute(beamSize, { withAttention: attention === true || copyUnknown === true, withUnknown: copyUnknown === true });
    disposeAll(this.state);
    this.state = state;
    const { width } = this;
    const parents = this.searches.map((search, sentence) => {
      if (search.done) return [];
      return search.advance((live) => choice(sentence * width + live), (live) => weights?.(sentence * width + live));
    });
    this.rearrange(parents);
  }

  dispose(): void {
    disposeAll(this.state);
    disposeAll(tensorsOf(this.encoded));
  }

  /** One step of the model; only the few best tokens of each row (and attention, if asked) come to the host. */
  private compute(beamSize: number, { withAttention, withUnknown }: { withAttention: boolean; withUnknown: boolean }): { choice: (row: number) => TokenChoice; weights: ((row: number) => Float32Array) | undefined; state: DecoderState } {
    const { searches, width, model } = this;
    const previous = new Int32Array(searches.length * width).fill(PAD);
    let barred = 0;
    searches.forEach((search, sentence) => {
      for (let live = 0; live < search.width; live++) {
        previous[sentence * width + live] = search.lastToken(live) ?? BOS;
        barred = Math.max(barred, search.barred(live).size);
      }
    });
    // Of one row at most beamSize + 1 candidates can matter: beamSize that live on and one that ends. Greedy search ends
    // with the first that ends, so there the best one is all. Tokens that are barred may stand before each of them, and `<s>`.
    const first = withUnknown ? FIRST_ID.withUnknown : FIRST_ID.usual;
    const perRow = Math.min(model.targetVocabularySize - first, (beamSize === 1 ? 1 : beamSize + 1) + barred + (withUnknown ? 1 : 0));
    const best = tf.tidy(() => {
      const { logits, state, attentionWeights } = model.decodeStep(this.encoded, this.state, tf.tensor1d(previous, 'int32'));
      if (withUnknown && attentionWeights === undefined) throw new UsageError('no-attention', 'decoding.copyUnknown needs to know where the model looks, but this one has no attention', { hint: 'Set it to false.' });
      const { logProbabilities, tokens } = logits.best(perRow, first);
      return { logProbabilities, tokens, state: [...state], attention: withAttention ? attentionWeights : undefined };
    });
    const logProbabilities = best.logProbabilities.dataSync<'float32'>();
    const tokens = best.tokens.dataSync<'int32'>();
    const attention = best.attention?.dataSync<'float32'>();
    const sourceTime = best.attention?.shape[2] ?? 0;
    disposeAll([best.logProbabilities, best.tokens, ...(best.attention === undefined ? [] : [best.attention])]);

    // One NaN among the logits makes all log-probabilities of its row NaN.
    if (logProbabilities.some(Number.isNaN)) {
      disposeAll(best.state);
      throw notFinite();
    }

    const choice = (row: number): TokenChoice => ({ tokens: tokens.subarray(row * perRow, (row + 1) * perRow), logProbabilities: logProbabilities.subarray(row * perRow, (row + 1) * perRow) });
    const weights = attention === undefined ? undefined : (row: number) => attention.slice(row * sourceTime, (row + 1) * sourceTime);
    return { choice, weights, state: best.state };
  }

  /** Puts the states of the hypotheses that are live now in their rows, and drops ended sentences once they are many. */
  private rearrange(parents: readonly (readonly number[])[]): void {
    const live = parents.flatMap((_, sentence) => (this.searches[sentence]!.done ? [] : [sentence]));
    if (live.length === 0) {
      this.searches = [];
      return;
    }
    const compact = live.length <= this.size * (1 - COMPACT_SHARE);
    const kept = compact ? live : parents.map((_, sentence) => sentence);
    const width = Math.max(...live.map((sentence) => parents[sentence]!.length));
    // Rows without a hypothesis compute on the sentence's first and are not looked at.
    const rows = kept.flatMap((sentence) => Array.from({ length: width }, (_, i) => sentence * this.width + (parents[sentence]![i] ?? 0)));
    if (compact) {
      const encoded = gatherEncoded(this.encoded, kept);
      disposeAll(tensorsOf(this.encoded));
      this.encoded = encoded;
      this.searches = kept.map((sentence) => this.searches[sentence]!);
    }
    if (rows.length !== parents.length * this.width || rows.some((row, i) => row !== i)) {
      const state = gatherRows(this.state, rows);
      disposeAll(this.state);
      this.state = state;
    }
    this.width = width;
  }
}

function encode(model: Decodable, sources: readonly (readonly number[])[]): EncodedSource {
  const time = Math.max(...sources.map((source) => source.length));
  const ids = new Int32Array(sources.length * time).fill(PAD);
  sources.forEach((source, sentence) => ids.set(source, sentence * time));
  const lengths = Int32Array.from(sources, (source) => source.length);
  return tf.tidy(() => {
    const { keys, values, mask, initialState } = model.encode(tf.tensor2d(ids, [sources.length, time], 'int32'), tf.tensor1d(lengths, 'int32'));
    return { keys, values, mask, initialState: [...initialState] };
  });
}

/** The memory of some of the sentences. The start state has done its work and is left empty. */
function gatherEncoded({ keys, values, mask }: EncodedSource, sentences: readonly number[]): EncodedSource {
  return tf.tidy(() => {
    const indices = tf.tensor1d([...sentences], 'int32');
    const selected = tf.gather(keys, indices);
    return { keys: selected, values: values === (keys as Tensor) ? selected : tf.gather(values, indices), mask: tf.gather(mask, indices), initialState: [] };
  });
}

function gatherRows(state: DecoderState, rows: readonly number[]): Tensor2D[] {
  return tf.tidy(() => {
    const indices: Tensor1D = tf.tensor1d([...rows], 'int32');
    return state.map((tensor) => tf.gather(tensor, indices));
  });
}

function tensorsOf({ keys, values, mask, initialState }: EncodedSource): Tensor[] {
  return [keys, values, mask, ...initialState];
}

/** A tensor that is there under two names may be disposed under both. */
function disposeAll(tensors: readonly Tensor[]): void {
  for (const tensor of tensors) tensor.dispose();
}

function notFinite(): S2sError {
  return new S2sError('decoding-not-finite', 'the model gives NaN where probabilities should be', {
    hint: 'Its weights are damaged or training diverged: take an earlier checkpoint, or train with a lower learning rate.',
  });
}
