import { S2sError } from '../errors.js';
import { readLines } from '../text/lines.js';
import type { Tokenizer } from '../text/tokenizer.js';
import { EOS, UNK } from '../vocab/special.js';

/** Parameters of a Weibull distribution, clipped to the range from `minimum` to `maximum`. */
const LENGTHS = { scale: 16, shape: 2.2, minimum: 5, maximum: 30 } as const;

/**
 * Returns the lengths of synthetic sentences in tokens, `</s>` included, in ascending order: quantiles of a Weibull
 * distribution from 5 to 30 tokens with a median of 14, similar to captions and talks. Must equal those of
 * bench/workload.py.
 */
export function syntheticLengths(sentences: number): number[] {
  const { scale, shape, minimum, maximum } = LENGTHS;
  return Array.from({ length: sentences }, (_, index) => {
    const quantile = scale * (-Math.log(1 - (index + 0.5) / sentences)) ** (1 / shape);
    return Math.min(maximum, Math.max(minimum, Math.round(quantile)));
  });
}

/**
 * Reads the sentences of a tokenised text. Blank lines are ignored.
 *
 * @param file one sentence per line, its tokens separated by spaces as in the output of `s2s tokenize`; may be gzipped
 * @throws S2sError if the file cannot be read or contains no sentence
 */
export async function readTokenized(file: string): Promise<string[][]> {
  const sentences: string[][] = [];
  for await (const line of readLines(file)) {
    // Only spaces separate tokens: other white space may be a token.
    const tokens = line.split(' ').filter((token) => token !== '');
    if (tokens.length > 0) sentences.push(tokens);
  }
  if (sentences.length > 0) return sentences;
  throw new S2sError('no-sentences', 'this file contains no sentence', {
    place: { file },
    hint: 'It should have one tokenised sentence per line, as in the output of s2s tokenize.',
  });
}

/** The lengths of the sentences of `readTokenized`, `</s>` included. */
export async function readSentenceLengths(file: string): Promise<number[]> {
  return (await readTokenized(file)).map(({ length }) => length + 1);
}

/** The ids of tokenised sentences, followed by `</s>`; tokens that are not in the vocabulary are `<unk>`. */
export function idsOf(
  sentences: readonly (readonly string[])[],
  tokenizer: Pick<Tokenizer, 'vocabularySize' | 'tokenOf'>,
): number[][] {
  const ids = new Map(Array.from({ length: tokenizer.vocabularySize }, (_, id) => [tokenizer.tokenOf(id), id]));
  return sentences.map((tokens) => [...tokens.map((token) => ids.get(token) ?? UNK), EOS]);
}
