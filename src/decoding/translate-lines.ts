import type { DecodingConfig } from '../config/schema.js';
import type { SearchOptions } from './search.js';
import { lengthSortedBatches, translateAll } from './translate-all.js';
import type { Decodable } from '../model/model.js';
import { explainOutOfMemory, type Task, type Workload } from '../runtime/out-of-memory.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { EOS, UNK } from '../vocab/special.js';
import { copyUnknown } from './copy-unknown.js';

/** Longer lines are cut here: far beyond any sentence, and search takes time with the square of the length. */
export const MAX_SOURCE_TOKENS = 1000;

/** One translation of a line. */
export interface TranslatedHypothesis {
  /** Never holds a line feed. */
  readonly text: string;
  /** Target ids without `</s>`. */
  readonly tokens: readonly number[];
  /** Summed log-probability divided by the length to the power of the length penalty; higher is better. */
  readonly score: number;
  /** Summed log-probability, `</s>` included. */
  readonly logProbability: number;
}

/** What became of a line: its translations, best first. */
export interface Translation {
  /** At least one; for a blank line exactly one, which is the line itself. */
  readonly hypotheses: readonly [TranslatedHypothesis, ...TranslatedHypothesis[]];
  /** Whether the line held nothing to translate. */
  readonly blank: boolean;
}

export interface TranslationSettings {
  readonly model: Decodable;
  readonly tokenizers: TokenizerPair;
  readonly options: SearchOptions & Pick<DecodingConfig, 'batchTokens'>;
  /** Told of a line that was too long: its index, and how many tokens it has. */
  readonly onCut?: (index: number, tokens: number) => void;
  /** Told after each batch how many lines are done. */
  readonly onProgress?: (done: number, total: number) => void;
  /** What for, should memory run out; its `placeOf` takes the index of a line. */
  readonly task?: Task;
}

/** Characters of a line that stand for it where its place is not known. */
const EXCERPT = 40;

/**
 * Translates lines of text, one translation for every line, in order. A line without anything but white space is
 * passed through untouched and never shown to the model; one of more than `MAX_SOURCE_TOKENS` is cut there.
 *
 * @throws S2sError `out-of-memory`, naming the longest line of the batch, and what the search throws
 */
export async function translateLines(
  lines: readonly string[],
  {
    model,
    tokenizers,
    options,
    onCut,
    onProgress,
    task = { name: 'the translation', remedy: 'decoding' },
  }: TranslationSettings,
): Promise<Translation[]> {
  const translations: Translation[] = lines.map((line) => ({
    hypotheses: [{ text: line, tokens: [], score: 0, logProbability: 0 }],
    blank: true,
  }));
  const texts = lines.flatMap((line, index) =>
    line.trim() === '' ? [] : [{ index, text: withoutCarriageReturn(line) }],
  );
  const encoded = await tokenizers.source.encodeBatch(texts.map(({ text }) => text));
  // A tokenizer may leave nothing of a line, say of one with a lone control character.
  const sentences = texts.flatMap((line, i) => (encoded[i]!.length === 0 ? [] : [{ ...line, ids: encoded[i]! }]));
  for (const { index, ids } of sentences) if (ids.length > MAX_SOURCE_TOKENS) onCut?.(index, ids.length);

  const sources = sentences.map(({ ids }) => [...ids.slice(0, MAX_SOURCE_TOKENS), EOS]);
  const blank = lines.length - sentences.length;
  let translated = 0;
  const workload = (): Workload => {
    // The batches before are done, so the longest line of the one at work is the next in their order.
    const next =
      lengthSortedBatches(
        sources.map(({ length }) => length),
        Infinity,
      ).flat()[translated] ?? 0;
    const { index, ids } = sentences[next]!;
    return {
      task,
      batch: `at most ${Math.max(options.batchTokens, sources[next]!.length)} source tokens with beam ${options.beamSize}`,
      longest: {
        index,
        words: `a line of ${ids.length} tokens that begins ${JSON.stringify(lines[index]!.slice(0, EXCERPT))}`,
      },
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
    const found = results[i]!;
    // What the tokens of the source stand for is asked of the few sentences that need it.
    const copies = found.some(({ tokens }) => tokens.includes(UNK));
    const source = copies
      ? { text, spans: (await tokenizers.source.spansOf(text)).slice(0, MAX_SOURCE_TOKENS) }
      : undefined;
    const [best, ...others] = found.map(({ tokens, attention = [], score, logProbability }) => ({
      text: onOneLine(
        source === undefined
          ? tokenizers.target.decode(tokens)
          : copyUnknown({ tokens, attention }, source, tokenizers.target),
      ),
      tokens,
      score,
      logProbability,
    }));
    // Hypotheses that differ in how often <unk> stands for one word have the same text.
    const different =
      source === undefined
        ? others
        : others.filter(
            ({ text }, place) => text !== best!.text && others.findIndex((other) => other.text === text) === place,
          );
    translations[index] = { hypotheses: [best!, ...different], blank: false };
  }
  return translations;
}

/** Lines end in LF alone, so those of a text with CRLF still have the CR. */
function withoutCarriageReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** A vocabulary may hold a line feed; the output has one line for each line of input all the same. */
function onOneLine(text: string): string {
  return text.replaceAll('\n', ' ');
}
