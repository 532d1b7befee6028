import { formatPlace, UsageError, type Place } from '../errors.js';

/** One thing wrong in a configuration. */
export interface Problem {
  readonly place: Place;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** Takes note of a problem with the value at a path. */
export type Report = (path: readonly PropertyKey[], problem: Omit<Problem, 'place'>) => void;

/** All that is wrong in a configuration, found at once: first what has no line, as what was given on the command line, then line by line. */
export class ConfigError extends UsageError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const sorted = problems.toSorted((left, right) => (left.place.line ?? 0) - (right.place.line ?? 0));
    super('config', sorted.map(formatProblem).join('\n'));
    this.problems = sorted;
  }
}

/** `file:line: key: message (hint)` */
function formatProblem({ place, message, hint }: Problem): string {
  const position = formatPlace(place);
  return `${position === '' ? '' : `${position}: `}${message}${hint === undefined ? '' : ` ${hint}`}`;
}

/** `training.batch.size`, `data.train[0].source` */
export function formatKey(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  );
}
