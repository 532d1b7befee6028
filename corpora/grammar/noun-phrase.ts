import type { Features, GrammaticalNumber, PersonForm, Phrase } from './features.js';
import { thirdPerson } from './features.js';
import { inflectAdjective } from './french/adjective.js';
import { startsWithVowelSound } from './french/join.js';
import type { Adjective } from './lexicon/adjectives.js';
import type { Noun } from './lexicon/nouns.js';
import { spellEnglish, spellFrench } from './numbers.js';

/** A noun phrase in both languages, with its agreement features. */
export interface NounPhrase extends Phrase, Features {
  readonly form: PersonForm;
  /** Form in a negated sentence, if different: `any bread`, `de pain`. */
  readonly negative?: Phrase;
  /** Form in a question, if different: `any bread`. */
  readonly question?: Phrase;
}

/** Possessive determiners of one grammatical person. */
export interface Owner {
  readonly en: string;
  /** Singular before m, singular before f, plural. */
  readonly fr: readonly [string, string, string];
}

export const OWNERS = {
  je: { en: 'my', fr: ['mon', 'ma', 'mes'] },
  tu: { en: 'your', fr: ['ton', 'ta', 'tes'] },
  il: { en: 'his', fr: ['son', 'sa', 'ses'] },
  elle: { en: 'her', fr: ['son', 'sa', 'ses'] },
  nous: { en: 'our', fr: ['notre', 'notre', 'nos'] },
  vous: { en: 'your', fr: ['votre', 'votre', 'vos'] },
  ils: { en: 'their', fr: ['leur', 'leur', 'leurs'] },
} as const satisfies Record<string, Owner>;

export type Determiner = 'the' | 'a' | 'some' | 'this' | { readonly owner: Owner } | { readonly count: number };

/**
 * Builds a noun phrase with agreement: `ces vieilles maisons`, `un bel hôtel`, `de jolies fleurs`.
 *
 * @param determiner `a` is singular; `some` is partitive in the singular (some bread) and indefinite in the plural
 */
export function nounPhrase(
  noun: Noun,
  number: GrammaticalNumber,
  determiner: Determiner,
  adjectives: readonly Adjective[] = [],
): NounPhrase {
  const features: Features = { gender: noun.gender, number };
  const plural = number === 'plural';
  const enNoun = [...adjectives.map((adjective) => adjective.en), plural ? noun.enPlural : noun.en].join(' ');
  const frNoun = frenchNoun(noun, features, adjectives);
  const phrase = (en: string, fr: string): Phrase => ({ en: `${en} ${enNoun}`, fr: `${fr} ${frNoun}` });
  const base = { ...features, form: thirdPerson(number) };
  const article = definiteArticle(features);
  if (determiner === 'the') return { ...base, ...phrase('the', article) };
  if (determiner === 'this') return { ...base, ...phrase(plural ? 'these' : 'this', demonstrative(features, frNoun)) };
  if (determiner === 'a') {
    return { ...base, ...phrase('a', noun.gender === 'f' ? 'une' : 'un'), negative: phrase('a', 'de') };
  }
  if (determiner === 'some') {
    const before = plural && adjectives.some((adjective) => adjective.position === 'before');
    const french = before ? 'de' : plural ? 'des' : `de ${article}`;
    return { ...base, ...phrase('some', french), negative: phrase('any', 'de'), question: phrase('any', french) };
  }
  if ('count' in determiner) {
    return { ...base, ...phrase(spellEnglish(determiner.count), spellFrench(determiner.count, noun.gender)) };
  }
  return { ...base, ...phrase(determiner.owner.en, possessive(determiner.owner, features, frNoun)) };
}

/** `le`, `la` or `les`, before elision. */
export function definiteArticle(features: Features): string {
  return features.number === 'plural' ? 'les' : features.gender === 'f' ? 'la' : 'le';
}

/** The noun and its adjectives, with agreement, in French word order. */
function frenchNoun(noun: Noun, features: Features, adjectives: readonly Adjective[]): string {
  const head = features.number === 'plural' ? noun.frPlural : noun.fr;
  const behind = adjectives
    .filter((adjective) => adjective.position === 'after')
    .map((adjective) => inflectAdjective(adjective.fr, features));
  let words = head;
  for (const adjective of adjectives.filter((entry) => entry.position === 'before').toReversed()) {
    words = `${inflectAdjective(adjective.fr, features, startsWithVowelSound(words))} ${words}`;
  }
  // Adjectives after the noun are in reverse English order, the closest first.
  return [words, ...behind.toReversed()].join(' ');
}

/** ce, cet, cette or ces. */
function demonstrative(features: Features, following: string): string {
  if (features.number === 'plural') return 'ces';
  return features.gender === 'f' ? 'cette' : startsWithVowelSound(following) ? 'cet' : 'ce';
}

/** Before a vowel sound, feminine nouns take mon, ton, son: mon école. */
function possessive(owner: Owner, features: Features, following: string): string {
  const [masculine, feminine, plural] = owner.fr;
  if (features.number === 'plural') return plural;
  return features.gender === 'f' && !startsWithVowelSound(following) ? feminine : masculine;
}
