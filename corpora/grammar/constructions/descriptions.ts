import {
  anybody,
  HE,
  I,
  named,
  ofSomebody,
  otherPerson,
  pronounFor,
  relative,
  SHE,
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
  CLOTHES,
  FOOD_COUNT,
  FURNITURE,
  HOMES,
  OPENABLE,
  READING,
  RELATIVES,
  TRADES,
  VEHICLES,
} from '../lexicon/nouns.js';
import { NAMES } from '../lexicon/people.js';
import { CITIES, COUNTRIES, SPOTS } from '../lexicon/places.js';
import { BE, verb } from '../lexicon/verbs.js';
import { definiteArticle, nounPhrase } from '../noun-phrase.js';
import { spellEnglish, spellFrench } from '../numbers.js';
import { adjectivesFor, compatiblePair, predicatesFor } from '../objects.js';
import type { Construction } from '../sentence.js';
import { both, COMMA, sentence, sequence } from '../sentence.js';
import { inCity, inCountry } from './shared.js';

/** English `to be` with an adjective that is a French verb with a noun: avoir faim. */
const BODILY = [
  'be hungry/avoir faim',
  'be thirsty/avoir soif',
  'be cold/avoir froid',
  'be hot/avoir chaud',
  'be right/avoir raison',
  'be wrong/avoir tort',
  'be sleepy/avoir sommeil',
].map((entry) => verb(entry, true));
/** Relatives who can be of any age. */
const ANY_AGE = RELATIVES.filter((noun) => !/father|mother/.test(noun.en));
const LATE = both('late', 'en retard');
const COMPARABLE = [...VEHICLES, ...HOMES, ...ANIMALS, ...FURNITURE, ...READING, ...CLOTHES];

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
        // Before an article, `he is` and `she is` become c'est.
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
];

/** An adjective after `to be`, with agreement. */
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

function cityAsOwner(place: { en: string; frFrom: string }): Phrase {
  return both(`in ${place.en}`, place.frFrom);
}
