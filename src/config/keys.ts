import { z } from 'zod';
import { configFileSchema } from './file-schema.js';

/** Removes defaults, optionality and `auto` from a schema. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional)
    return unwrap(schema.unwrap());
  if (schema instanceof z.ZodUnion) {
    const [value, auto] = schema.options as readonly z.core.$ZodType[];
    if (value !== undefined && auto instanceof z.ZodLiteral) return unwrap(value);
  }
  return schema;
}

/**
 * The schemas of the value at a path: several inside a union, none for an unknown key.
 *
 * @param value the whole configuration, whose values of `type` select the members of unions
 */
function schemasAt(path: readonly PropertyKey[], value: unknown): z.core.$ZodType[] {
  let schemas = membersOf(unwrap(configFileSchema), value);
  let found = value;
  for (const part of path) {
    found = (found as Record<PropertyKey, unknown> | null | undefined)?.[part];
    schemas = schemas.flatMap((schema) => membersOf(childOf(schema, part), found));
  }
  return schemas;
}

function childOf(schema: z.core.$ZodType, part: PropertyKey): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodArray && typeof part === 'number') return unwrap(schema.element);
  const isKey = schema instanceof z.ZodObject && typeof part === 'string' && Object.hasOwn(schema.shape, part);
  return isKey ? unwrap((schema.shape as Record<string, z.core.$ZodType>)[part]!) : undefined;
}

/** Whether a value has the kind of a schema; any value does if it is undefined or the schema is of a simple type. */
function isOfKind(schema: z.core.$ZodType, value: unknown): boolean {
  return value === undefined || Array.isArray(value) === schema instanceof z.ZodArray;
}

/**
 * The member of a union with the `type` of a value, or all members if none matches or the value is not known; other
 * schemas are returned.
 */
function membersOf(schema: z.core.$ZodType | undefined, value: unknown): z.core.$ZodType[] {
  if (schema === undefined) return [];
  if (!(schema instanceof z.ZodDiscriminatedUnion))
    return schema instanceof z.ZodUnion
      ? schema.options.map(unwrap).filter((member) => isOfKind(member, value))
      : [schema];
  const members = schema.options as z.ZodObject[];
  if (value === undefined) return members;
  const { type } = (value ?? {}) as { type?: unknown };
  const selected = members.filter((member) => (member.shape['type'] as z.ZodType).safeParse(type).success);
  return selected.length > 0 ? selected : members;
}

/**
 * The known keys of the mapping at a path; empty if there is none.
 *
 * @param value the whole configuration
 */
export function keysAt(path: readonly PropertyKey[], value?: unknown): string[] {
  const keys = schemasAt(path, value).flatMap((schema) =>
    schema instanceof z.ZodObject ? Object.keys(schema.shape) : [],
  );
  return [...new Set(keys)];
}

/** Whether the setting at a path is a number or boolean, never a string. */
export function isNumberOrBoolean(path: readonly PropertyKey[]): boolean {
  const schemas = schemasAt(path, undefined);
  return (
    schemas.length > 0 && schemas.every((schema) => schema instanceof z.ZodNumber || schema instanceof z.ZodBoolean)
  );
}
