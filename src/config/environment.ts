import { parse } from 'yaml';
import { isNumberOrBoolean } from './keys.js';
import type { Report } from './problems.js';

/** `${NAME}` or `${NAME:-default}`; a preceding `$` escapes it. */
const REFERENCE = /(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/** Whether a value begins with an environment variable; such a path is relative to the working directory. */
export function startsWithVariable(value: unknown): boolean {
  return typeof value === 'string' && /^\$\{[A-Za-z_]/.test(value);
}

/**
 * Substitutes `${NAME}` and `${NAME:-default}` in all strings of a value with environment variables; `$${NAME}` becomes
 * `${NAME}`. A substituted string is parsed as a number or boolean if its setting requires one.
 *
 * @param report receives each variable that is unset or empty and has no default
 */
export function substituteVariables(
  value: unknown,
  environment: NodeJS.ProcessEnv,
  report: Report,
  path: readonly PropertyKey[] = [],
): unknown {
  if (typeof value === 'string') return substituteInString(value, environment, report, path);
  if (Array.isArray(value))
    return value.map((item, index) => substituteVariables(item, environment, report, [...path, index]));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, substituteVariables(item, environment, report, [...path, key])]),
    );
  }
  return value;
}

/** Escapes all strings of a value, so that `substituteVariables` returns it unchanged. */
export function escapeVariables(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(REFERENCE, (whole) => `$${whole}`);
  if (Array.isArray(value)) return value.map(escapeVariables);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escapeVariables(item)]));
  return value;
}

function substituteInString(
  text: string,
  environment: NodeJS.ProcessEnv,
  report: Report,
  path: readonly PropertyKey[],
): unknown {
  const result = text.replace(REFERENCE, (whole, escape: string, name: string, fallback: string | undefined) => {
    if (escape !== '') return whole.slice(1);
    const found = environment[name];
    if (found !== undefined && found !== '') return found;
    if (fallback !== undefined) return fallback;
    report(path, {
      message: `the environment variable ${name} is not set.`,
      hint: `Set it (${name}=... s2s ...), or give a default: \${${name}:-value}.`,
    });
    return whole;
  });
  return result !== text && isNumberOrBoolean(path) ? parseScalar(result) : result;
}

function parseScalar(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    return text;
  }
}
