import { mock } from 'node:test';

/** What an action writes to stderr. */
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
