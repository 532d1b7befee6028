import { relative } from 'node:path';

/**
 * @typedef {{ type: string, data: { name?: string, file?: string, line?: number, nesting?: number, message?: string, details?: { error?: Error & { cause?: unknown }, type?: string } } }} TestEvent
 */

/**
 * A reporter for Node's test runner: a dot for each test, failures in full, and the runner's closing lines.
 *
 * @param {AsyncIterable<TestEvent>} events
 */
export default async function* report(events) {
  let dots = 0;
  const lineEnd = () => (dots % 100 === 0 ? '' : '\n');
  for await (const { type, data } of events) {
    if (type === 'test:pass' && data.details?.type !== 'suite') {
      yield ++dots % 100 === 0 ? '.\n' : '.';
    } else if (type === 'test:fail') {
      const error = data.details?.error;
      const cause = error?.cause ?? error;
      // A suite fails because a test in it has, which has been told.
      if ((cause instanceof Error && /subtests? failed/.test(cause.message)) || /subtests? failed/.test(String(cause)))
        continue;
      const place = data.file === undefined ? '' : ` (${relative(process.cwd(), data.file)}:${data.line})`;
      yield `${lineEnd()}\nfailed: ${data.name}${place}\n${cause instanceof Error ? cause.stack : String(cause)}\n\n`;
      dots = 0;
    } else if (type === 'test:stderr' || type === 'test:stdout') {
      if (data.message !== undefined && data.message.trim() !== '') yield data.message;
    } else if (type === 'test:diagnostic' && data.nesting !== 0) {
      // What a test measured.
      yield `${lineEnd()}# ${data.message}\n`;
      dots = 0;
    } else if (type === 'test:diagnostic') {
      // tests, suites, pass, fail, cancelled, skipped, todo, duration_ms
      if (data.message?.startsWith('tests ')) yield `${lineEnd()}\n`;
      yield `# ${data.message}\n`;
    }
  }
}
