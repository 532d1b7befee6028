import { mock } from 'node:test';

/** Returns the text that a function writes to stderr. */
export function stderrOf(action: () => void): string {
  let written = '';
  const write = mock.method(process.stderr, 'write', (text: string) => {
    written += text;
    return true;
  });
  try {
    action();
  } finally {
    write.mock.restore();
  }
  return written;
}
