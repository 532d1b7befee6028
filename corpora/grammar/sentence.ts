import { joinEnglish } from './english/join.js';
import type { Phrase } from './features.js';
import { joinFrench } from './french/join.js';
import type { Sampler } from './sampler.js';

/** One line of the corpus. */
export interface Pair {
  readonly source: string;
  readonly target: string;
}

/** A kind of sentence: what it shows and how one is drawn. */
export interface Construction {
  readonly name: string;
  /** Share of the corpus relative to the other constructions. */
  readonly weight: number;
  readonly draw: (sampler: Sampler) => Pair;
}

/** Joins, capitalises and closes a sentence; French puts a space before `?` and `!`. */
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

/** The same words in a row on both sides. */
export function sequence(...phrases: readonly (Phrase | undefined)[]): Phrase {
  const given = phrases.filter((phrase) => phrase !== undefined);
  return { en: given.map((phrase) => phrase.en).join(' '), fr: given.map((phrase) => phrase.fr).join(' ') };
}

/** A phrase of both languages in one line. */
export function both(en: string, fr: string): Phrase {
  return { en, fr };
}

export const COMMA: Phrase = { en: ',', fr: ',' };

function capitalise(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
