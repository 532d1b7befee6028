import { parse } from 'yaml';
import { UsageError } from '../errors.js';
import { formatKey, type Report } from './problems.js';

/** A value given on the command line for one key. */
export interface Setting {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
  /** What messages call the place: `--set`, or `command line` for a flag of its own. */
  readonly origin: string;
}

/**
 * Parses `key.path=value`: list items by number from 0 (`data.train.0.weight=2`), the value as YAML.
 *
 * @throws UsageError `bad-set`
 */
export function parseSetting(text: string): Setting {
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
    throw new UsageError(
      'bad-set',
      `--set ${text}: the value cannot be read: ${(error as Error).message.split('\n')[0]}`,
      { hint: `Quote it: --set '${parts.join('.')}="..."'`, cause: error },
    );
  }
}

/**
 * The value with one setting changed; the value given stays as it is.
 *
 * @param report told where the setting fits nowhere: a key in a list or in a single value, an item far beyond the last
 */
export function withSetting(value: unknown, setting: Setting, report: Report): unknown {
  return changed(value, setting.path, 0);

  function changed(held: unknown, path: Setting['path'], depth: number): unknown {
    const key = path[depth];
    if (key === undefined) return setting.value;
    // A missing holder comes into being as what the key asks for.
    const holder = held ?? (typeof key === 'number' ? [] : {});
    const refused = refusal(holder, key, path.slice(0, depth));
    if (refused !== undefined) {
      report(path, refused);
      return held;
    }
    if (Array.isArray(holder)) {
      const items = [...(holder as unknown[])];
      items[Number(key)] = changed(items[Number(key)], path, depth + 1);
      return items;
    }
    const group = holder as Record<string, unknown>;
    return { ...group, [key]: changed(Object.hasOwn(group, key) ? group[key] : undefined, path, depth + 1) };
  }
}

/** Why a value cannot hold a key, if it cannot. */
function refusal(
  holder: unknown,
  key: string | number,
  above: readonly PropertyKey[],
): { message: string; hint?: string } | undefined {
  const name = above.length === 0 ? 'the configuration' : formatKey(above);
  if (Array.isArray(holder)) {
    if (typeof key !== 'number')
      return {
        message: `cannot be set, as ${name} is a list.`,
        hint: `Number its item, from 0: ${[...above, 0, key].join('.')}=...`,
      };
    if (key > holder.length)
      return {
        message: `cannot be set, as ${name} has ${holder.length} item${holder.length === 1 ? '' : 's'}.`,
        hint: `The next is ${[...above, holder.length].join('.')}.`,
      };
    return undefined;
  }
  return typeof holder === 'object'
    ? undefined
    : { message: `cannot be set, as ${name} is a single value and has no keys.` };
}
