import type { Actor } from '../actors.js';
import { actorFrom, anybody, HE, I, otherPerson, SHE, somebody, THEY, WE } from '../actors.js';
import { statement } from '../clause.js';
import type { Phrase } from '../features.js';
import type { Noun } from '../lexicon/nouns.js';
import {
  ANIMALS,
  BELONGINGS,
  CLOTHES,
  FOOD_COUNT,
  FURNITURE,
  HOMES,
  INGREDIENTS,
  OPENABLE,
  PEOPLE,
  RELATIVES,
  TABLEWARE,
  VEHICLES,
} from '../lexicon/nouns.js';
import { RELATIONS, ROOMS, SPOTS } from '../lexicon/places.js';
import { BE, HAVE, verb } from '../lexicon/verbs.js';
import type { NounPhrase } from '../noun-phrase.js';
import { nounPhrase } from '../noun-phrase.js';
import { adjectivesFor, definiteThing } from '../objects.js';
import type { Sampler } from '../sampler.js';
import type { Construction } from '../sentence.js';
import { both, line, sentence, sequence } from '../sentence.js';
import { inCity, inCountry, place } from './shared.js';

const BE_AFRAID = verb('be afraid of/avoir peur de', true);
const NEED = verb('need/avoir besoin de', true);
const MISS = verb('miss/manquer', true);
const CONTENTS: readonly (readonly Noun[])[] = [
  ANIMALS,
  FURNITURE,
  BELONGINGS,
  PEOPLE.slice(0, 5),
  TABLEWARE,
  FOOD_COUNT,
];
const AMOUNTS = [
  both('a lot of', 'beaucoup de'),
  both('too much', 'trop de'),
  both('enough', 'assez de'),
  both('a little', 'un peu de'),
];
const COUNTED = [
  both('many', 'beaucoup de'),
  both('too many', 'trop de'),
  both('several', 'plusieurs'),
  both('a few', 'quelques'),
];
const WEATHER = [
  both('it is cold', 'il fait froid'),
  both('it is hot', 'il fait chaud'),
  both('it is raining', 'il pleut'),
  both('it is snowing', 'il neige'),
  both('it is windy', 'il y a du vent'),
  both('it was cold', 'il faisait froid'),
  both('it was hot', 'il faisait chaud'),
  both('it was raining', 'il pleuvait'),
  both('it was snowing', 'il neigeait'),
  both('it will rain', 'il pleuvra'),
  both('it will snow', 'il neigera'),
  both('it will be cold', 'il fera froid'),
  both('it will be hot', 'il fera chaud'),
];

