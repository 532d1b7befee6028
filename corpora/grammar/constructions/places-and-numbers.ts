import type { Actor } from '../actors.js';
import { anybody, named, relative, SHE, HE } from '../actors.js';
import { statement } from '../clause.js';
import type { Phrase } from '../features.js';
import { BELONGINGS, CLOTHES, FOOD_COUNT, FURNITURE, VEHICLES } from '../lexicon/nouns.js';
import { NAMES } from '../lexicon/people.js';
import { CITIES, COUNTRIES, LANGUAGES, SPOTS } from '../lexicon/places.js';
import { verb } from '../lexicon/verbs.js';
import { nounPhrase, OWNERS } from '../noun-phrase.js';
import { digitsEnglish, digitsFrench, ordinal, spellEnglish, spellFrench } from '../numbers.js';
import type { Sampler } from '../sampler.js';
import type { Construction } from '../sentence.js';
import { both, line, sentence, sequence } from '../sentence.js';
import { placeFor } from './shared.js';
import { clock, date, day, dayOfMonth, digitalClock, duration, past } from '../times.js';

const COME_FROM = verb('come from/venir', true);
const SPEAK = verb('speak/parler');
const LEARN = verb('learn/apprendre');
const BE_BORN = verb('be/naître');
const COST = verb('cost/coûter', true);
const MEASURED = [both('kilos of', 'kilos de'), both('boxes of', 'boîtes de')];
const HOLDERS = [
  [SPOTS.find((spot) => spot.en === 'hotel')!, both('rooms', 'chambres'), 'f'],
  [SPOTS.find((spot) => spot.en === 'village')!, both('inhabitants', 'habitants'), 'm'],
  [SPOTS.find((spot) => spot.en === 'library')!, both('books', 'livres'), 'm'],
  [SPOTS.find((spot) => spot.en === 'university')!, both('students', 'étudiants'), 'm'],
  [SPOTS.find((spot) => spot.en === 'theatre')!, both('seats', 'places'), 'f'],
  [SPOTS.find((spot) => spot.en === 'factory')!, both('workers', 'ouvriers'), 'm'],
] as const;

function from(place: { en: string; frFrom: string }): Phrase {
  return both(place.en, place.frFrom);
}

