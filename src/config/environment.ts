import { parse } from 'yaml';
import { isNumberOrBoolean } from './keys.js';
import type { Report } from './problems.js';

/** `${NAME}` or `${NAME:-default}`; after one more `$` the text itself is meant. */
const REFERENCE = /(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/** Whether a text takes its beginning from the environment: such a path is relative to the working directory. */
export function startsFromEnvironment(text: unknown): boolean {
  return typeof text === 'string' && /^\$\{[A-Za-z_]/.test(text);
}

/**
 * Fills `${NAME}` and `${NAME:-default}` in every text of a value from the environment. Where the configuration wants
 * a number or a truth value, the text that results is read as one. `$${NAME}` stands for the text `${NAME}`.
 *
 * @param report told of each variable that is neither set nor has a default
 */
export function fillFromEnvironment(
  value: unknown,
  environment: NodeJS.ProcessEnv,
  report: Report,
  path: readonly PropertyKey[] = [],
): unknown {
  if (typeof value === 'string') return fillText(value, environment, report, path);
  if (Array.isArray(value))
    return value.map((item, index) => fillFromEnvironment(item, environment, report, [...path, index]));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, fillFromEnvironment(item, environment, report, [...path, key])]),
    );
  }
  return value;
}

/** A value with every text written so that `fillFromEnvironment` gives it back as it is. */
export function protectFromEnvironment(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(REFERENCE, (whole) => `$${whole}`);
  if (Array.isArray(value)) return value.map(protectFromEnvironment);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, protectFromEnvironment(item)]));
  return value;
}

function fillText(text: string, environment: NodeJS.ProcessEnv, report: Report, path: readonly PropertyKey[]): unknown {
  const filled = text.replace(REFERENCE, (whole, protection: string, name: string, fallback: string | undefined) => {
    if (protection !== '') return whole.slice(1);
    const found = environment[name];
    if (found !== undefined && found !== '') return found;
    if (fallback !== undefined) return fallback;
    report(path, {
      message: `the environment variable ${name} is not set.`,
      hint: `Set it (${name}=... s2s ...), or give a default: \${${name}:-value}.`,
    });
    return whole;
  });
  return filled !== text && isNumberOrBoolean(path) ? readScalar(filled) : filled;
}

function readScalar(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    return text;
  }
}
