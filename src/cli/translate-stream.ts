import { S2sError } from '../errors.js';
import type { Translation } from '../decoding/translate-lines.js';
import { formatTranslation, type OutputOptions } from './translation-output.js';

export interface TranslateStreamOptions {
  /** Lines of input, in blocks. */
  readonly blocks: AsyncIterable<readonly string[]>;
  /** Translates a block, whose first line has this index in the whole input, from 0. */
  readonly translate: (lines: readonly string[], firstIndex: number) => Promise<readonly Translation[]>;
  readonly output: OutputOptions;
  /** Resolves when the text has been handed on. */
  readonly write: (text: string) => Promise<void>;
}

/**
 * Translates block after block and writes each as soon as it is done.
 *
 * @returns the number of lines
 * @throws S2sError `lines-lost` should there ever be more or fewer translations than lines
 */
export async function translateStream({ blocks, translate, output, write }: TranslateStreamOptions): Promise<number> {
  let linesIn = 0;
  let linesOut = 0;
  for await (const lines of blocks) {
    const translations = await translate(lines, linesIn);
    const printed = translations.map((translation, i) =>
      formatTranslation(linesIn + i, lines[i] ?? '', translation, output),
    );
    await write(printed.join(''));
    linesIn += lines.length;
    linesOut += printed.length;
    if (linesOut !== linesIn)
      throw new S2sError(
        'lines-lost',
        `${linesIn} lines were read, but ${linesOut} translations written: the output does not match the input`,
      );
  }
  return linesIn;
}
