import { S2sError } from '../errors.js';
import type { Translation } from '../decoding/translate-lines.js';
import { plural } from '../plural.js';
import { formatTranslation, type OutputOptions } from './translation-output.js';

export interface TranslateStreamOptions {
  /** Blocks of input lines. */
  readonly blocks: AsyncIterable<readonly string[]>;
  /** @param firstIndex index of the first line of the block in the whole input, from 0 */
  readonly translate: (lines: readonly string[], firstIndex: number) => Promise<readonly Translation[]>;
  readonly output: OutputOptions;
  /**
   * Resolves when the text has been written.
   *
   * @param translations what the text shows; `firstIndex` is the index of their first line
   */
  readonly write: (text: string, translations: readonly Translation[], firstIndex: number) => Promise<void>;
}

/**
 * Translates blocks of lines and writes the translations of each block when it is finished.
 *
 * @returns the number of lines
 * @throws S2sError `lines-lost` if the number of translations differs from the number of lines
 */
export async function translateStream({ blocks, translate, output, write }: TranslateStreamOptions): Promise<number> {
  let linesIn = 0;
  let linesOut = 0;
  for await (const lines of blocks) {
    const translations = await translate(lines, linesIn);
    const printed = translations.map((translation, i) =>
      formatTranslation(linesIn + i, lines[i] ?? '', translation, output),
    );
    await write(printed.join(''), translations, linesIn);
    linesIn += lines.length;
    linesOut += printed.length;
    if (linesOut !== linesIn)
      throw new S2sError(
        'lines-lost',
        `read ${plural(linesIn, 'line')}, but wrote ${plural(linesOut, 'translation')}: the output is not aligned`,
      );
  }
  return linesIn;
}
