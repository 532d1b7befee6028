import type { Clitic, Subject } from './clause.js';
import type { Features, Gender, PersonForm } from './features.js';
import { inflectAdjective } from './french/adjective.js';
import type { Noun, Trade } from './lexicon/nouns.js';
import { PEOPLE, PLURAL_RELATIVES, RELATIVES } from './lexicon/nouns.js';
import type { Vocative } from './lexicon/people.js';
import { NAMES } from './lexicon/people.js';
import type { NounPhrase, Owner } from './noun-phrase.js';
import { nounPhrase, OWNERS } from './noun-phrase.js';
import type { Sampler } from './sampler.js';

/** A subject with its possessive determiner. */
export interface Actor extends Subject {
  readonly owner: Owner;
}

function pronoun(
  en: string,
  fr: string,
  form: PersonForm,
  gender: Gender,
  number: Features['number'],
  owner: Owner,
): Actor {
  return { en, fr, form, gender, number, owner, pronoun: fr };
}

/** Throughout the corpus, the speaker and `they` are masculine. */
export const I = pronoun('I', 'je', 0, 'm', 'singular', OWNERS.je);
export const HE = pronoun('he', 'il', 2, 'm', 'singular', OWNERS.il);
export const SHE = pronoun('she', 'elle', 2, 'f', 'singular', OWNERS.elle);
export const WE = pronoun('we', 'nous', 3, 'm', 'plural', OWNERS.nous);
export const THEY = pronoun('they', 'ils', 5, 'm', 'plural', OWNERS.ils);
/** The polite form, for an unnamed addressee. */
export const YOU = pronoun('you', 'vous', 4, 'm', 'singular', OWNERS.vous);

export const PERSONAL: readonly Actor[] = [I, HE, SHE, WE, THEY];

/** `you` for an addressee: tu or vous. */
export function youOf(vocative: Vocative): Actor {
  const familiar = vocative.familiar;
  return {
    ...pronoun(
      'you',
      familiar ? 'tu' : 'vous',
      familiar ? 1 : 4,
      vocative.gender,
      vocative.number,
      familiar ? OWNERS.tu : OWNERS.vous,
    ),
  };
}

/** The third person pronoun that refers to a noun phrase: it, they, he, she. */
export function pronounFor(features: Features, kind: 'person' | 'thing'): Actor {
  const { gender, number } = features;
  if (number === 'plural') return pronoun('they', gender === 'f' ? 'elles' : 'ils', 5, gender, 'plural', OWNERS.ils);
  if (kind === 'person') return gender === 'f' ? SHE : HE;
  return pronoun('it', gender === 'f' ? 'elle' : 'il', 2, gender, 'singular', gender === 'f' ? OWNERS.elle : OWNERS.il);
}

/** Direct object pronoun for a noun phrase: it, him, her, them. */
export function objectPronoun(features: Features, kind: 'person' | 'thing'): Clitic {
  const plural = features.number === 'plural';
  const en = plural ? 'them' : kind === 'thing' ? 'it' : features.gender === 'f' ? 'her' : 'him';
  return { en, fr: plural ? 'les_' : features.gender === 'f' ? 'la_' : 'le_', direct: features };
}

const SINGULAR_M: Features = { gender: 'm', number: 'singular' };
const PLURAL_M: Features = { gender: 'm', number: 'plural' };

/** Direct object pronouns for people. */
export const DIRECT: readonly Clitic[] = [
  { en: 'me', fr: 'me', direct: SINGULAR_M },
  { en: 'him', fr: 'le_', direct: SINGULAR_M },
  { en: 'her', fr: 'la_', direct: { gender: 'f', number: 'singular' } },
  { en: 'us', fr: 'nous', direct: PLURAL_M },
  { en: 'them', fr: 'les_', direct: PLURAL_M },
];

/** Indirect object pronouns for people, with which participles do not agree. */
export const INDIRECT: readonly Clitic[] = [
  { en: 'me', fr: 'me' },
  { en: 'him', fr: 'lui' },
  { en: 'her', fr: 'lui' },
  { en: 'us', fr: 'nous' },
  { en: 'them', fr: 'leur' },
];

