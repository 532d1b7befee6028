/**
 * Reports to stderr. Progress overwrites one line on a terminal; elsewhere it is printed at most every 15 seconds.
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
