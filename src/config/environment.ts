import type { Problem } from './problems.js';

/** `${NAME}` or `${NAME:-default}` */
const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/** Whether a text takes its beginning from the environment: such a path is relative to the working directory. */
export function startsFromEnvironment(text: unknown): boolean {
  return typeof text === 'string' && /^\$\{[A-Za-z_]/.test(text);
}

/**
 * Fills `${NAME}` and `${NAME:-default}` in every text of a value from the environment.
 *
 * @param report told of each variable that is neither set nor has a default
 */
export function fillFromEnvironment(
  value: unknown,
  environment: NodeJS.ProcessEnv,
  report: (path: readonly PropertyKey[], problem: Omit<Problem, 'place'>) => void,
  path: readonly PropertyKey[] = [],
): unknown {
  if (typeof value === 'string') {
    return value.replace(REFERENCE, (whole, name: string, fallback: string | undefined) => {
      const found = environment[name];
      if (found !== undefined && found !== '') return found;
      if (fallback !== undefined) return fallback;
      report(path, { message: `the environment variable ${name} is not set.`, hint: `Set it (${name}=... s2s ...), or give a default: \${${name}:-value}.` });
      return whole;
    });
  }
  if (Array.isArray(value)) return value.map((item, index) => fillFromEnvironment(item, environment, report, [...path, index]));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillFromEnvironment(item, environment, report, [...path, key])]));
  }
  return value;
}