export const PLACES_AND_NUMBERS: readonly Construction[] = [
  {
    name: 'coming from',
    weight: 3,
    draw: (s) => {
      const origin = from(s.chance(0.6) ? s.pick(COUNTRIES) : s.pick(CITIES));
      if (s.chance(0.5))
        return sentence(
          statement({
            subject: anybody(s),
            verb: COME_FROM,
            tense: 'present',
            negation: s.chance(0.25) ? 'not' : undefined,
            complements: [origin],
          }),
        );
      const tense = s.pick(['past', 'past', 'recent'] as const);
      return sentence(
        statement({
          subject: anybody(s),
          verb: verb('come back from/revenir'),
          tense,
          complements: tense === 'past' && s.chance(0.6) ? [origin, past(s)] : [origin],
        }),
      );
    },
  },
  {
    name: 'from one place to another',
    weight: 1.5,
    draw: (s) => {
      const [one, other] = s.pickTwo(CITIES);
      const trip = both(`from ${one.en} to ${other.en}`, `${one.frFrom} ${other.frIn}`);
      const by = s.pick([
        both('by train', 'en train'),
        both('by car', 'en voiture'),
        both('by plane', 'en avion'),
        both('by bicycle', 'à vélo'),
        both('by bus', 'en bus'),
      ]);
      return sentence(
        statement({
          subject: anybody(s),
          verb: s.pick([verb('go/aller'), verb('travel/voyager')]),
          tense: s.pick(['past', 'future', 'nearFuture'] as const),
          complements: [trip, by],
        }),
      );
    },
  },
  {
    name: 'languages',
    weight: 2.5,
    draw: (s) => {
      const [one, other] = s.pickTwo(LANGUAGES);
      const subject = anybody(s);
      // In French, `parler` takes a language without an article, `apprendre` with one.
      const negation = s.chance(0.3) ? 'not' : undefined;
      if (s.chance(0.5))
        return sentence(
          statement({
            subject,
            verb: SPEAK,
            tense: 'present',
            negation,
            complements: [
              negation !== undefined || s.chance(0.5)
                ? one
                : both(`${one.en} and ${other.en}`, `${one.fr} et ${other.fr}`),
            ],
          }),
        );
      const learning = both(one.en, `le ${one.fr}`);
      return sentence(
        s.chance(0.5)
          ? statement({
              subject,
              verb: LEARN,
              tense: s.pick(['progressive', 'past', 'future'] as const),
              complements: [
                learning,
                ...(s.chance(0.5)
                  ? [s.pick([both('at school', "à l'école"), both('at the university', "à l'université")])]
                  : []),
              ],
            })
          : statement({ subject, verb: LEARN, tense: 'since', complements: [learning, forDuration(s)] }),
      );
    },
  },
  {
    name: 'births',
    weight: 2,
    draw: (s) => {
      const where = s.chance(0.5) ? s.pick(CITIES) : s.pick(COUNTRIES);
      const year = s.between(1930, 2020);
      const when = s.chance(0.5) ? both(`in ${year}`, `en ${year}`) : date(s, [1930, 2020], 'year');
      return sentence(birth(anybody(s), both(`in ${where.en}`, where.frIn), when));
    },
  },
  {
    name: 'dates',
    weight: 2.5,
    draw: (s) => {
      const kind = s.between(1, 3);
      const when = date(s, [2025, 2035]);
      if (kind === 1) {
        const shown = dayOfMonth(s.between(1, 28), s.between(0, 11));
        const weekday = day(s);
        return sentence(both(`today is ${weekday.en} ${shown.en}`, `aujourd'hui , c'est le ${weekday.fr} ${shown.fr}`));
      }
      if (kind === 2) {
        const owner = s.chance(0.5) ? named(s.pick(NAMES)) : relative(s);
        const shown = dayOfMonth(s.between(1, 28), s.between(0, 11));
        return sentence(
          both(`${owner.en}'s birthday is on ${shown.en}`, `l'anniversaire de ${owner.fr} est le ${shown.fr}`),
        );
      }
      const event = s.pick([
        both('the exam', "l'examen"),
        both('the match', 'le match'),
        both('the party', 'la fête'),
        both('the concert', 'le concert'),
        both('the wedding', 'le mariage'),
        both('the meeting', 'la réunion'),
      ]);
      return sentence(both(`${event.en} will be ${when.en}`, `${event.fr} aura lieu ${when.fr}`));
    },
  },
  {
    name: 'clock times',
    weight: 2,
    draw: (s) => {
      const hour = s.between(0, 23);
      const minute = 5 * s.between(0, 11);
      const time = s.chance(0.75) ? clock(hour, minute) : digitalClock(hour, minute === 0 ? 5 : minute);
      if (s.chance(0.3)) return sentence(both(`it is ${time.en}`, `il est ${time.fr}`));
      const thing = s.pick([
        both('the train', 'le train'),
        both('the plane', "l'avion"),
        both('the film', 'le film'),
        both('the concert', 'le concert'),
        both('the lesson', 'la leçon'),
        both('the match', 'le match'),
      ]);
      const [starts, frStarts] =
        thing.en === 'the train' || thing.en === 'the plane'
          ? s.pick([
              ['leaves', 'part'],
              ['arrives', 'arrive'],
            ] as const)
          : s.pick([
              ['starts', 'commence'],
              ['ends', 'finit'],
            ] as const);
      return sentence(both(`${thing.en} ${starts} at ${time.en}`, `${thing.fr} ${frStarts} à ${time.fr}`));
    },
  },
  {
    name: 'prices',
    weight: 2.5,
    draw: (s) => {
      const dear = s.chance(0.5);
      const noun = s.pick(dear ? [...VEHICLES, ...FURNITURE] : [...CLOTHES, ...BELONGINGS, ...FURNITURE]);
      const subject = nounPhrase(
        noun,
        s.chance(0.8) ? 'singular' : 'plural',
        s.pick(['the', 'this', { owner: OWNERS.je }] as const),
      );
      const spelt = s.chance(0.4);
      const price = spelt ? s.between(2, 99) : dear ? 50 * s.between(2, 400) : s.between(3, 150);
      const amount = spelt
        ? both(spellEnglish(price), spellFrench(price))
        : both(digitsEnglish(price), digitsFrench(price));
      return sentence(
        statement({
          subject,
          verb: COST,
          tense: s.pick(['present', 'present', subject.number === 'plural' ? 'future' : 'past'] as const),
          complements: [both(`${amount.en} euros`, `${amount.fr} euros`)],
        }),
      );
    },
  },
  {
    name: 'large numbers',
    weight: 2.5,
    draw: (s) => {
      const [noun, content, gender] = s.pick(HOLDERS);
      const spelt = s.chance(0.4);
      const value = spelt ? s.between(20, 999) : 100 * s.between(2, 300);
      const amount = spelt
        ? both(spellEnglish(value), spellFrench(value, gender))
        : both(digitsEnglish(value), digitsFrench(value));
      const subject = nounPhrase(noun, 'singular', s.pick(['the', 'this'] as const));
      return sentence(
        both(`${subject.en} has ${amount.en} ${content.en}`, `${subject.fr} compte ${amount.fr} ${content.fr}`),
      );
    },
  },
  {
    name: 'counting purchases',
    weight: 2,
    draw: (s) => {
      const noun = s.pick(FOOD_COUNT.filter((entry) => entry.en !== 'lobster'));
      const count = s.between(2, 99);
      const object = s.chance(0.6) ? nounPhrase(noun, 'plural', { count }) : undefined;
      const measure = s.pick(MEASURED);
      const few = s.between(2, 12);
      const words =
        object ??
        both(
          `${spellEnglish(few)} ${measure.en} ${noun.enPlural}`,
          `${spellFrench(few, measure.fr.startsWith('b') ? 'f' : 'm')} ${measure.fr} ${noun.frPlural}`,
        );
      return sentence(
        statement({
          subject: anybody(s),
          verb: s.pick([verb('buy/acheter'), verb('order/commander'), verb('sell/vendre')]),
          tense: s.pick(['past', 'past', 'future', 'nearFuture'] as const),
          complements: [words],
        }),
      );
    },
  },
  {
    name: 'floors and rows: ordinals',
    weight: 1.5,
    draw: (s) => {
      const kind = s.pick(['floor', 'row', 'street'] as const);
      const rank = ordinal(s.between(1, 12), kind === 'street' ? 'f' : 'm');
      if (kind === 'street') {
        const side = s.pick([both('on the left', 'à gauche'), both('on the right', 'à droite')]);
        return sentence(both(`it is the ${rank.en} street ${side.en}`, `c'est la ${rank.fr} rue ${side.fr}`));
      }
      const where =
        kind === 'floor'
          ? both(`on the ${rank.en} floor`, `à le ${rank.fr} étage`)
          : both(`in the ${rank.en} row`, `à le ${rank.fr} rang`);
      return sentence(
        statement({
          subject: anybody(s),
          verb: kind === 'floor' ? verb('live/habiter') : verb('be/être', true),
          tense: s.pick(['present', 'future', kind === 'floor' ? 'usedTo' : 'past'] as const),
          complements: [where],
        }),
      );
    },
  },
  {
    name: 'how long',
    weight: 2,
    draw: (s) => {
      const acting = s.pick([
        verb('work/travailler'),
        verb('wait/attendre'),
        verb('sleep/dormir'),
        verb('travel/voyager'),
        verb('study/étudier'),
      ]);
      const count = s.between(2, 12);
      const time = ['wait', 'sleep'].includes(acting.en.base)
        ? both(`${spellEnglish(count)} hours`, `${spellFrench(count, 'f')} heures`)
        : duration(s, 4);
      return sentence(
        statement({
          subject: anybody(s),
          verb: acting,
          tense: s.pick(['past', 'past', 'future'] as const),
          complements: [both(`for ${time.en}`, `pendant ${time.fr}`), ...(s.chance(0.4) ? [placeFor(s, acting)] : [])],
        }),
      );
    },
  },
  {
    name: 'introductions',
    weight: 1.5,
    draw: (s) => {
      const person = relative(s);
      const name = named(s.pick(NAMES.filter(([, gender]) => gender === person.gender)));
      const pronoun = person.gender === 'f' ? SHE : HE;
      return line(
        sentence(both(`this is ${person.en} ${name.en}`, `voici ${person.fr} ${name.fr}`)),
        sentence(
          statement({
            subject: pronoun,
            verb: COME_FROM,
            tense: 'present',
            complements: [from(s.chance(0.5) ? s.pick(COUNTRIES) : s.pick(CITIES))],
          }),
        ),
      );
    },
  },
  {
    name: 'names',
    weight: 1,
    draw: (s) => {
      const person = s.pick([relative(s), HE, SHE]);
      const name = s.pick(NAMES.filter(([, gender]) => gender === person.gender))[0];
      const whose = person === HE ? 'his' : person === SHE ? 'her' : `${person.en}'s`;
      const introduction = both(`${whose} name is ${name}`, `${person.fr} se appelle ${name}`);
      const aged = statement({
        subject: person.gender === 'f' ? SHE : HE,
        verb: verb('be/avoir', true),
        tense: 'present',
        complements: [ageOf(s)],
      });
      return sentence(s.chance(0.5) ? sequence(introduction, both('and', 'et'), aged) : introduction);
    },
  },
];

function ageOf(sampler: Sampler): Phrase {
  const age = sampler.between(30, 90);
  return both(`${spellEnglish(age)} years old`, `${spellFrench(age)} ans`);
}

function forDuration(sampler: Sampler): Phrase {
  const time = duration(sampler);
  return both(`for ${time.en}`, `depuis ${time.fr}`);
}

/** `was born`, with être and agreement in French. */
function birth(subject: Actor, where: Phrase, when: Phrase): Phrase {
  const french = statement({ subject, verb: BE_BORN, tense: 'past', complements: [where, when] }).fr;
  const english = statement({
    subject,
    verb: verb('be/être', true),
    tense: 'past',
    complements: [both('born', ''), where, when],
  }).en;
  return both(english, french);
}
