import type { z } from 'zod';
import { formatPlace, UsageError, type Place } from '../errors.js';
import { keysAt } from './keys.js';
import { MOVED_KEYS } from './model.js';
import { nearest } from './nearest.js';

/** Maximum length of a value in a message, in characters. */
const MAX_VALUE_LENGTH = 60;

/** A problem in a configuration. */
export interface Problem {
  readonly place: Place;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** Records a problem with the value at a path. */
export type Report = (path: readonly PropertyKey[], problem: Omit<Problem, 'place'>) => void;

/** All problems of a configuration, in the order of their lines; those of command-line options come first. */
export class ConfigError extends UsageError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const sorted = problems.toSorted((left, right) => (left.place.line ?? 0) - (right.place.line ?? 0));
    super('config', sorted.map(formatProblem).join('\n'));
    this.problems = sorted;
  }
}

/** `file:line: key: message hint` */
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

/**
 * Reports a validation error of the schema in the user's terms.
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
  if (issue.code === 'invalid_union' && typeof found === 'object') {
    const nested = issuesOfMember(issue);
    if (nested !== undefined) {
      for (const member of nested) reportIssue({ ...member, path: [...issue.path, ...member.path] }, value, report);
      return;
    }
  }
  if (found === null)
    report(issue.path, {
      message: `must be ${expectation(issue)}, but is empty.`,
      hint: issue.path.length === 0 ? undefined : 'Give it a value, or remove the key.',
    });
  else if (found === undefined) report(issue.path, { message: 'is required.' });
  else
    report(issue.path, {
      message: `must be ${expectation(issue)}, but is ${show(found)}.`,
      hint: hintForValue(issue, found),
    });
}

/**
 * The issues of the only member of a union that has the kind of the value: a list for a list, and for a mapping one
 * that knows all its keys. Undefined if there is no such member.
 */
function issuesOfMember({ errors }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] | undefined {
  const alike = errors.filter((issues) =>
    issues.every(({ code, path }) => path.length > 0 || (code !== 'invalid_type' && code !== 'unrecognized_keys')),
  );
  return alike.length === 1 ? alike[0] : undefined;
}

/** The new name of a key of version 0.1, else the nearest known key, else all known keys. */
function hintForKey(path: readonly PropertyKey[], known: readonly string[]): string {
  const moved = MOVED_KEYS[formatKey(path)];
  if (moved !== undefined) return `It is now ${moved}.`;
  const suggestion = nearest(String(path.at(-1)), known);
  return suggestion === undefined
    ? `Valid keys: ${known.join(', ')}.`
    : `Did you mean ${formatKey([...path.slice(0, -1), suggestion])}?`;
}

/** The words after "must be". The schema's patterns carry them as their message. */
function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return kindOf(issue.expected);
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_union':
      if (typesOf(issue).length > 0) return `one of ${typesOf(issue).join(', ')}`;
      return issue.errors.flatMap((errors) => expectationOfMember(errors, issue.path)).join(' or ');
    case 'too_small':
      if (issue.origin === 'string')
        return issue.exact === true ? `a string of length ${issue.minimum}` : 'a non-empty string';
      if (issue.origin === 'array') return 'a non-empty list';
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'string')
        return `a string of length ${issue.exact === true ? '' : 'at most '}${issue.maximum}`;
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`;
    default:
      return issue.message;
  }
}

/** @param path of the union */
function expectationOfMember([first]: readonly z.core.$ZodIssue[], path: readonly PropertyKey[]): string[] {
  if (first === undefined) return [];
  const isMapping = first.path.length > 0 || first.code === 'unrecognized_keys';
  if (isMapping || (first.code === 'invalid_type' && first.expected === 'object'))
    return [`a mapping with ${keysAt(path).join(', ')}`];
  return [expectation(first)];
}

function kindOf(expected: string): string {
  const names: Record<string, string> = {
    int: 'an integer',
    number: 'a number',
    string: 'a string',
    boolean: 'true or false',
    array: 'a list',
    object: 'a mapping',
  };
  return names[expected] ?? expected;
}

/** A value as JSON, truncated; NaN and Infinity, which JSON lacks, by name. */
function show(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}...` : text;
}

function hintForValue(issue: z.core.$ZodIssue, found: unknown): string | undefined {
  if (
    issue.code === 'invalid_type' &&
    issue.expected === 'string' &&
    (typeof found === 'number' || typeof found === 'boolean')
  )
    return `Quote it: "${found}".`;
  if (typeof found !== 'string') return undefined;
  const values =
    issue.code === 'invalid_value' ? issue.values.map(String) : issue.code === 'invalid_union' ? typesOf(issue) : [];
  const suggestion = nearest(found, values);
  return suggestion === undefined ? undefined : `Did you mean ${suggestion}?`;
}

/** The values of `type` in a discriminated union. */
function typesOf(issue: z.core.$ZodIssueInvalidUnion): string[] {
  const { options = [] } = issue as { readonly options?: readonly unknown[] | undefined };
  return options.filter((type): type is string => typeof type === 'string');
}
