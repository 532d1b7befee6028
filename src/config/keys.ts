import { z } from 'zod';
import { configSchema } from './schema.js';

/** The schema without defaults and optionality: what a value must look like. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) return unwrap(schema.unwrap());
  return schema;
}

/** What the value at a path must look like; undefined where the configuration has no such key. */
function schemaAt(path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  let schema: z.core.$ZodType = unwrap(configSchema);
  for (const part of path) {
    if (schema instanceof z.ZodArray && typeof part === 'number') schema = unwrap(schema.element);
    else if (schema instanceof z.ZodObject && typeof part === 'string' && Object.hasOwn(schema.shape, part)) schema = unwrap((schema.shape as Record<string, z.core.$ZodType>)[part]!);
    else return undefined;
  }
  return schema;
}

/** Names of the keys that the configuration knows at a path; none where it has no keys. */
export function keysAt(path: readonly PropertyKey[]): string[] {
  const schema = schemaAt(path);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** Whether the value at a path is a number or a truth value, never a text. */
export function isNumberOrBoolean(path: readonly PropertyKey[]): boolean {
  const schema = schemaAt(path);
  return schema instanceof z.ZodNumber || schema instanceof z.ZodBoolean;
}