export const EXISTENCE: readonly Construction[] = [
  {
    name: 'fear and need: avoir peur de, avoir besoin de',
    weight: 2.5,
    draw: (s) => {
      const subject = anybody(s);
      const afraid = s.chance(0.4);
      const object = afraid
        ? s.chance(0.5)
          ? nounPhrase(s.pick(ANIMALS), s.chance(0.5) ? 'singular' : 'plural', s.pick(['the', 'this'] as const))
          : otherPerson(s, subject)
        : definiteThing(s, [...BELONGINGS, ...VEHICLES, ...CLOTHES], subject.owner);
      return sentence(
        statement({
          subject,
          verb: afraid ? BE_AFRAID : NEED,
          tense: s.pick(['present', 'past', 'present'] as const),
          negation: s.chance(0.3) ? 'not' : undefined,
          object,
        }),
      );
    },
  },
  {
    name: 'missing somebody: manquer à',
    weight: 1,
    draw: (s) => {
      // The person missed is the French subject.
      const subject = somebody(s, false);
      const missed = otherPerson(s, subject);
      const tense = s.pick(['present', 'past', 'future'] as const);
      return sentence(
        both(
          statement({ subject, verb: MISS, tense, complements: [missed] }).en,
          statement({ subject: missed, verb: MISS, tense, complements: [both('', `à ${subject.fr}`)] }).fr,
        ),
      );
    },
  },
  {
    name: 'there is',
    weight: 4,
    draw: (s) => {
      const nouns = s.pick(CONTENTS);
      const noun = s.pick(nouns);
      const plural = s.chance(0.6);
      const object = nounPhrase(
        noun,
        plural ? 'plural' : 'singular',
        plural ? s.pick(['some', { count: s.between(2, 30) }] as const) : 'a',
        s.chance(0.35) && adjectivesFor(noun).length > 0 ? [s.pick(adjectivesFor(noun))] : [],
      );
      return sentence(
        sequence(existence(object, object.negative !== undefined && s.chance(0.4), s.chance(0.3)), indoors(s)),
      );
    },
  },
  {
    name: 'much and many',
    weight: 3,
    draw: (s) => {
      const counted = s.chance(0.6);
      const noun = s.pick(counted ? s.pick(CONTENTS) : INGREDIENTS);
      const amount = s.pick(counted ? COUNTED : AMOUNTS);
      const object: NounPhrase = {
        ...nounPhrase(noun, counted ? 'plural' : 'singular', 'the'),
        en: `${amount.en} ${counted ? noun.enPlural : noun.en}`,
        fr: `${amount.fr} ${counted ? noun.frPlural : noun.fr}`,
      };
      if (s.chance(0.5)) return sentence(sequence(existence(object, false, s.chance(0.3)), indoors(s)));
      const buy = s.chance(0.5);
      return sentence(
        statement({
          subject: anybody(s),
          verb: buy ? verb('buy/acheter') : HAVE,
          tense: buy && !PEOPLE.includes(noun) ? 'past' : 'present',
          object: PEOPLE.includes(noun) ? { ...object, en: `${amount.en} friends`, fr: `${amount.fr} amis` } : object,
        }),
      );
    },
  },
  {
    name: 'having and not having',
    weight: 4,
    draw: (s) => {
      const subject = anybody(s);
      const noun = s.pick([
        ...ANIMALS,
        ...VEHICLES,
        ...HOMES,
        ...RELATIVES.filter((entry) => ['brother', 'sister', 'son', 'daughter', 'uncle', 'aunt'].includes(entry.en)),
        ...BELONGINGS,
      ]);
      const count = s.between(2, 6);
      const adjectives = s.chance(0.3) && adjectivesFor(noun).length > 0 ? [s.pick(adjectivesFor(noun))] : [];
      const object = s.chance(0.5)
        ? nounPhrase(noun, 'singular', 'a', adjectives)
        : nounPhrase(noun, 'plural', s.chance(0.5) ? 'some' : { count }, adjectives);
      return sentence(
        statement({
          subject,
          verb: HAVE,
          tense: s.pick(['present', 'present', 'past', 'future'] as const),
          negation: object.negative !== undefined && s.chance(0.5) ? s.pick(['not', 'noLonger'] as const) : undefined,
          object,
        }),
      );
    },
  },
  {
    name: 'where things are',
    weight: 5,
    draw: (s) => {
      const kind = s.between(1, 3);
      const subject =
        kind === 1
          ? somebodyPlain(s)
          : definiteThing(s, kind === 2 ? [...BELONGINGS, ...ANIMALS, ...TABLEWARE] : FURNITURE, anybody(s).owner);
      const where =
        kind === 1
          ? place(s)
          : s.chance(0.4)
            ? s.pick(ROOMS)
            : sequence(
                s.pick(RELATIONS.slice(0, 4)),
                nounPhrase(s.pick([...FURNITURE, ...OPENABLE.slice(1, 3)]), 'singular', 'the'),
              );
      return sentence(
        statement({
          subject,
          verb: BE,
          tense: s.pick(['present', 'present', 'past'] as const),
          negation: s.chance(0.25) ? 'not' : undefined,
          complements: [where],
        }),
      );
    },
  },
  {
    name: 'on, under and in',
    weight: 2.5,
    draw: (s) => {
      const inside = s.chance(0.4);
      const where = inside
        ? nounPhrase(s.pick([...OPENABLE.slice(0, 1), ...OPENABLE.slice(3, 5), BELONGINGS[0]!]), 'singular', 'the')
        : nounPhrase(
            s.pick(FURNITURE.filter((entry) => /^(bed|desk|carpet|table|chair|armchair)$/.test(entry.en))),
            'singular',
            'the',
          );
      const subject = definiteThing(
        s,
        [...BELONGINGS.slice(2), ...TABLEWARE, ...ANIMALS.slice(1, 2)],
        anybody(s).owner,
      );
      return sentence(
        statement({
          subject,
          verb: BE,
          tense: s.pick(['present', 'past'] as const),
          negation: s.chance(0.25) ? 'not' : undefined,
          complements: [inside ? both('in', 'dans') : s.pick([both('on', 'sur'), both('under', 'sous')]), where],
        }),
      );
    },
  },
  {
    name: 'where buildings are',
    weight: 2.5,
    draw: (s) => {
      const [one, other] = s.pickTwo([...SPOTS]);
      return sentence(
        statement({
          subject: actorFrom(nounPhrase(one, 'singular', 'the')),
          verb: BE,
          tense: 'present',
          negation: s.chance(0.2) ? 'not' : undefined,
          complements: [s.pick(RELATIONS), nounPhrase(other, 'singular', 'the')],
        }),
      );
    },
  },
  {
    name: 'weather',
    weight: 1.5,
    draw: (s) =>
      s.chance(0.3)
        ? line(
            sentence(s.pick(WEATHER.slice(0, 5))),
            sentence(
              statement({
                subject: anybody(s),
                verb: verb('stay/rester'),
                tense: 'nearFuture',
                complements: [s.pick(ROOMS)],
              }),
            ),
          )
        : sentence(sequence(s.pick(WEATHER), s.chance(0.5) ? inCity(s) : inCountry(s))),
  },
];

/** There is, isn't or was. The French il y a is always singular. */
export function existence(object: NounPhrase, negated: boolean, inPast: boolean): Phrase {
  const words = negated ? (object.negative ?? object) : object;
  const be = object.number === 'plural' ? (inPast ? 'were' : 'are') : inPast ? 'was' : 'is';
  const has = inPast ? 'avait' : 'a';
  return both(
    `there ${negated ? `${be}n't` : be} ${words.en}`,
    `il ${negated ? `ne y ${has} pas` : `y ${has}`} ${words.fr}`,
  );
}

function indoors(sampler: Sampler): Phrase {
  return sampler.chance(0.5) ? sampler.pick(ROOMS) : sampler.pick(SPOTS).at;
}

function somebodyPlain(sampler: Sampler): Actor {
  return sampler.chance(0.4) ? sampler.pick([HE, SHE, THEY, WE, I]) : somebody(sampler);
}
