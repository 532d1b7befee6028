import type { GrammaticalNumber } from './features.js';
import type { Adjective } from './lexicon/adjectives.js';
import {
  COLOURS,
  NOT_PREDICATIVE,
  OF_ANIMALS,
  OF_CLOTHES,
  OF_FOOD,
  OF_FRUIT,
  OF_IDEAS,
  OF_OBJECTS,
  OF_PEOPLE,
  OF_PLACES,
  OF_READING,
  OF_VEHICLES,
  ORIGINS,
} from './lexicon/adjectives.js';
import type { Noun } from './lexicon/nouns.js';
import {
  ANIMALS,
  BELONGINGS,
  CLOTHES,
  FOOD_COUNT,
  FRUIT,
  FURNITURE,
  GIFTS,
  HOMES,
  IDEAS,
  MEALS,
  MEDIA,
  OPENABLE,
  PEOPLE,
  PLANTS,
  READING,
  RELATIVES,
  TABLEWARE,
  VEHICLES,
} from './lexicon/nouns.js';
import type { TransitiveVerb } from './lexicon/verbs.js';
import type { NounPhrase, Owner } from './noun-phrase.js';
import { nounPhrase } from './noun-phrase.js';
import type { Sampler } from './sampler.js';

const ADJECTIVES = new Map<Noun, readonly Adjective[]>();
for (const [nouns, adjectives] of [
  [ANIMALS, OF_ANIMALS],
  [BELONGINGS, OF_OBJECTS],
  [CLOTHES, OF_CLOTHES],
  [FOOD_COUNT, OF_FOOD],
  [FRUIT, OF_FRUIT],
  [FURNITURE, OF_OBJECTS],
  [GIFTS, OF_OBJECTS.slice(0, 6)],
  [HOMES, OF_PLACES.slice(0, 7)],
  [IDEAS, OF_IDEAS],
  [MEDIA, OF_READING],
  [OPENABLE, OF_OBJECTS.slice(0, 5)],
  [PEOPLE, OF_PEOPLE],
  [PLANTS, OF_OBJECTS.slice(0, 3)],
  [READING, OF_READING],
  [RELATIVES, []],
  [TABLEWARE, OF_OBJECTS.slice(0, 5)],
  [VEHICLES, OF_VEHICLES],
  [MEALS, []],
] as const) {
  for (const noun of nouns) ADJECTIVES.set(noun, adjectives);
}

/** Adjectives compatible with a noun; none for a noun without a list. */
export function adjectivesFor(noun: Noun): readonly Adjective[] {
  return ADJECTIVES.get(noun) ?? [];
}

/** Two different predicative adjectives that are not mutually exclusive. */
export function compatiblePair(sampler: Sampler, noun: Noun): [Adjective, Adjective] {
  for (;;) {
    const [one, other] = sampler.pickTwo(predicatesFor(noun));
    if (![COLOURS, ORIGINS].some((group) => group.includes(one) && group.includes(other))) return [one, other];
  }
}

/** Predicative adjectives compatible with a noun. */
export function predicatesFor(noun: Noun): Adjective[] {
  return adjectivesFor(noun).filter((adjective) => !NOT_PREDICATIVE.includes(adjective));
}

/** None, one or rarely two adjectives, the second always after the French noun. */
function someAdjectives(sampler: Sampler, noun: Noun): Adjective[] {
  const fitting = adjectivesFor(noun);
  if (fitting.length === 0 || sampler.chance(0.65)) return [];
  const first = sampler.pick(fitting);
  if (first.position === 'after' || sampler.chance(0.7)) return [first];
  const behind = fitting.filter((adjective) => adjective.position === 'after');
  return behind.length === 0 ? [first] : [first, sampler.pick(behind)];
}

/** A `thing` that is a possible object of a verb; not a possession of the subject for verbs such as hear and buy. */
export function objectOf(sampler: Sampler, verb: TransitiveVerb, owner: Owner, negated = false): NounPhrase {
  return thing(
    sampler,
    verb.objects,
    ['hear', 'see', 'watch', 'borrow', 'buy', 'receive'].includes(verb.en.base) ? undefined : owner,
    !negated,
  );
}

/**
 * A random noun phrase for a thing, with a determiner and possibly adjectives.
 *
 * @param owner possessive determiner to use in some cases
 * @param counted whether to allow a numeral
 */
export function thing(sampler: Sampler, nouns: readonly Noun[], owner: Owner | undefined, counted = true): NounPhrase {
  const noun = sampler.pick(nouns);
  const adjectives = someAdjectives(sampler, noun);
  const kind = sampler.between(1, 12);
  if (kind <= 3) return nounPhrase(noun, 'singular', 'the', adjectives);
  if (kind <= 6) return nounPhrase(noun, 'singular', 'a', adjectives);
  if (kind <= 8) return nounPhrase(noun, 'singular', owner === undefined ? 'a' : { owner }, adjectives);
  if (kind === 9) return nounPhrase(noun, sampler.pick(['singular', 'plural']), 'this', adjectives);
  if (kind === 10) return nounPhrase(noun, 'plural', 'some', adjectives);
  if (kind === 11 && counted) return nounPhrase(noun, 'plural', { count: sampler.between(2, 12) }, adjectives);
  return nounPhrase(noun, 'plural', owner === undefined || sampler.chance(0.5) ? 'the' : { owner }, adjectives);
}

/** A definite noun phrase, which a pronoun can refer to. */
export function definiteThing(
  sampler: Sampler,
  nouns: readonly Noun[],
  owner: Owner,
  number: GrammaticalNumber = sampler.chance(0.7) ? 'singular' : 'plural',
): NounPhrase {
  const noun = sampler.pick(nouns);
  return nounPhrase(
    noun,
    number,
    sampler.pick(['the', 'the', 'this', { owner }] as const),
    someAdjectives(sampler, noun),
  );
}
