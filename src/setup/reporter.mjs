/**
 * Tells on stderr what the setup does: lines, and on a terminal the progress in a line that is written over; elsewhere a
 * line now and then.
 *
 * @returns {import('./fetch.mjs').Reporter & { end: () => void }}
 */
export function stderrReporter() {
  const { stderr } = process;
  let open = false;
  let lastLine = Date.now();
  const end = () => {
    if (open) stderr.write('\r\x1b[K');
    open = false;
  };
  return {
    end,
    say(text) {
      end();
      stderr.write(`${text}\n`);
      lastLine = Date.now();
    },
    progress(text) {
      if (stderr.isTTY) {
        stderr.write(`\r\x1b[K${text}`);
        open = true;
      } else if (Date.now() - lastLine > 15_000) {
        stderr.write(`${text}\n`);
        lastLine = Date.now();
      }
    },
  };
}
