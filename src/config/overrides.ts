import { parse } from 'yaml';
import { UsageError } from '../errors.js';
import { plural } from '../plural.js';
import { formatKey, type Report } from './problems.js';

/** A value from the command line that replaces the value at a path of the configuration. */
export interface Override {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
  /** The place in error messages: `--set`, or `command line` for other options. */
  readonly origin: string;
}

/**
 * Parses `key.path=value`: list items by index from 0 (`data.train.0.weight=2`), the value as YAML.
 *
 * @throws UsageError `bad-set`
 */
export function parseOverride(text: string): Override {
  const equals = text.indexOf('=');
  const parts = text
    .slice(0, equals)
    .split('.')
    .map((part) => part.trim());
  if (equals < 1 || parts.includes('')) {
    throw new UsageError('bad-set', `--set ${text}: is not of the form key.path=value.`, {
      hint: 'For example: --set training.batch.size=4096',
    });
  }
  try {
    return {
      path: parts.map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
      value: parse(text.slice(equals + 1)) as unknown,
      origin: '--set',
    };
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    throw new UsageError('bad-set', `--set ${text}: the value cannot be parsed: ${reason}`, {
      hint: `Quote it: --set '${parts.join('.')}="..."'`,
      cause: error,
    });
  }
}

/**
 * Returns a copy of a configuration with an override applied. Missing mappings and lists on the path are created.
 *
 * @param report receives an override that cannot be applied: a key of a list or scalar, or an index past the next item
 */
export function applyOverride(value: unknown, override: Override, report: Report): unknown {
  return replaced(value, 0);

  function replaced(current: unknown, depth: number): unknown {
    const key = override.path[depth];
    if (key === undefined) return override.value;
    const holder = current ?? (typeof key === 'number' ? [] : {});
    const problem = problemOf(holder, key, override.path.slice(0, depth));
    if (problem !== undefined) {
      report(override.path, problem);
      return current;
    }
    if (Array.isArray(holder)) {
      const items = [...(holder as unknown[])];
      items[Number(key)] = replaced(items[Number(key)], depth + 1);
      return items;
    }
    const group = holder as Record<string, unknown>;
    return { ...group, [key]: replaced(Object.hasOwn(group, key) ? group[key] : undefined, depth + 1) };
  }
}

/** Why a value cannot have a key; undefined if it can. */
function problemOf(
  holder: unknown,
  key: string | number,
  parent: readonly PropertyKey[],
): { message: string; hint?: string } | undefined {
  const name = parent.length === 0 ? 'the configuration' : formatKey(parent);
  if (Array.isArray(holder)) {
    if (typeof key !== 'number')
      return {
        message: `cannot be set: ${name} is a list.`,
        hint: `Give the index of its item, from 0: ${[...parent, 0, key].join('.')}=...`,
      };
    if (key > holder.length)
      return {
        message: `cannot be set: ${name} has ${plural(holder.length, 'item')}.`,
        hint: `The next is ${[...parent, holder.length].join('.')}.`,
      };
    return undefined;
  }
  return typeof holder === 'object'
    ? undefined
    : { message: `cannot be set: ${name} is a single value and has no keys.` };
}
