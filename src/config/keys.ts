import { z } from 'zod';
import { configSchema } from './schema.js';

/** The schema without defaults and optionality: what a value must look like. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
    return unwrap(schema.unwrap());
  return schema;
}

/**
 * What the value at a path may look like: several schemas where it lies in a group of several kinds, none where the
 * configuration has no such key.
 *
 * @param value the whole configuration; the `type` of a group in it selects the kind
 */
function schemasAt(path: readonly PropertyKey[], value: unknown): z.core.$ZodType[] {
  let schemas = kindsOf(unwrap(configSchema), value);
  let found = value;
  for (const part of path) {
    found = (found as Record<PropertyKey, unknown> | null | undefined)?.[part];
    schemas = schemas.flatMap((schema) => kindsOf(memberOf(schema, part), found));
  }
  return schemas;
}

function memberOf(schema: z.core.$ZodType, part: PropertyKey): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodArray && typeof part === 'number') return unwrap(schema.element);
  const isKey = schema instanceof z.ZodObject && typeof part === 'string' && Object.hasOwn(schema.shape, part);
  return isKey ? unwrap((schema.shape as Record<string, z.core.$ZodType>)[part]!) : undefined;
}

/** The kinds of a group: one for a plain schema; for a union on `type` the one with that type, or all where none has it. */
function kindsOf(schema: z.core.$ZodType | undefined, value: unknown): z.core.$ZodType[] {
  if (schema === undefined) return [];
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return [schema];
  const kinds = schema.options as z.ZodObject[];
  const { type } = (value ?? {}) as { type?: unknown };
  const chosen = kinds.filter((kind) => (kind.shape['type'] as z.ZodType).safeParse(type).success);
  return chosen.length > 0 ? chosen : kinds;
}

/**
 * Names of the keys that the configuration knows at a path; none where it has no keys.
 *
 * @param value the whole configuration
 */
export function keysAt(path: readonly PropertyKey[], value?: unknown): string[] {
  return [
    ...new Set(
      schemasAt(path, value).flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : [])),
    ),
  ];
}

/** Whether the value at a path is a number or a boolean, never a text. */
export function isNumberOrBoolean(path: readonly PropertyKey[]): boolean {
  const schemas = schemasAt(path, undefined);
  return (
    schemas.length > 0 && schemas.every((schema) => schema instanceof z.ZodNumber || schema instanceof z.ZodBoolean)
  );
}
