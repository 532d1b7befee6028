import type { Readable } from 'node:stream';
import { S2sError } from '../errors.js';
import { readLineBlocks, type ReadLineOptions } from './lines.js';
import type { Tokenizer } from './tokenizer.js';

/** Direction of the conversion, and whether tokens are strings or ids. */
export interface Conversion {
  readonly direction: 'tokenize' | 'detokenize';
  readonly as: 'tokens' | 'ids';
}

/**
 * Tokenises or detokenises a text line by line, as it arrives. Tokens are separated by single spaces, which no token
 * contains, so detokenising is the exact inverse except for normalisation.
 *
 * @param input path or stream, as for `readLineBlocks`
 * @param options what to do with lines that are too long or not valid UTF-8, as for `readLineBlocks`
 * @returns blocks of converted lines, each ending in LF
 * @throws S2sError `not-an-id` with file and line; see also `readLineBlocks`
 */
export async function* convertText(
  input: string | Readable,
  tokenizer: Tokenizer,
  conversion: Conversion,
  options: ReadLineOptions = {},
): AsyncGenerator<string> {
  let before = 0;
  for await (const lines of readLineBlocks(input, options)) {
    const place = (index: number) => ({ file: typeof input === 'string' ? input : 'stdin', line: before + index + 1 });
    const converted =
      conversion.direction === 'tokenize'
        ? await tokenizeLines(lines, tokenizer, conversion.as)
        : lines.map((line, index) => {
            const tokens = line.split(' ').filter((token) => token !== '');
            if (conversion.as === 'tokens') return tokenizer.detokenize(tokens);
            return tokenizer.decode(
              tokens.map((token) => parseId(token, tokenizer.vocabularySize, () => place(index))),
            );
          });
    before += lines.length;
    yield converted.map((line) => `${line}\n`).join('');
  }
}

async function tokenizeLines(lines: readonly string[], tokenizer: Tokenizer, as: Conversion['as']): Promise<string[]> {
  const tokens: (string | number)[][] = await (as === 'ids'
    ? tokenizer.encodeBatch(lines)
    : tokenizer.tokenizeBatch(lines));
  return tokens.map((line) => line.join(' '));
}

function parseId(token: string, size: number, place: () => { file: string; line: number }): number {
  const id = /^\d+$/.test(token) ? Number(token) : NaN;
  if (id < size) return id;
  throw new S2sError('not-an-id', `${JSON.stringify(token)} is not a token id from 0 to ${size - 1}`, {
    place: place(),
  });
}
