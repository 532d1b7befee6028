import { show, type Chosen } from './rules.js';

/** The value chosen for a setting that was `auto`, and why. */
export interface Choice {
  /** Dotted key. */
  readonly key: string;
  readonly value: number | string | boolean;
  readonly reason: string;
}

/** Collects the choices of a configuration. */
export class Choices {
  private readonly made: Choice[] = [];

  get all(): readonly Choice[] {
    return this.made;
  }

  /** Returns a given value unchanged, and the value of a rule for `auto`. */
  take<Value extends number | string | boolean>(key: string, given: Value | 'auto', rule: () => Chosen<Value>): Value {
    if (given !== 'auto') return given;
    const { value, reason } = rule();
    this.made.push({ key, value, reason });
    return value;
  }
}

/** One line per value and reason: `tokenizer.size 3,000: 17,066 pairs, 220,000 words`. */
export function describeChoices(choices: readonly Choice[]): string[] {
  const lines = new Map<string, string[]>();
  for (const { key, value, reason } of choices) {
    const text = `${typeof value === 'number' ? (Number.isInteger(value) ? show(value) : value) : value}: ${reason}`;
    lines.set(text, [...(lines.get(text) ?? []), key]);
  }
  return [...lines].map(([text, keys]) => `${keys.join(', ')} ${text}`);
}
