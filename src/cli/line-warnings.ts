import { plural } from '../plural.js';
import { MAX_LINE_BYTES, type ReadLineOptions } from '../text/lines.js';
import type { Log } from './log.js';

/** Only the first lines of each kind are named: a file in another encoding may have millions. */
const NAMED = 3;

const LATIN_1 =
  'If the text is in another encoding, convert it first, for example: iconv -f latin1 -t utf-8 < old > new';

/** Warns about lines of text files or stdin that cannot be read as they are, but do not end the command. */
export class LineWarnings {
  private skipped = 0;
  private invalid = 0;

  constructor(private readonly log: Log) {}

  /**
   * The callbacks for reading a file.
   *
   * @param file path, or `-` for stdin
   */
  of(file: string): Required<Pick<ReadLineOptions, 'onSkipped' | 'onInvalid'>> {
    const place = (line: number): string => `${file === '-' ? 'stdin' : file}:${line}`;
    return {
      onSkipped: (line) => {
        if (++this.skipped <= NAMED)
          this.log.warn(
            `${place(line)}: skipped a line longer than ${MAX_LINE_BYTES} bytes; the output has an empty line instead`,
          );
      },
      onInvalid: (line) => {
        if (++this.invalid <= NAMED)
          this.log.warn(`${place(line)}: the line is not valid UTF-8: each invalid byte is read as U+FFFD`);
      },
    };
  }

  /** Warns about the number of lines at the end of the input. */
  finish(): void {
    if (this.skipped > NAMED)
      this.log.warn(`${plural(this.skipped, 'line')} skipped, each longer than ${MAX_LINE_BYTES} bytes`);
    if (this.invalid > 0)
      this.log.warn(`${plural(this.invalid, 'line')} ${this.invalid === 1 ? 'is' : 'are'} not valid UTF-8. ${LATIN_1}`);
  }
}
