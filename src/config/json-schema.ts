import { z } from 'zod';
import { configSchema } from './schema.js';

/** The JSON Schema (draft 2020-12) of configuration files, with the sentence and the default of every key. */
export function jsonSchema(): Record<string, unknown> {
  return { title: 's2s configuration', ...z.toJSONSchema(configSchema, { io: 'input' }) };
}
