import { joinEnglish } from './english/join.js';
import type { Phrase } from './features.js';
import { joinFrench } from './french/join.js';
import type { Sampler } from './sampler.js';

/** A sentence pair, one line of the corpus. */
export interface Pair {
  readonly source: string;
  readonly target: string;
}

/** A type of sentence, and how to sample one. */
export interface Construction {
  readonly name: string;
  /** Relative frequency in the corpus. */
  readonly weight: number;
  readonly draw: (sampler: Sampler) => Pair;
}

/** Joins, capitalises and punctuates a sentence. French has a space before `?` and `!`. */
export function sentence(phrase: Phrase, mark: '.' | '?' | '!' = '.'): Pair {
  return {
    source: capitalise(joinEnglish(phrase.en, mark)),
    target: capitalise(joinFrench(phrase.fr, mark)),
  };
}

/** Several sentences on one line. */
export function line(...pairs: readonly Pair[]): Pair {
  return { source: pairs.map((pair) => pair.source).join(' '), target: pairs.map((pair) => pair.target).join(' ') };
}

/** Concatenates phrases in both languages. */
export function sequence(...phrases: readonly (Phrase | undefined)[]): Phrase {
  const given = phrases.filter((phrase) => phrase !== undefined);
  return { en: given.map((phrase) => phrase.en).join(' '), fr: given.map((phrase) => phrase.fr).join(' ') };
}

export function both(en: string, fr: string): Phrase {
  return { en, fr };
}

export const COMMA: Phrase = { en: ',', fr: ',' };

function capitalise(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
