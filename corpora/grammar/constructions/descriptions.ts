import type { Actor } from '../actors.js';
import {
  actorFrom,
  anybody,
  HE,
  I,
  named,
  ofSomebody,
  otherPerson,
  pronounFor,
  relative,
  SHE,
  somebody,
  THEY,
  tradeFor,
  WE,
} from '../actors.js';
import { statement } from '../clause.js';
import type { Features, Phrase } from '../features.js';
import { inflectAdjective } from '../french/adjective.js';
import type { Adjective } from '../lexicon/adjectives.js';
import { COLOURS, MOODS, NOT_PREDICATIVE, OF_PEOPLE, ORIGINS, STATES, TRAITS } from '../lexicon/adjectives.js';
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
  READING,
  RELATIVES,
  TABLEWARE,
  TRADES,
  VEHICLES,
} from '../lexicon/nouns.js';
import { NAMES } from '../lexicon/people.js';
import { CITIES, COUNTRIES, RELATIONS, ROOMS, SPOTS } from '../lexicon/places.js';
import { BE, HAVE, verb } from '../lexicon/verbs.js';
import type { NounPhrase } from '../noun-phrase.js';
import { definiteArticle, nounPhrase } from '../noun-phrase.js';
import { spellEnglish, spellFrench } from '../numbers.js';
import { adjectivesFor, compatiblePair, definiteThing, predicatesFor } from '../objects.js';
import type { Sampler } from '../sampler.js';
import type { Construction } from '../sentence.js';
import { both, COMMA, line, sentence, sequence } from '../sentence.js';
import { inCity, inCountry, place } from './shared.js';

/** English `to be` with a French verb and noun: avoir faim. */
const BODILY = [
  'be hungry/avoir faim',
  'be thirsty/avoir soif',
  'be cold/avoir froid',
  'be hot/avoir chaud',
  'be right/avoir raison',
  'be wrong/avoir tort',
  'be sleepy/avoir sommeil',
].map((entry) => verb(entry, true));
const BE_AFRAID = verb('be afraid of/avoir peur de', true);
const NEED = verb('need/avoir besoin de', true);
const MISS = verb('miss/manquer', true);
/** Relatives who may be of any age. */
const ANY_AGE = RELATIVES.filter((noun) => !/father|mother/.test(noun.en));
const LATE = both('late', 'en retard');
const COMPARABLE = [...VEHICLES, ...HOMES, ...ANIMALS, ...FURNITURE, ...READING, ...CLOTHES];
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

/** An adjective behind `to be`, agreeing. */
export function predicate(adjective: Adjective, features: Features): Phrase {
  return both(adjective.en, inflectAdjective(adjective.fr, features));
}

/** `older`, `plus vieux`; `better`, `meilleur`. */
function comparative(adjective: Adjective, features: Features): Phrase {
  return both(
    adjective.enComparative ?? `more ${adjective.en}`,
    adjective.frComparative === undefined
      ? `plus ${inflectAdjective(adjective.fr, features)}`
      : inflectAdjective(adjective.frComparative, features),
  );
}

