import { open, type FileHandle } from 'node:fs/promises';
import type { Translation } from '../decoding/translate-lines.js';
import { systemError } from '../errors.js';
import { assertAttention, attentionMaps, type AttentionMap } from '../translation/attention-maps.js';
import type { LoadedRun } from '../translation/load-run.js';

/** Decimals of the weights in the file. */
const DECIMALS = 6;

/** A file with the attention weights of translations, one line of JSON for each. */
export class AttentionFile {
  constructor(
    private readonly file: string,
    private readonly handle: FileHandle,
    private readonly run: Pick<LoadedRun, 'model' | 'tokenizers'>,
  ) {}

  /**
   * Computes the attention weights of the best translations and appends them.
   *
   * @param firstIndex index of the first line in the whole input, from 0
   * @throws S2sError of `systemError` if the file cannot take them, such as on a full disk
   */
  async write(translations: readonly Translation[], firstIndex: number): Promise<void> {
    const maps = await attentionMaps(translations, this.run);
    const text = maps.map((map, i) => formatAttention(firstIndex + i, map)).join('');
    await this.handle.appendFile(text).catch((error: unknown) => {
      throw systemError(error, { file: this.file, note: 'the attention weights there are not complete' });
    });
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/**
 * Opens a new file, or overwrites an old one.
 *
 * @throws UsageError `no-attention` if the model has no attention; the file is then unchanged; S2sError of
 *   `systemError` if it cannot be opened
 */
export async function openAttentionFile(file: string, run: LoadedRun): Promise<AttentionFile> {
  assertAttention(run.model);
  const handle = await open(file, 'w').catch((error: unknown) => {
    throw systemError(error, { file });
  });
  return new AttentionFile(file, handle, run);
}

/**
 * One line of JSON: `line` from 1, `source` and `target` as lists of tokens, `weights` as a list of rows.
 *
 * @param index index of the line in the whole input, from 0
 */
export function formatAttention(index: number, { source, target, weights }: AttentionMap): string {
  const rows = weights.map((row) => Array.from(row, (weight) => Number(weight.toFixed(DECIMALS))));
  return `${JSON.stringify({ line: index + 1, source, target, weights: rows })}\n`;
}
