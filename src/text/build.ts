import { join } from 'node:path';
import type { TokenizerConfig } from '../config/schema.js';
import { S2sError } from '../errors.js';
import { Random } from '../random.js';
import { UNK } from '../vocab/special.js';
import { learnTokenizer, TextCounter, type LearnSettings } from './learn.js';
import { parseTokenizer, TOKENIZER_FILES } from './load.js';
import type { Tokenizer, TokenizerPair } from './tokenizer.js';
import {
  assertReplaceable,
  learnSettingsByRole,
  writeVocabulary,
  type Replaceable,
  type TokenizerRole,
} from './vocabulary-file.js';

export interface SentencePair {
  readonly source: string;
  readonly target: string;
}

/** Report on one learned tokenizer. */
export interface TokenizerReport {
  readonly role: TokenizerRole;
  readonly file: string;
  readonly settings: LearnSettings;
  /** Vocabulary size, special tokens included; below `settings.size` if the text is too small. */
  readonly size: number;
  /** Unit of `types` and `coverage`. */
  readonly unit: 'characters' | 'words';
  /** Distinct units of the training text that are in the vocabulary, and that are not. */
  readonly types: { readonly kept: number; readonly left: number };
  /** Fraction of all unit occurrences in the training text that the vocabulary covers, 0 to 1. */
  readonly coverage: number;
}

/** Token statistics of one side of a split. */
export interface TokenStatistics {
  readonly sentences: number;
  /** Tokens per sentence, without `</s>`. */
  readonly tokensPerSentence: { readonly mean: number; readonly p95: number; readonly max: number };
  /** Fraction of tokens that are `<unk>`, 0 to 1. */
  readonly unknownRate: number;
}

/** Result of `buildVocabulary`. */
export interface VocabularyReport {
  readonly directory: string;
  /** Number of training pairs. */
  readonly pairs: number;
  readonly tokenizers: readonly TokenizerReport[];
  /** Statistics of the training text, or of a random sample of a large one. */
  readonly train: { readonly source: TokenStatistics; readonly target: TokenStatistics };
  /** Statistics of the dev text. */
  readonly dev: { readonly source: TokenStatistics; readonly target: TokenStatistics };
}

/** Progress of `buildVocabulary`. */
export type VocabularyEvent =
  | { readonly type: 'reading'; readonly pairs: number }
  | { readonly type: 'learning'; readonly role: TokenizerRole; readonly settings: LearnSettings }
  | { readonly type: 'measuring' };

export interface BuildOptions {
  readonly settings: TokenizerConfig;
  readonly directory: string;
  /** Training text in blocks; read once. */
  readonly train: AsyncIterable<readonly SentencePair[]> | Iterable<readonly SentencePair[]>;
  readonly dev: AsyncIterable<readonly SentencePair[]> | Iterable<readonly SentencePair[]>;
  /** Identifies the content of the training text, see `vocabularyState`. */
  readonly trainingText: string;
  /** Which existing files may be replaced. Default: those that s2s wrote. */
  readonly replace?: Replaceable | undefined;
  readonly onEvent?: (event: VocabularyEvent) => void;
}

/** Maximum number of training pairs to compute token statistics on. */
const SAMPLE_PAIRS = 50_000;

/**
 * Learns tokenizers from the training text, writes them and their record to a folder, and reports coverage and token
 * statistics.
 *
 * @throws S2sError `no-text` if the training text is empty; `tokenizer-foreign` or `tokenizer-kept` if an existing file
 *   would be replaced that `replace` protects
 */
export async function buildVocabulary({
  settings,
  directory,
  train,
  dev,
  trainingText,
  replace = 'own',
  onEvent = () => undefined,
}: BuildOptions): Promise<VocabularyReport> {
  // A check before the work starts; `writeVocabulary` checks again, once the new contents are known.
  assertReplaceable(
    directory,
    replace,
    learnSettingsByRole(settings).map(([role]) => role),
  );
  const source = new TextCounter();
  const target = settings.shared ? source : new TextCounter();
  const sample = new PairSample(SAMPLE_PAIRS);
  for await (const block of train) {
    for (const pair of block) {
      source.add(pair.source);
      target.add(pair.target);
      sample.add(pair);
    }
    onEvent({ type: 'reading', pairs: sample.seen });
  }
  if (source.isEmpty || target.isEmpty) {
    throw new S2sError('no-text', 'the training text has no words to learn a vocabulary from', {
      place: { key: 'data.train' },
    });
  }

  const learned = learnSettingsByRole(settings).map(([role, sideSettings]) => {
    onEvent({ type: 'learning', role, settings: sideSettings });
    return { role, settings: sideSettings, ...learnTokenizer(role === 'target' ? target : source, sideSettings) };
  });
  writeVocabulary(directory, trainingText, learned, replace);

  onEvent({ type: 'measuring' });
  const tokenizers = learned.map(({ role, json }) => parseTokenizer(json, join(directory, TOKENIZER_FILES[role])));
  const pair: TokenizerPair = { source: tokenizers[0]!, target: tokenizers.at(-1)! };
  return {
    directory,
    pairs: sample.seen,
    tokenizers: learned.map(({ role, settings: sideSettings, size, types, coverage }) => ({
      role,
      file: join(directory, TOKENIZER_FILES[role]),
      settings: sideSettings,
      size,
      unit: sideSettings.type === 'word' ? 'words' : 'characters',
      types,
      coverage,
    })),
    train: await measure([sample.pairs], pair),
    dev: await measure(dev, pair),
  };
}

async function measure(
  blocks: AsyncIterable<readonly SentencePair[]> | Iterable<readonly SentencePair[]>,
  tokenizers: TokenizerPair,
): Promise<VocabularyReport['dev']> {
  const source = new TokenStatisticsCounter(tokenizers.source);
  const target = new TokenStatisticsCounter(tokenizers.target);
  for await (const block of blocks) {
    await Promise.all([source.add(block.map((pair) => pair.source)), target.add(block.map((pair) => pair.target))]);
  }
  return { source: source.statistics(), target: target.statistics() };
}

class TokenStatisticsCounter {
  private readonly lengths: number[] = [];
  private unknown = 0;

  constructor(private readonly tokenizer: Tokenizer) {}

  async add(texts: readonly string[]): Promise<void> {
    for (const ids of await this.tokenizer.encodeBatch(texts)) {
      this.lengths.push(ids.length);
      for (const id of ids) if (id === UNK) this.unknown++;
    }
  }

  statistics(): TokenStatistics {
    const sorted = this.lengths.sort((a, b) => a - b);
    const tokens = sorted.reduce((sum, length) => sum + length, 0);
    return {
      sentences: sorted.length,
      tokensPerSentence: {
        mean: sorted.length === 0 ? 0 : tokens / sorted.length,
        p95: sorted[Math.ceil(0.95 * sorted.length) - 1] ?? 0,
        max: sorted.at(-1) ?? 0,
      },
      unknownRate: tokens === 0 ? 0 : this.unknown / tokens,
    };
  }
}

/** Reservoir sampling: a uniform, deterministic sample of a stream. */
class PairSample {
  readonly pairs: SentencePair[] = [];
  seen = 0;
  private readonly random = new Random(0);

  constructor(private readonly size: number) {}

  add({ source, target }: SentencePair): void {
    this.seen++;
    const index = this.pairs.length < this.size ? this.pairs.length : this.random.integer(this.seen);
    if (index < this.size) this.pairs[index] = { source, target };
  }
}
