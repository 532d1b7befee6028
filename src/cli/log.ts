import { styleText } from 'node:util';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A logger that writes plain lines to stderr. */
export class Log {
  private readonly threshold: number;
  private readonly coloured = process.stderr.isTTY && process.env['NO_COLOR'] === undefined;
  /** Wraps the writing of a line, for example to clear and redraw a progress bar. */
  around: ((write: () => void) => void) | undefined;

  constructor(readonly level: LogLevel) {
    this.threshold = LOG_LEVELS.indexOf(level);
  }

  error(text: string): void {
    this.write('error', text, 'red');
  }

  warn(text: string): void {
    this.write('warn', text, 'yellow');
  }

  info(text: string): void {
    this.write('info', text);
  }

  debug(text: string): void {
    this.write('debug', text, 'gray');
  }

  private write(level: LogLevel, text: string, colour?: 'red' | 'yellow' | 'gray'): void {
    if (LOG_LEVELS.indexOf(level) > this.threshold) return;
    const prefix = level === 'error' ? 'error: ' : level === 'warn' ? 'warning: ' : '';
    const line = `${prefix}${text}`;
    const print = (): void =>
      void process.stderr.write(`${this.coloured && colour !== undefined ? styleText(colour, line) : line}\n`);
    if (this.around === undefined) print();
    else this.around(print);
  }
}