export const DESCRIPTIONS: readonly Construction[] = [
  {
    name: 'people and adjectives',
    weight: 5,
    draw: (s) => {
      const subject = anybody(s);
      const degree = s.chance(0.35)
        ? s.pick([both('very', 'très'), both('too', 'trop'), both('a little', 'un peu'), both('really', 'vraiment')])
        : undefined;
      const negation =
        degree === undefined && s.chance(0.3) ? s.pick(['not', 'never', 'noLonger'] as const) : undefined;
      const adjective = s.pick(
        degree?.en === 'a little'
          ? MOODS.slice(2, 9)
          : degree === undefined
            ? [...MOODS, ...TRAITS]
            : [...MOODS.slice(0, 9), ...TRAITS],
      );
      const complements =
        s.chance(0.1) && degree === undefined ? [LATE] : [sequence(degree, predicate(adjective, subject))];
      return sentence(
        statement({
          subject,
          verb: BE,
          tense: s.pick(['present', 'present', 'past', 'future'] as const),
          negation,
          complements,
        }),
      );
    },
  },
  {
    name: 'two adjectives of a person',
    weight: 1.5,
    draw: (s) => {
      const subject = anybody(s);
      const [one, other] = s.pickTwo(TRAITS);
      const joint = s.pick([both('and', 'et'), both('but', 'mais')]);
      return sentence(
        statement({
          subject,
          verb: BE,
          tense: s.pick(['present', 'past'] as const),
          complements: [sequence(predicate(one, subject), joint, predicate(other, subject))],
        }),
      );
    },
  },
  {
    name: 'things and adjectives',
    weight: 5,
    draw: (s) => {
      const noun = s.pick([...COMPARABLE, ...FOOD_COUNT, ...OPENABLE]);
      const number = s.chance(0.65) ? 'singular' : 'plural';
      const subject = s.chance(0.5)
        ? nounPhrase(noun, number, s.pick(['the', 'this'] as const))
        : s.chance(0.5)
          ? nounPhrase(noun, number, { owner: anybody(s).owner })
          : ofSomebody(named(s.pick(NAMES)), noun, number);
      const adjective = s.pick(OPENABLE.includes(noun) ? STATES : predicatesFor(noun));
      const degree =
        s.chance(0.4) &&
        ![STATES, COLOURS, ORIGINS].some((group) => group.includes(adjective)) &&
        !['round', 'ripe'].includes(adjective.en)
          ? s.pick([both('very', 'très'), both('too', 'trop')])
          : undefined;
      return sentence(
        statement({
          subject,
          verb: BE,
          tense: s.pick(['present', 'present', 'past'] as const),
          negation: degree === undefined && s.chance(0.25) ? s.pick(['not', 'noLonger'] as const) : undefined,
          complements: [sequence(degree, predicate(adjective, subject))],
        }),
      );
    },
  },
  {
    name: 'a thing taken up again by it or they',
    weight: 3,
    draw: (s) => {
      const noun = s.pick([...VEHICLES, ...HOMES, ...ANIMALS, ...READING]);
      const subject = nounPhrase(
        noun,
        s.chance(0.7) ? 'singular' : 'plural',
        s.pick(['the', 'this', { owner: anybody(s).owner }] as const),
      );
      const [one, other] = compatiblePair(s, noun);
      const again = pronounFor(subject, 'thing');
      return sentence(
        sequence(
          statement({ subject, verb: BE, tense: 'present', complements: [predicate(one, subject)] }),
          COMMA,
          both('but', 'mais'),
          statement({
            subject: again,
            verb: BE,
            tense: 'present',
            negation: s.chance(0.5) ? 'not' : undefined,
            complements: [predicate(other, subject)],
          }),
        ),
      );
    },
  },
  {
    name: 'comparatives of people',
    weight: 3,
    draw: (s) => {
      const subject = anybody(s);
      const other = otherPerson(s, subject);
      const adjective = s.pick(TRAITS);
      const degree = s.between(1, 4);
      const compared =
        degree <= 2
          ? sequence(comparative(adjective, subject), both('than', 'que'))
          : degree === 3
            ? sequence(both('as', 'aussi'), predicate(adjective, subject), both('as', 'que'))
            : sequence(both('less', 'moins'), predicate(adjective, subject), both('than', 'que'));
      return sentence(
        statement({
          subject,
          verb: BE,
          tense: s.pick(['present', 'present', 'past'] as const),
          complements: [compared, other],
        }),
      );
    },
  },
  {
    name: 'comparatives of things',
    weight: 3,
    draw: (s) => {
      const noun = s.pick([...VEHICLES, ...HOMES, ...READING, ...ANIMALS]);
      const other = s.pick(
        (VEHICLES.includes(noun)
          ? VEHICLES
          : HOMES.includes(noun)
            ? HOMES
            : READING.includes(noun)
              ? READING
              : ANIMALS
        ).filter((entry) => entry !== noun),
      );
      const subject = nounPhrase(noun, 'singular', s.pick(['the', 'this', { owner: anybody(s).owner }] as const));
      const adjective = s.pick(
        predicatesFor(noun).filter((entry) => ![COLOURS, ORIGINS].some((group) => group.includes(entry))),
      );
      const compared = s.chance(0.7)
        ? sequence(comparative(adjective, subject), both('than', 'que'))
        : sequence(both('as', 'aussi'), predicate(adjective, subject), both('as', 'que'));
      return sentence(
        statement({
          subject,
          verb: BE,
          tense: 'present',
          negation: s.chance(0.2) ? 'not' : undefined,
          complements: [compared, nounPhrase(other, 'singular', s.pick(['the', { owner: anybody(s).owner }] as const))],
        }),
      );
    },
  },
  {
    name: 'superlatives',
    weight: 2.5,
    draw: (s) => {
      const noun = s.pick([...HOMES, ...SPOTS.slice(0, 8)]);
      const adjective = s.pick(
        adjectivesFor(HOMES[0]!).filter((entry) => entry.position === 'before' && !NOT_PREDICATIVE.includes(entry)),
      );
      const features: Features = { gender: noun.gender, number: 'singular' };
      const most = both(
        `the ${adjective.enSuperlative ?? `most ${adjective.en}`} ${noun.en}`,
        `${definiteArticle(features)} ${comparative(adjective, features).fr} ${noun.fr}`,
      );
      const where = s.chance(0.5) ? cityAsOwner(s.pick(CITIES)) : cityAsOwner(s.pick(COUNTRIES));
      const subject = nounPhrase(noun, 'singular', 'this');
      return sentence(
        statement({
          subject: s.chance(0.5) ? subject : ofSomebody(named(s.pick(NAMES)), noun, 'singular'),
          verb: BE,
          tense: s.pick(['present', 'past'] as const),
          complements: [most, where],
        }),
      );
    },
  },
  {
    name: 'trades without an article',
    weight: 2,
    draw: (s) => {
      const trade = s.pick(TRADES);
      const subject = s.pick([I, HE, SHE, named(s.pick(NAMES)), relative(s)]);
      const fr = tradeFor(trade, subject);
      const become = s.chance(0.3);
      if (!become && s.chance(0.35)) {
        const adjective = s.pick(
          OF_PEOPLE.filter((entry) => ['good', 'famous', 'serious', 'patient', 'old', 'young'].includes(entry.en)),
        );
        const noun: Noun = { en: trade.en, enPlural: `${trade.en}s`, fr, frPlural: `${fr}s`, gender: subject.gender };
        // With an article, `he is` and `she is` are c'est.
        const who = subject === HE || subject === SHE ? { ...subject, fr: 'ce' } : subject;
        return sentence(
          statement({
            subject: who,
            verb: BE,
            tense: 'present',
            complements: [nounPhrase(noun, 'singular', 'a', [adjective])],
          }),
        );
      }
      const tense = become
        ? s.pick(['past', 'future'] as const)
        : s.pick(['present', 'present', 'past', 'future'] as const);
      return sentence(
        statement({
          subject,
          verb: become ? verb('become/devenir') : BE,
          tense,
          negation: s.chance(0.2) ? 'not' : undefined,
          complements: [
            both(`a ${trade.en}`, fr),
            ...(s.chance(0.5) ? [s.chance(0.5) ? inCity(s) : inCountry(s)] : []),
          ],
        }),
      );
    },
  },
  {
    name: 'age',
    weight: 1.5,
    draw: (s) => {
      const subject = s.pick([I, HE, SHE, THEY, WE, named(s.pick(NAMES)), relative(s, ANY_AGE)]);
      const age = s.between(5, 99);
      return sentence(
        statement({
          subject,
          verb: verb('be/avoir', true),
          tense: s.pick(['present', 'present', 'future'] as const),
          complements: [both(`${spellEnglish(age)} years old`, `${spellFrench(age)} ans`)],
        }),
      );
    },
  },
  {
    name: 'avoir where English has to be',
    weight: 2.5,
    draw: (s) =>
      sentence(
        statement({
          subject: anybody(s),
          verb: s.pick(BODILY),
          tense: s.pick(['present', 'present', 'past'] as const),
          negation: s.chance(0.35) ? s.pick(['not', 'never', 'noLonger'] as const) : undefined,
        }),
      ),
  },
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
      // The one who is missed is the French subject.
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

/** There is, isn't, was: French counts nothing and keeps il y a in the singular. */
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

function cityAsOwner(place: { en: string; frFrom: string }): Phrase {
  return both(`in ${place.en}`, place.frFrom);
}

function somebodyPlain(sampler: Sampler): Actor {
  return sampler.chance(0.4) ? sampler.pick([HE, SHE, THEY, WE, I]) : somebody(sampler);
}
