import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { DecodingConfig } from '../config/schema.js';
import { S2sError, UsageError } from '../errors.js';
import type { Decodable } from '../model/model.js';
import { yieldToEventLoop } from '../runtime/event-loop.js';
import { tf } from '../runtime/tf.js';
import { BOS, EOS, PAD, UNK } from '../vocab/special.js';
import { chooseCandidates, type PendingChoice } from './candidates.js';
import { forbiddenTokens, noRepeatedNgrams, type TokenConstraint, type TokenProcessor } from './constraints.js';
import { SentenceSearch, type Hypothesis } from './sentence-search.js';

export type { Hypothesis } from './sentence-search.js';

type RequiredSettings = Pick<DecodingConfig, 'beamSize' | 'lengthPenalty' | 'maxLengthRatio' | 'maxLengthMargin'>;
type OptionalSettings = Partial<Pick<DecodingConfig, 'noRepeatNgramSize' | 'copyUnknown'>>;

/** The settings of search. */
export interface SearchOptions extends RequiredSettings, OptionalSettings {
  /** Number of translations per sentence, at most `beamSize`; 1 by default. */
  readonly nBest?: number;
  /** Whether to return the attention weights of each token. */
  readonly attention?: boolean;
  /** Additional constraints on the tokens of each hypothesis. */
  readonly processors?: readonly TokenProcessor[];
}

/**
 * Share of finished sentences from which a batch is compacted. Compaction copies the memory of the model, while
 * computing finished sentences wastes part of each step.
 */
const COMPACT_SHARE = 1 / 8;

/**
 * Translates one batch of sentences by beam search, or greedily if `beamSize` is 1. All sentences and hypotheses are
 * computed together, and no result depends on the rest of the batch. Yields to the event loop between steps.
 *
 * Ids below `</s>` (`<pad>`, `<unk>`, `<s>`) are never generated, except `<unk>` with `copyUnknown`. Probabilities are
 * not renormalised: the log-probability of a hypothesis is the one that the model assigns to it under teacher forcing.
 *
 * @param sources ids of each sentence, `</s>` included
 * @returns the `nBest` hypotheses of each sentence, best first; fewer if no more exist
 * @throws UsageError when `nBest` exceeds `beamSize`; S2sError `decoding-not-finite` when the model returns NaN
 */
export async function translateBatch(
  model: Decodable,
  sources: readonly (readonly number[])[],
  options: SearchOptions,
): Promise<Hypothesis[][]> {
  const nBest = options.nBest ?? 1;
  if (nBest > options.beamSize) {
    throw new UsageError(
      'n-best-beyond-beam',
      `${nBest} translations per sentence need a beam size of at least ${nBest}, not ${options.beamSize}`,
      { hint: `Use --beam-size ${nBest} or larger, or request fewer translations.` },
    );
  }
  if (sources.length === 0) return [];
  const hasBonuses = (options.processors ?? []).length > 0;
  const { maxTargetLength = Infinity } = model;
  const searches = sources.map((source) => {
    const limit = Math.min(maxLength(source.length, options), maxTargetLength);
    return new SentenceSearch({ ...options, nBest, maxLength: limit, hasBonuses });
  });
  const batch = new DecodingBatch(model, sources, searches, options);
  try {
    while (batch.size > 0) await batch.step();
  } finally {
    batch.dispose();
  }
  return searches.map((search) => search.results());
}

/** Maximum length of a translation; both lengths are in tokens and include `</s>`. */
export function maxLength(
  sourceLength: number,
  { maxLengthRatio, maxLengthMargin }: Pick<SearchOptions, 'maxLengthRatio' | 'maxLengthMargin'>,
): number {
  return Math.max(1, Math.floor(maxLengthRatio * sourceLength) + maxLengthMargin);
}

/** A sentence whose search has not ended, or whose rows are still in the batch. */
interface ActiveSentence {
  /** Index among the sources. */
  readonly index: number;
  readonly search: SentenceSearch;
}

/** The sentences of a batch and their tensors: `size` sentences of `width` rows, one row per hypothesis. */
class DecodingBatch {
  private sentences: readonly ActiveSentence[];
  private memory: readonly Tensor[];
  private state: readonly Tensor[];
  private width = 1;
  private position = 0;
  private readonly processors: readonly TokenProcessor[];

