import type { CorpusConfig } from '../config/schema.js';
import { comparableText } from '../data/comparable-text.js';
import { readPairs } from '../data/corpus.js';
import { UsageError } from '../errors.js';
import { plural } from '../plural.js';

/** Pairs held out for each of dev and test: this fraction of the text, at most `MAX_HELD_OUT`. */
const HELD_OUT_SHARE = 0.05;
const MAX_HELD_OUT = 1000;
/** More different texts need not be counted. */
const MAX_COUNTED = MAX_HELD_OUT / HELD_OUT_SHARE;
/** The fewest pairs of which one each can be held out for dev and test, with half of them left for training. */
const LEAST_PAIRS = 4;

export interface Survey {
  /** Pairs with text on both sides. */
  readonly pairs: number;
  /** Different source texts, at most `MAX_COUNTED`. */
  readonly texts: number;
}

/**
 * Reads a whole corpus and counts its pairs.
 *
 * @throws UsageError `init-too-small`; S2sError like `readPairs`
 */
export async function surveyCorpus(corpus: CorpusConfig): Promise<Survey> {
  const texts = new Set<string>();
  let pairs = 0;
  for await (const block of readPairs([corpus])) {
    for (const { source, target } of block) {
      if (source.trim() === '' || target.trim() === '') continue;
      pairs++;
      if (texts.size < MAX_COUNTED) texts.add(comparableText(source));
    }
  }
  if (texts.size >= LEAST_PAIRS) return { pairs, texts: texts.size };
  throw new UsageError(
    'init-too-small',
    `has ${plural(pairs, 'pair')} with text on both sides, and ${plural(texts.size, 'different source text')}: too few`,
    {
      place: { file: corpus.file ?? corpus.source },
      hint: `At least ${LEAST_PAIRS} are needed, and some thousands to learn anything.`,
    },
  );
}

/**
 * The number of pairs to hold out for dev and test.
 *
 * @param given numbers that the user chose; 0 for no test set
 * @throws UsageError if less than half of the pairs would remain for training
 */
export function heldOutSizes(
  { pairs, texts }: Survey,
  given: { readonly dev: number | undefined; readonly test: number | undefined },
): { dev: number; test: number } {
  const usual = Math.min(MAX_HELD_OUT, Math.max(1, Math.floor(HELD_OUT_SHARE * texts)));
  const { dev = usual, test = usual } = given;
  if (2 * (dev + test) <= pairs) return { dev, test };
  throw new UsageError('usage', `--dev and --test would hold out ${dev + test} of ${plural(pairs, 'pair')}.`, {
    hint: `At least half of them must remain for training: hold out at most ${Math.floor(pairs / 2)} in total.`,
  });
}
