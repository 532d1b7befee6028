import type { LoadedConfig } from '../config/file-schema.js';
import type { Config } from '../config/schema.js';

/** The sections with settings that can be `auto`. */
const SECTIONS = ['data', 'tokenizer', 'model', 'training'] as const;
type Section = (typeof SECTIONS)[number];

/**
 * Replaces each `auto` by the value of an earlier run. Given values are kept.
 *
 * @param sections in which to replace; all by default
 */
export function fillFrom(given: LoadedConfig, earlier: Config, sections: readonly Section[] = SECTIONS): LoadedConfig {
  const filled = sections.map((section) => [section, fill(given[section], earlier[section])]);
  return { ...given, ...(Object.fromEntries(filled) as Partial<LoadedConfig>) };
}

function fill(value: unknown, earlier: unknown): unknown {
  if (value === 'auto') return earlier;
  if (!isGroup(value)) return value;
  const values = isGroup(earlier) ? earlier : {};
  // Encoders and decoders of different types have different settings.
  const differs = value['type'] !== values['type'];
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, differs && !(key in values) ? item : fill(item, values[key])]),
  );
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
