import type { z } from 'zod';
import { keysAt } from './keys.js';
import { MOVED_KEYS } from './model.js';
import { nearest } from './nearest.js';
import { formatKey, type Report } from './problems.js';

/** Longest value that a message repeats, in characters. */
const LONGEST_SHOWN = 60;

/**
 * Says in the user's terms what the schema found wrong with a value.
 *
 * @param value the whole configuration
 */
export function reportIssue(issue: z.core.$ZodIssue, value: unknown, report: Report): void {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(issue.path, value);
    for (const key of issue.keys)
      report([...issue.path, key], { message: 'is not a setting.', hint: hintForKey([...issue.path, key], known) });
    return;
  }
  const found = issue.path.reduce<unknown>(
    (holder, part) => (holder as Record<PropertyKey, unknown> | null | undefined)?.[part],
    value,
  );
  if (found === null)
    report(issue.path, {
      message: `must be ${expectation(issue)}, but is empty.`,
      hint: issue.path.length === 0 ? undefined : 'Give it a value, or remove the key.',
    });
  else if (found === undefined) report(issue.path, { message: 'is required.' });
  else
    report(issue.path, {
      message: `must be ${expectation(issue)}, but is ${show(found)}.`,
      hint: suggestion(issue, found),
    });
}

/** Where a key that is not known has moved, which key may be meant, or else which keys there are. */
function hintForKey(path: readonly PropertyKey[], known: readonly string[]): string {
  const moved = MOVED_KEYS[formatKey(path)];
  if (moved !== undefined) return `It is now ${moved}.`;
  const meant = nearest(String(path.at(-1)), known);
  return meant === undefined
    ? `There are: ${known.join(', ')}.`
    : `Did you mean ${formatKey([...path.slice(0, -1), meant])}?`;
}

/** What follows "must be"; patterns have it as their message. */
function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return kindOf(issue.expected);
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_union':
      if (typesOf(issue).length > 0) return `one of ${typesOf(issue).join(', ')}`;
      return issue.errors.flatMap(([first]) => (first === undefined ? [] : [expectation(first)])).join(' or ');
    case 'too_small':
      if (issue.origin === 'string')
        return issue.exact === true ? `a text of length ${issue.minimum}` : 'a text that is not empty';
      if (issue.origin === 'array') return 'a list that is not empty';
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'string')
        return `a text of length ${issue.exact === true ? '' : 'at most '}${issue.maximum}`;
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`;
    default:
      return issue.message;
  }
}

function kindOf(expected: string): string {
  const names: Record<string, string> = {
    int: 'a whole number',
    number: 'a number',
    string: 'a text',
    boolean: 'true or false',
    array: 'a list',
    object: 'a group of keys',
  };
  return names[expected] ?? expected;
}

/** A value as in JSON, cut when long; numbers that JSON has no words for as they are. */
function show(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text;
}

function suggestion(issue: z.core.$ZodIssue, found: unknown): string | undefined {
  if (
    issue.code === 'invalid_type' &&
    issue.expected === 'string' &&
    (typeof found === 'number' || typeof found === 'boolean')
  )
    return `Quote it: "${found}".`;
  if (typeof found !== 'string') return undefined;
  const values =
    issue.code === 'invalid_value' ? issue.values.map(String) : issue.code === 'invalid_union' ? typesOf(issue) : [];
  const meant = nearest(found, values);
  return meant === undefined ? undefined : `Did you mean ${meant}?`;
}

/** The types of a group of several kinds. */
function typesOf(issue: z.core.$ZodIssueInvalidUnion): string[] {
  const { options = [] } = issue as { readonly options?: readonly unknown[] | undefined };
  return options.filter((type): type is string => typeof type === 'string');
}
