import { parse } from 'yaml';
import { UsageError } from '../errors.js';

/** One `--set key.path=value`. */
export interface Setting {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/**
 * Parses `key.path=value`: list items by number (`data.train.0.weight=2`), the value as YAML.
 *
 * @throws UsageError `bad-set`
 */
export function parseSetting(text: string): Setting {
  const equals = text.indexOf('=');
  const key = text.slice(0, equals).trim();
  if (equals < 1 || key.split('.').some((part) => part === '')) {
    throw new UsageError('bad-set', `--set ${text}: is not of the form key.path=value.`, { hint: 'For example: --set training.batch.size=4096' });
  }
  try {
    return { path: key.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part)), value: parse(text.slice(equals + 1)) as unknown };
  } catch (error) {
    throw new UsageError('bad-set', `--set ${text}: the value cannot be read: ${(error as Error).message.split('\n')[0]}`, { hint: 'Quote it.', cause: error });
  }
}

/** The value with one setting changed; the value given stays as it is. */
export function withSetting(value: unknown, { path, value: replacement }: Setting): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return replacement;
  const inner = (held: unknown): unknown => withSetting(held, { path: rest, value: replacement });
  if (Array.isArray(value) && typeof key === 'number') {
    const copy: unknown[] = [...(value as unknown[])];
    copy[key] = inner(copy[key]);
    return copy;
  }
  const holder = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  return { ...holder, [key]: inner(Object.hasOwn(holder, key) ? holder[key] : undefined) };
}