/** The object pronouns that do not refer to the subject itself. */
export function objectPronounsFor(subject: Subject, clitics: readonly Clitic[]): Clitic[] {
  return clitics.filter(
    (clitic) => (subject.form !== 0 && subject.form !== 3) || (clitic.en !== 'me' && clitic.en !== 'us'),
  );
}

export function named([name, gender]: readonly [string, Gender]): Actor {
  return { en: name, fr: name, form: 2, gender, number: 'singular', owner: gender === 'f' ? OWNERS.elle : OWNERS.il };
}

/** A noun phrase as an actor; its possessive agrees in number and gender. */
export function actorFrom(phrase: NounPhrase): Actor {
  return {
    ...phrase,
    owner: phrase.number === 'plural' ? OWNERS.ils : phrase.gender === 'f' ? OWNERS.elle : OWNERS.il,
  };
}

/** Coordinates two people. The result is masculine unless both are feminine. */
export function coordinate(first: Subject, second: Subject): Actor {
  const gender = first.gender === 'f' && second.gender === 'f' ? 'f' : 'm';
  return {
    en: `${first.en} and ${second.en}`,
    fr: `${first.fr} et ${second.fr}`,
    form: 5,
    gender,
    number: 'plural',
    owner: OWNERS.ils,
  };
}

/** A relative, mostly the speaker's. */
export function relative(sampler: Sampler, nouns: readonly Noun[] = RELATIVES): Actor {
  return actorFrom(
    nounPhrase(sampler.pick(nouns), 'singular', { owner: sampler.pick([OWNERS.je, OWNERS.je, OWNERS.nous]) }),
  );
}

/**
 * A person or several people, never a pronoun: a name, a relative, a person by trade or age, or two people.
 *
 * @param pairs whether to allow two coordinated people, before whom French would repeat a preposition
 */
export function somebody(sampler: Sampler, pairs = true): Actor {
  const kind = sampler.between(1, pairs ? 12 : 11);
  if (kind <= 4) return named(sampler.pick(NAMES));
  if (kind <= 7) return relative(sampler);
  if (kind <= 9) return actorFrom(nounPhrase(sampler.pick(PEOPLE), 'singular', 'the'));
  if (kind === 10)
    return actorFrom(nounPhrase(sampler.pick([...PEOPLE, ...PLURAL_RELATIVES.slice(2)]), 'plural', 'the'));
  if (kind === 11)
    return actorFrom(
      nounPhrase(sampler.pick(PLURAL_RELATIVES), 'plural', { owner: sampler.pick([OWNERS.je, OWNERS.nous]) }),
    );
  const [first, second] = sampler.pickTwo(NAMES);
  return sampler.chance(0.3)
    ? { ...coordinate(relative(sampler), { ...I, fr: 'moi' }), form: 3, gender: 'm', owner: OWNERS.nous }
    : coordinate(named(first), named(second));
}

/** Any person, as a noun phrase or pronoun, except `you`. */
export function anybody(sampler: Sampler): Actor {
  return sampler.chance(0.45) ? sampler.pick(PERSONAL) : somebody(sampler);
}

/** A person other than the subject, for example its relative, as an object. */
export function otherPerson(sampler: Sampler, subject: Actor): NounPhrase {
  for (;;) {
    const other = sampler.chance(0.4)
      ? nounPhrase(sampler.pick(RELATIVES), 'singular', { owner: subject.owner })
      : somebody(sampler, false);
    if (!subject.en.includes(other.en) && !other.en.includes(subject.en)) return other;
  }
}

/** A possessive noun phrase: `Paul's house`, in French `la maison de Paul`. */
export function ofSomebody(owner: Actor, owned: Noun, number: Features['number']): NounPhrase {
  const bare = nounPhrase(owned, number, 'the');
  const suffix = owner.en.endsWith('s') && owner.number === 'plural' ? "'" : "'s";
  return { ...bare, en: `${owner.en}${suffix} ${bare.en.slice('the '.length)}`, fr: `${bare.fr} de ${owner.fr}` };
}

/** A trade as a predicate, without an article in French. */
export function tradeFor(trade: Trade, features: Features): string {
  return inflectAdjective({ masculine: trade.m, feminine: trade.f }, features);
}
