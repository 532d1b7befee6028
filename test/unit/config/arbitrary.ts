import fc from 'fast-check';
import { z } from 'zod';
import { configFileSchema, jsonSchema, type LoadedConfig } from '../../../src/config/file-schema.js';
import { configSchema, type Config } from '../../../src/config/schema.js';

interface Node {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
}

/** Arbitrary strings, and strings that need quoting in YAML or contain variables. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    'no',
    '1e3',
    '~',
    '- a',
    'a: b # c',
    ' x ',
    '"',
    "it's",
    '${HOME}',
    '$${A:-b}',
    '*x',
    '&x',
    'a\nb\r\n',
    '\t',
    '\u0085',
    '\u2028',
  ),
);

/** Any complete configuration that the schema accepts, contradictory or not. */
export function validConfig(): fc.Arbitrary<Config> {
  return arbitraryOf(z.toJSONSchema(configSchema, { io: 'input' }) as Node).map((value) => configSchema.parse(value));
}

/** Any configuration as loaded, with values or `auto`, contradictory or not. */
export function validLoadedConfig(): fc.Arbitrary<LoadedConfig> {
  return arbitraryOf(jsonSchema()).map((value) => configFileSchema.parse(value));
}

/** Values that match a JSON Schema, for the subset of JSON Schema that `jsonSchema` produces. */
function arbitraryOf(node: Node): fc.Arbitrary<unknown> {
  const choices = node.anyOf ?? node.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map(arbitraryOf));
  if (node.const !== undefined) return fc.constant(node.const);
  if (node.enum !== undefined) return fc.constantFrom(...node.enum);
  if (node.pattern !== undefined) return fc.stringMatching(new RegExp(node.pattern));
  switch (node.type) {
    case 'object':
      return fc.record(
        Object.fromEntries(
          Object.entries(node.properties ?? {}).map(([key, property]) => [key, arbitraryOf(property)]),
        ),
        { requiredKeys: [...(node.required ?? [])] },
      );
    case 'array':
      return fc.array(arbitraryOf(node.items ?? {}), { minLength: node.minItems ?? 0, maxLength: 3 });
    case 'string':
      return text.filter(({ length }) => length >= (node.minLength ?? 0) && length <= (node.maxLength ?? Infinity));
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: node.minimum ?? -(2 ** 31), max: Math.min(node.maximum ?? Infinity, 2 ** 31 - 1) });
    case 'number':
      return fc
        .double({
          min: node.exclusiveMinimum ?? node.minimum ?? -1e9,
          max: node.exclusiveMaximum ?? node.maximum ?? 1e9,
          noNaN: true,
        })
        .filter((value) => value !== node.exclusiveMinimum && value !== node.exclusiveMaximum && !Object.is(value, -0));
    default:
      throw new Error(`no values for ${JSON.stringify(node)}`);
  }
}
