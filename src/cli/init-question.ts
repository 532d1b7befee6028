import { createInterface } from 'node:readline/promises';
import { UsageError } from '../errors.js';
import type { Sides } from '../init/layout.js';

/** The answer to whether source and target are right: `undefined` if they are. */
export function parseAnswer(answer: string, sides: Sides, columns: number): Sides | undefined | 'invalid' {
  const text = answer.trim().toLowerCase();
  if (text === '' || text === 'y' || text === 'yes') return undefined;
  if (text === 's' || text === 'swap') return { source: sides.target, target: sides.source };
  const numbers = /^(\d+)[\s,]+(\d+)$/.exec(text);
  const [source, target] = [Number(numbers?.[1]) - 1, Number(numbers?.[2]) - 1];
  const isColumn = (index: number): boolean => index >= 0 && index < columns;
  return isColumn(source) && isColumn(target) && source !== target ? { source, target } : 'invalid';
}

/**
 * Asks a question on a terminal.
 *
 * @throws UsageError `init-cancelled` after Ctrl-C or the end of the input
 */
export async function ask(
  question: string,
  input: NodeJS.ReadableStream = process.stdin,
  output: NodeJS.WritableStream = process.stderr,
): Promise<string> {
  const terminal = createInterface({ input, output });
  const closed = new AbortController();
  terminal.once('close', () => closed.abort());
  try {
    return await terminal.question(question, { signal: closed.signal });
  } catch (error) {
    if (!closed.signal.aborted) throw error;
    output.write('\n');
    throw new UsageError('init-cancelled', 'Cancelled: no configuration was written.');
  } finally {
    terminal.close();
  }
}