  constructor(
    private readonly model: Decodable,
    sources: readonly (readonly number[])[],
    searches: readonly SentenceSearch[],
    private readonly options: SearchOptions,
  ) {
    this.sentences = searches.map((search, index) => ({ index, search }));
    const { noRepeatNgramSize = 0, copyUnknown = false, processors = [] } = options;
    this.processors = [
      ...(copyUnknown ? [forbiddenTokens([BOS])] : []),
      ...(noRepeatNgramSize > 0 ? [noRepeatedNgrams(noRepeatNgramSize)] : []),
      ...processors,
    ];
    const { memory, state } = encode(model, sources);
    this.memory = memory;
    this.state = state;
  }

  /** Number of sentences, some of which may be finished. */
  get size(): number {
    return this.sentences.length;
  }

  /** Extends every live hypothesis by one token. */
  async step(): Promise<void> {
    const { choice, state, attention } = this.compute();
    this.replaceState(state);
    const read = [...choice.tensors, ...(attention === undefined ? [] : [attention])];
    let candidates, weights: Float32Array | undefined;
    try {
      [candidates, weights] = await Promise.all([
        choice.candidates(),
        attention?.data<'float32'>(),
        yieldToEventLoop(),
      ]);
    } finally {
      disposeAll(read);
    }
    if (candidates === undefined) throw notFinite();
    const sourceTime = attention?.shape[2] ?? 0;
    const { width } = this;
    const parents = this.sentences.map(({ search }, sentence) => {
      if (search.done) return [];
      const weightsOf = (parent: number): Float32Array | undefined => {
        const row = sentence * width + parent;
        return weights?.slice(row * sourceTime, (row + 1) * sourceTime);
      };
      return search.advance(candidates[sentence]!, weightsOf);
    });
    this.position++;
    this.rearrange(parents);
  }

  dispose(): void {
    disposeAll(this.state);
    disposeAll(this.memory);
  }

  /** Starts one step of the model. Only the best candidates, and attention if needed, are copied to the host. */
  private compute(): { choice: PendingChoice; state: readonly Tensor[]; attention: Tensor | undefined } {
    const { model, width, sentences, position, memory, state } = this;
    const { beamSize, copyUnknown = false, attention: asked = false } = this.options;
    const rows = sentences.length * width;
    const previous = new Int32Array(rows).fill(PAD);
    const logProbabilities = new Float32Array(rows).fill(-Infinity);
    for (const [sentence, { search }] of sentences.entries()) {
      for (let live = 0; live < search.width; live++) {
        previous[sentence * width + live] = search.lastToken(live) ?? BOS;
        logProbabilities[sentence * width + live] = search.logProbability(live);
      }
    }
    const constraints = this.constraints();
    let choice: PendingChoice | undefined;
    const kept = tf.tidy(() => {
      const step = model.decodeStep({ memory, state, position, previous: tf.tensor1d(previous, 'int32') });
      if (copyUnknown && step.attention === undefined) throw noAttention();
      const firstToken = copyUnknown ? UNK : EOS;
      const vocabularySize = model.targetVocabularySize;
      choice = chooseCandidates(step.logits, {
        logProbabilities,
        constraints,
        width,
        beamSize,
        firstToken,
        vocabularySize,
      });
      const attention = asked || copyUnknown ? step.attention : undefined;
      return { state: [...step.state], tensors: [...choice.tensors], attention };
    });
    return { choice: choice!, state: kept.state, attention: kept.attention };
  }

  /** The constraint of each row; undefined if no row has one. */
  private constraints(): (TokenConstraint | undefined)[] | undefined {
    const { processors, width, sentences } = this;
    if (processors.length === 0) return undefined;
    const constraints = sentences.flatMap(({ index, search }) =>
      Array.from({ length: width }, (_, live) => {
        if (live >= search.width) return undefined;
        const hypothesis = { sentence: index, tokens: search.tokens(live) };
        return combined(processors.flatMap((process) => process(hypothesis) ?? []));
      }),
    );
    return constraints.some((constraint) => constraint !== undefined) ? constraints : undefined;
  }

