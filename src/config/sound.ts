import type { z } from 'zod';
import { configSchema, corpusSchema, type Config, type CorpusConfig } from './schema.js';

/** A corpus of a configuration, and where it stands there. */
export interface PlacedCorpus {
  readonly split: 'train' | 'dev' | 'test';
  readonly index: number;
  readonly corpus: CorpusConfig;
}

/** The top-level settings of a configuration that the schema accepts on their own, defaults filled in; others are missing. */
export function soundSections(value: unknown): Partial<Config> {
  if (!isGroup(value)) return {};
  const entries = Object.entries(configSchema.shape as Record<string, z.ZodType>).flatMap(([key, schema]) => {
    const parsed = schema.safeParse(value[key]);
    return parsed.success ? [[key, parsed.data]] : [];
  });
  return Object.fromEntries(entries) as Partial<Config>;
}

/** The corpora of a configuration that the schema accepts on their own. */
export function soundCorpora(value: unknown): PlacedCorpus[] {
  const data = isGroup(value) ? value['data'] : undefined;
  if (!isGroup(data)) return [];
  return (['train', 'dev', 'test'] as const).flatMap((split) => {
    const corpora: unknown = data[split];
    if (!Array.isArray(corpora)) return [];
    return corpora.flatMap((item, index) => {
      const parsed = corpusSchema.safeParse(item);
      return parsed.success ? [{ split, index, corpus: parsed.data }] : [];
    });
  });
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
