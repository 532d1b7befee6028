import type { DecodingConfig } from '../config/schema.js';
import type { Decodable } from '../model/model.js';
import { plural } from '../plural.js';
import { explainOutOfMemory, type Task, type Workload } from '../runtime/out-of-memory.js';
import { isInvisible, withoutCarriageReturns } from '../text/invisible.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { EOS, UNK } from '../vocab/special.js';
import { copyUnknown } from './copy-unknown.js';
import type { Hypothesis, SearchOptions } from './search.js';
import { lengthSortedBatches, translateAll } from './translate-all.js';

/** Longer lines are truncated to this many source tokens, because search time is quadratic in the length. */
export const MAX_SOURCE_TOKENS = 1000;

/** One translation of a line. */
export interface TranslatedHypothesis {
  /** Contains no line feed and no carriage return. */
  readonly text: string;
  /** Target ids without `</s>`. */
  readonly tokens: readonly number[];
  /** Summed log-probability divided by the length to the power of the length penalty; higher is better. */
  readonly score: number;
  /** Summed log-probability, `</s>` included. */
  readonly logProbability: number;
  /** False when the maximum length was reached before `</s>`. */
  readonly finished: boolean;
}

/** The translations of one line. */
export interface Translation {
  /** Source ids without `</s>`, after truncation; none for a blank line. */
  readonly source: readonly number[];
  /** Best first, at least one. A blank line has exactly one, the line itself without carriage returns. */
  readonly hypotheses: readonly [TranslatedHypothesis, ...TranslatedHypothesis[]];
  /** Whether the line has no tokens to translate. */
  readonly blank: boolean;
}

export interface TranslationSettings {
  readonly model: Decodable;
  readonly tokenizers: TokenizerPair;
  readonly options: SearchOptions & Pick<DecodingConfig, 'batchTokens'>;
  /** Called for every truncated line with its index and its full length in tokens. */
  readonly onTruncated?: (index: number, tokens: number) => void;
  /** Called after each batch with the number of finished lines. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Named in out-of-memory errors; its `placeOf` takes the index of a line. */
  readonly task?: Task;
}

/** Length in characters of the excerpt that identifies a line without a known place. */
const EXCERPT_LENGTH = 40;

/**
 * Translates lines of text and returns the results in the same order. Lines without tokens or
 * of invisible characters only, such as blank ones, are copied; lines of more than `MAX_SOURCE_TOKENS` tokens are
 * truncated. Carriage returns at the end of a line are removed, others count as spaces.
 *
 * @throws S2sError `out-of-memory`, which names the longest line of the batch, and all errors of `translateBatch`
 */
export async function translateLines(
  givenLines: readonly string[],
  {
    model,
    tokenizers,
    options,
    onTruncated,
    onProgress,
    task = { name: 'the translation', remedy: 'decoding' },
  }: TranslationSettings,
): Promise<Translation[]> {
  const lines = givenLines.map(withoutCarriageReturns);
  const translations: Translation[] = lines.map((line) => ({
    source: [],
    hypotheses: [{ text: line, tokens: [], score: 0, logProbability: 0, finished: true }],
    blank: true,
  }));
  const texts = lines.flatMap((text, index) => (isInvisible(text) ? [] : [{ index, text }]));
  const encoded = await tokenizers.source.encodeBatch(texts.map(({ text }) => text));
  // A tokenizer may remove all characters of a line.
  const sentences = texts.flatMap((line, i) => (encoded[i]!.length === 0 ? [] : [{ ...line, ids: encoded[i]! }]));
  for (const { index, ids } of sentences) if (ids.length > MAX_SOURCE_TOKENS) onTruncated?.(index, ids.length);

  const sources = sentences.map(({ ids }) => [...ids.slice(0, MAX_SOURCE_TOKENS), EOS]);
  const blank = lines.length - sentences.length;
  let translated = 0;
  const workload = (): Workload => {
    // Sentences are translated in order of falling length, so the next one is the longest of the current batch.
    const lengths = sources.map(({ length }) => length);
    const next = lengthSortedBatches(lengths, Infinity).flat()[translated] ?? 0;
    const { index, ids } = sentences[next]!;
    const maxTokens = Math.max(options.batchTokens, sources[next]!.length);
    const excerpt = JSON.stringify(lines[index]!.slice(0, EXCERPT_LENGTH));
    return {
      task,
      batch: `at most ${maxTokens} source tokens with beam size ${options.beamSize}`,
      longest: { index, description: `a line of ${plural(ids.length, 'token')} that begins with ${excerpt}` },
    };
  };
  const onBatch = (done: number): void => {
    translated = done;
    onProgress?.(done + blank, lines.length);
  };
  const results = await translateAll(model, sources, options, onBatch).catch((error: unknown) => {
    throw explainOutOfMemory(error, workload);
  });
  for (const [i, { index, text }] of sentences.entries()) {
    const hypotheses = await detokenize(results[i]!, text, tokenizers);
    translations[index] = { source: sources[i]!.slice(0, -1), hypotheses, blank: false };
  }
  return translations;
}

async function detokenize(
  hypotheses: readonly Hypothesis[],
  sourceText: string,
  { source, target }: TokenizerPair,
): Promise<Translation['hypotheses']> {
  // Spans are computed only for the few sentences with <unk>.
  const spans = hypotheses.some(({ tokens }) => tokens.includes(UNK))
    ? (await source.spansOf(sourceText)).slice(0, MAX_SOURCE_TOKENS)
    : undefined;
  const [best, ...others] = hypotheses.map(({ tokens, attention = [], ...scores }) => {
    const text =
      spans === undefined
        ? target.decode(tokens)
        : copyUnknown({ tokens, attention }, { text: sourceText, spans }, target);
    return { text: onOneLine(text), tokens, ...scores };
  });
  if (spans === undefined) return [best!, ...others];
  // Hypotheses that differ only in the number of <unk> for one word have the same text.
  const texts = new Set([best!.text]);
  const distinct = others.filter(({ text }) => !texts.has(text) && texts.add(text));
  return [best!, ...distinct];
}

/** A vocabulary may contain line ends, but the output must have one line per input line. */
function onOneLine(text: string): string {
  return text.replace(/[\r\n]/g, ' ');
}
