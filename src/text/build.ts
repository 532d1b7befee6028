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

/** A sentence and its translation. */
export interface SentencePair {
  readonly source: string;
  readonly target: string;
}

/** One learned tokenizer. */
export interface TokenizerReport {
  readonly role: TokenizerRole;
  readonly file: string;
  readonly settings: LearnSettings;
  /** Number of ids, special symbols included; below `settings.size` where the text has no more. */
  readonly size: number;
  /** What `types` and `coverage` count. */
  readonly unit: 'characters' | 'words';
  /** Distinct characters or words of the training text inside and outside the vocabulary. */
  readonly types: { readonly kept: number; readonly left: number };
  /** Share of the running characters or words of the training text in the vocabulary, 0 to 1. */
  readonly coverage: number;
}

/** How a split looks in tokens. */
export interface TokenStatistics {
  readonly sentences: number;
  /** Tokens in a sentence, `</s>` not counted. */
  readonly tokensPerSentence: { readonly mean: number; readonly p95: number; readonly max: number };
  /** Share of `<unk>` among the tokens, 0 to 1. */
  readonly unknownRate: number;
}

/** What `buildVocabulary` made. */
export interface VocabularyReport {
  readonly directory: string;
  /** Pairs of training text. */
  readonly pairs: number;
  readonly tokenizers: readonly TokenizerReport[];
  /** Of the training text, or of a random sample of it when it is large. */
  readonly train: { readonly source: TokenStatistics; readonly target: TokenStatistics };
  /** Of the development text. */
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
  /** Training text in blocks; it is read once. */
  readonly train: AsyncIterable<readonly SentencePair[]>;
  readonly dev: AsyncIterable<readonly SentencePair[]>;
  /** What identifies the content of the training text, see `vocabularyState`. */
  readonly trainingText: string;
  /** Which existing files may change; only those that s2s wrote when not given. */
  readonly replace?: Replaceable | undefined;
  readonly onEvent?: (event: VocabularyEvent) => void;
}

/** Most training pairs that the report measures tokens on. */
const SAMPLE_PAIRS = 50_000;

/**
 * Learns the tokenizers that the settings ask for from the training text, writes them and their record into a folder,
 * and reports how they fit.
 *
 * @throws S2sError `no-text` when the training text is empty; `tokenizer-foreign` or `tokenizer-kept` when an existing
 *   file would change that may not
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
  // Checked again when the files are written: only then is it known which of them stay the same.
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

/** Token statistics of both sides of a text. */
async function measure(
  blocks: AsyncIterable<readonly SentencePair[]> | Iterable<readonly SentencePair[]>,
  tokenizers: TokenizerPair,
): Promise<VocabularyReport['dev']> {
  const source = new TokenMeter(tokenizers.source);
  const target = new TokenMeter(tokenizers.target);
  for await (const block of blocks) {
    await Promise.all([source.add(block.map((pair) => pair.source)), target.add(block.map((pair) => pair.target))]);
  }
  return { source: source.statistics(), target: target.statistics() };
}

class TokenMeter {
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

/** A uniform sample of a stream (reservoir sampling), the same for the same text. */
class PairSample {
  readonly pairs: SentencePair[] = [];
  seen = 0;
  private readonly random = new Random(0);

  constructor(private readonly size: number) {}

  add({ source, target }: SentencePair): void {
    this.seen++;
    const place = this.pairs.length < this.size ? this.pairs.length : this.random.integer(this.seen);
    if (place < this.size) this.pairs[place] = { source, target };
  }
}