  /** Reorders the state by the parents of the live hypotheses, and compacts the batch (`COMPACT_SHARE`). */
  private rearrange(parents: readonly (readonly number[])[]): void {
    const live = parents.flatMap((_, sentence) => (this.sentences[sentence]!.search.done ? [] : [sentence]));
    if (live.length === 0) {
      this.sentences = [];
      return;
    }
    const compact = live.length <= this.size * (1 - COMPACT_SHARE);
    const kept = compact ? live : parents.map((_, sentence) => sentence);
    const width = Math.max(...live.map((sentence) => parents[sentence]!.length));
    // Unused rows compute the first hypothesis of their sentence and are ignored.
    const rows = kept.flatMap((sentence) =>
      Array.from({ length: width }, (_, i) => sentence * this.width + (parents[sentence]![i] ?? 0)),
    );
    if (compact) {
      const memory = selectRows(this.memory, kept);
      disposeAll(this.memory.filter((tensor) => !this.state.includes(tensor)));
      this.memory = memory;
      this.sentences = kept.map((sentence) => this.sentences[sentence]!);
    }
    if (rows.length !== parents.length * this.width || rows.some((row, i) => row !== i)) {
      this.replaceState(selectRows(this.state, rows));
    }
    this.width = width;
  }

  /** A model may return tensors of the previous state or of the memory as its new state. */
  private replaceState(next: readonly Tensor[]): void {
    disposeAll(this.state.filter((tensor) => !next.includes(tensor) && !this.memory.includes(tensor)));
    this.state = next;
  }
}

function encode(
  model: Decodable,
  sources: readonly (readonly number[])[],
): { memory: readonly Tensor[]; state: readonly Tensor[] } {
  const time = Math.max(...sources.map((source) => source.length));
  const ids = new Int32Array(sources.length * time).fill(PAD);
  sources.forEach((source, sentence) => ids.set(source, sentence * time));
  const lengths = Int32Array.from(sources, (source) => source.length);
  return tf.tidy(() => {
    const { memory, state } = model.encode(
      tf.tensor2d(ids, [sources.length, time], 'int32'),
      tf.tensor1d(lengths, 'int32'),
    );
    return { memory: [...memory], state: [...state] };
  });
}

/** The given rows of each tensor; a tensor that is listed twice is selected once. */
function selectRows(tensors: readonly Tensor[], rows: readonly number[]): readonly Tensor[] {
  return tf.tidy(() => {
    const indices = tf.tensor1d([...rows], 'int32');
    const selected = new Map<Tensor, Tensor>();
    for (const tensor of tensors) if (!selected.has(tensor)) selected.set(tensor, tf.gather(tensor, indices));
    return tensors.map((tensor) => selected.get(tensor)!);
  });
}

function combined(constraints: readonly TokenConstraint[]): TokenConstraint | undefined {
  if (constraints.length <= 1) return constraints[0];
  const lists = constraints.flatMap(({ allowed }) => (allowed === undefined ? [] : [new Set(allowed)]));
  const [first, ...others] = lists;
  const bonus = new Map<number, number>();
  for (const [token, value] of constraints.flatMap((constraint) => [...(constraint.bonus ?? [])]))
    bonus.set(token, (bonus.get(token) ?? 0) + value);
  return {
    forbidden: constraints.flatMap(({ forbidden }) => [...(forbidden ?? [])]),
    allowed: first === undefined ? undefined : [...first].filter((token) => others.every((list) => list.has(token))),
    bonus,
  };
}

/** Disposing a tensor twice is harmless. */
function disposeAll(tensors: readonly Tensor[]): void {
  for (const tensor of tensors) tensor.dispose();
}

function noAttention(): UsageError {
  return new UsageError(
    'no-attention',
    'decoding.copyUnknown needs attention weights, but this model has no attention',
    { hint: 'Set decoding.copyUnknown to false.' },
  );
}

function notFinite(): S2sError {
  return new S2sError('decoding-not-finite', 'the model returns NaN instead of probabilities', {
    hint: 'The weights are damaged or training diverged: use an earlier checkpoint or a lower learning rate.',
  });
}
