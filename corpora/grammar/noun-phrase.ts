import type { Features, GrammaticalNumber, PersonForm, Phrase } from './features.js';
import { thirdPerson } from './features.js';
import { inflectAdjective } from './french/adjective.js';
import { startsWithVowelSound } from './french/join.js';
import type { Adjective } from './lexicon/adjectives.js';
import type { Noun } from './lexicon/nouns.js';
import { spellEnglish, spellFrench } from './numbers.js';

/** A noun phrase in both languages, with what the words around it need to know. */
export interface NounPhrase extends Phrase, Features {
  readonly form: PersonForm;
  /** In a negated sentence, where it differs: `any bread`, `de pain`. */
  readonly negative?: Phrase;
  /** In a question, where it differs: `any bread`. */
  readonly question?: Phrase;
}

/** Whose: English and French words by the person of the owner. */
export interface Owner {
  readonly en: string;
  /** Singular before m, singular before f, plural. */
  readonly fr: readonly [string, string, string];
}

/** Possessives by owner: mine to theirs, with tu and vous both `your`. */
export const OWNERS = {
  je: { en: 'my', fr: ['mon', 'ma', 'mes'] },
  tu: { en: 'your', fr: ['ton', 'ta', 'tes'] },
  il: { en: 'his', fr: ['son', 'sa', 'ses'] },
  elle: { en: 'her', fr: ['son', 'sa', 'ses'] },
  nous: { en: 'our', fr: ['notre', 'notre', 'nos'] },
  vous: { en: 'your', fr: ['votre', 'votre', 'vos'] },
  ils: { en: 'their', fr: ['leur', 'leur', 'leurs'] },
} as const satisfies Record<string, Owner>;

/** The word in front of a noun. */
export type Determiner = 'the' | 'a' | 'some' | 'this' | { readonly owner: Owner } | { readonly count: number };

/**
 * Determiner, adjectives and noun, all agreeing: `ces vieilles maisons`, `un bel hôtel`, `de jolies fleurs`.
 *
 * @param determiner `a` is for the singular; `some` is partitive with a singular (some bread) and indefinite with a plural
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

/** The noun with its adjectives, agreeing, in French order. */
function frenchNoun(noun: Noun, features: Features, adjectives: readonly Adjective[]): string {
  const head = features.number === 'plural' ? noun.frPlural : noun.fr;
  const behind = adjectives
    .filter((adjective) => adjective.position === 'after')
    .map((adjective) => inflectAdjective(adjective.fr, features));
  let words = head;
  for (const adjective of adjectives.filter((entry) => entry.position === 'before').toReversed()) {
    words = `${inflectAdjective(adjective.fr, features, startsWithVowelSound(words))} ${words}`;
  }
  // Two adjectives behind the noun stand in the opposite order, the closer one first.
  return [words, ...behind.toReversed()].join(' ');
}

/** ce, cet, cette, ces, by what follows. */
function demonstrative(features: Features, following: string): string {
  if (features.number === 'plural') return 'ces';
  return features.gender === 'f' ? 'cette' : startsWithVowelSound(following) ? 'cet' : 'ce';
}

/** Feminine nouns take mon, ton, son before a vowel sound: mon école. */
function possessive(owner: Owner, features: Features, following: string): string {
  const [masculine, feminine, plural] = owner.fr;
  if (features.number === 'plural') return plural;
  return features.gender === 'f' && !startsWithVowelSound(following) ? feminine : masculine;
}
