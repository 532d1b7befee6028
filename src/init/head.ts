import { readLineBlocks } from '../text/lines.js';

const MAX_LINES = 1000;

/** The first lines of a file, without line ends. */
export interface Head {
  readonly lines: readonly string[];
  /** Whether the file has more lines. */
  readonly truncated: boolean;
}

/** @throws S2sError like `readLineBlocks` */
export async function readHead(file: string): Promise<Head> {
  const lines: string[] = [];
  for await (const block of readLineBlocks(file)) {
    for (const line of block) lines.push(line.replace(/\r$/, ''));
    if (lines.length > MAX_LINES) break;
  }
  return { lines: lines.slice(0, MAX_LINES), truncated: lines.length > MAX_LINES };
}
