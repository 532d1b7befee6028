import { relative } from 'node:path';

/** @typedef {{ error?: Error & { cause?: unknown }, type?: string }} Details */
/**
 * @typedef {{ name?: string, file?: string, line?: number, nesting?: number, message?: string, details?: Details }}
 * Data
 */
/** @typedef {{ type: string, data: Data }} TestEvent */

/**
 * A reporter for Node's test runner that prints a dot per passed test, failures in full, and the summary.
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
      // A suite fails because of a failed test, which has been reported.
      if ((cause instanceof Error && /subtests? failed/.test(cause.message)) || /subtests? failed/.test(String(cause)))
        continue;
      const place = data.file === undefined ? '' : ` (${relative(process.cwd(), data.file)}:${data.line})`;
      yield `${lineEnd()}\nfailed: ${data.name}${place}\n${cause instanceof Error ? cause.stack : String(cause)}\n\n`;
      dots = 0;
    } else if (type === 'test:stderr' || type === 'test:stdout') {
      if (data.message !== undefined && data.message.trim() !== '') yield data.message;
    } else if (type === 'test:diagnostic' && data.nesting !== 0) {
      // Diagnostics of a test, such as measurements.
      yield `${lineEnd()}# ${data.message}\n`;
      dots = 0;
    } else if (type === 'test:diagnostic') {
      // The summary: tests, suites, pass, fail, cancelled, skipped, todo, duration_ms.
      if (data.message?.startsWith('tests ')) yield `${lineEnd()}\n`;
      yield `# ${data.message}\n`;
    }
  }
}
