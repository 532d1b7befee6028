import { anybody } from '../actors.js';
import type { Clause, Negation, Tense } from '../clause.js';
import { statement } from '../clause.js';
import { SPOTS } from '../lexicon/places.js';
import {
  ACTIVITIES,
  CONSUMPTION,
  GO,
  INVOLUNTARY,
  MOVEMENTS,
  REFLEXIVE,
  TOWARDS_PEOPLE,
  TOWARDS_PEOPLE_WITH_A,
  TRANSITIVE,
  verb,
} from '../lexicon/verbs.js';
import { nounPhrase } from '../noun-phrase.js';
import { definiteThing, objectOf } from '../objects.js';
import type { Sampler } from '../sampler.js';
import type { Construction } from '../sentence.js';
import { both, sentence } from '../sentence.js';
import { atClock, isDay, past } from '../times.js';
import { destination, place, placeFor, tenseAndTime, timed } from './shared.js';

const ADVERBS = [
  both('often', 'souvent'),
  both('always', 'toujours'),
  both('sometimes', 'parfois'),
  both('rarely', 'rarement'),
];
const MARRY = verb('get married/se marier');

/** Body care. The thing is the direct object, the reflexive pronoun the indirect one. */
const CARE = [
  [verb('wash/se laver'), both('hands', 'les mains')],
  [verb('wash/se laver'), both('hair', 'les cheveux')],
  [verb('brush/se brosser'), both('teeth', 'les dents')],
  [verb('wash/se laver'), both('feet', 'les pieds')],
  [verb('break/se casser'), both('arm', 'le bras')],
  [verb('break/se casser'), both('leg', 'la jambe')],
] as const;

export const STATEMENTS: readonly Construction[] = [
  {
    name: 'activities in time and place',
    weight: 5,
    draw: (s) => {
      const { tense, time } = tenseAndTime(s);
      const acting = s.pick(ACTIVITIES);
      const complements = s.chance(0.5) || time === undefined ? [placeFor(s, acting)] : [];
      return sentence(
        timed(
          s,
          natural({ subject: anybody(s), verb: acting, tense, negation: maybeNegation(s, tense), complements }),
          time,
        ),
      );
    },
  },
  {
    name: 'doing something to a thing',
    weight: 12,
    draw: (s) => {
      const { tense, time } = tenseAndTime(s);
      const subject = anybody(s);
      const verbOf = s.pick(TRANSITIVE);
      const negation = maybeNegation(s, tense);
      return sentence(
        timed(
          s,
          natural({
            subject,
            verb: verbOf,
            tense,
            negation,
            object: objectOf(s, verbOf, subject.owner, negation !== undefined),
          }),
          time,
        ),
      );
    },
  },
  {
    name: 'adverbs of frequency',
    weight: 3,
    draw: (s) => {
      const subject = anybody(s);
      const verbOf = s.pick(TRANSITIVE.slice(4));
      const object = s.chance(0.6) ? objectOf(s, verbOf, subject.owner) : undefined;
      const acting = s.pick(ACTIVITIES);
      const complements = object === undefined ? [placeFor(s, acting)] : [];
      return sentence(
        statement({
          subject,
          verb: object === undefined ? acting : verbOf,
          tense: 'present',
          adverb: s.pick(ADVERBS),
          object,
          complements,
        }),
      );
    },
  },
  {
    name: 'partitive articles',
    weight: 5,
    draw: (s) => {
      const { tense, time } = tenseAndTime(s);
      const verbOf = s.pick(CONSUMPTION);
      return sentence(
        timed(
          s,
          natural({
            subject: anybody(s),
            verb: verbOf,
            tense,
            negation: maybeNegation(s, tense, 0.45),
            object: nounPhrase(s.pick(verbOf.objects), 'singular', 'some'),
          }),
          time,
        ),
      );
    },
  },
  {
    name: 'movement with être',
    weight: 6,
    draw: (s) => {
      const { tense, time } = tenseAndTime(s);
      const subject = anybody(s);
      if (s.chance(0.5))
        return sentence(
          timed(
            s,
            natural({ subject, verb: GO, tense, negation: maybeNegation(s, tense), complements: [destination(s)] }),
            time,
          ),
        );
      const moving = s.pick(MOVEMENTS);
      const times = time ?? atClock(s);
      return sentence(
        timed(
          s,
          natural({
            subject,
            verb: moving,
            tense,
            negation: maybeNegation(s, tense),
            complements: s.chance(0.6) && isDay(time) ? [atClock(s)] : [],
          }),
          times,
        ),
      );
    },
  },
  {
    name: 'leaving a place',
    weight: 1,
    draw: (s) =>
      sentence(
        statement({
          subject: anybody(s),
          verb: verb('leave/quitter'),
          tense: s.pick(['past', 'future'] as const),
          object: nounPhrase(s.pick(SPOTS), 'singular', s.pick(['the', 'the', 'this'] as const)),
          complements: s.chance(0.7) ? [atClock(s)] : [],
        }),
      ),
  },
  {
    name: 'reflexive verbs',
    weight: 6,
    draw: (s) => {
      const { tense, time } = tenseAndTime(s);
      const complements = s.chance(0.5) && (time === undefined || isDay(time)) ? [atClock(s)] : [];
      return sentence(
        timed(
          s,
          natural({
            subject: anybody(s),
            verb: s.chance(0.06) ? MARRY : s.pick(REFLEXIVE),
            tense,
            negation: maybeNegation(s, tense),
            complements,
          }),
          time,
        ),
      );
    },
  },
  {
    name: 'body care: no agreement with an object behind',
    weight: 1.5,
    draw: (s) => {
      const [doing, part] = s.pick(CARE);
      const subject = anybody(s);
      // Several people have several arms.
      if (doing.en.base === 'break' && subject.number === 'plural')
        return sentence(statement({ subject, verb: s.pick(REFLEXIVE), tense: 'past' }));
      const tense: Tense = s.pick(['past', 'past', 'future', 'recent']);
      const object = { ...nounPhrase(SPOTS[0]!, 'singular', 'the'), en: `${subject.owner.en} ${part.en}`, fr: part.fr };
      return sentence(
        timed(
          s,
          { subject, verb: doing, tense, object, reflexiveIndirect: true },
          s.chance(0.6) ? (tense === 'past' ? past(s) : undefined) : undefined,
        ),
      );
    },
  },
  {
    name: 'nothing and nobody',
    weight: 3,
    draw: (s) => {
      const tense: Tense = s.pick(['present', 'past', 'past', 'future']);
      const subject = anybody(s);
      const nobody = s.chance(0.5);
      const doing = nobody
        ? s.pick([...TOWARDS_PEOPLE.filter((entry) => entry.en.base !== 'look'), ...TOWARDS_PEOPLE_WITH_A])
        : s.pick(TRANSITIVE.filter((entry) => entry.en.base !== 'listen'));
      return sentence(
        statement({
          subject,
          verb: doing,
          tense,
          negation: nobody ? 'nobody' : 'nothing',
          complements: s.chance(0.5) ? [place(s)] : tense === 'past' ? [past(s)] : [],
        }),
      );
    },
  },
  {
    name: 'already, not yet, never',
    weight: 3,
    draw: (s) => {
      const subject = anybody(s);
      const verbOf = s.pick(TRANSITIVE);
      const adverb = s.chance(0.5) ? both('already', 'déjà') : undefined;
      const negation = adverb === undefined ? s.pick(['never', 'notYet'] as const) : undefined;
      if (s.chance(0.35))
        return sentence(
          statement({
            subject,
            verb: s.pick(MOVEMENTS),
            tense: 'perfect',
            adverb,
            negation: negation === undefined ? undefined : 'notYet',
          }),
        );
      return sentence(
        statement({
          subject,
          verb: verbOf,
          tense: 'perfect',
          adverb,
          negation,
          object: definiteThing(s, verbOf.objects, subject.owner),
        }),
      );
    },
  },
  {
    name: 'just: venir de',
    weight: 2,
    draw: (s) => {
      const subject = anybody(s);
      const verbOf = s.pick(TRANSITIVE);
      return sentence(
        s.chance(0.3)
          ? statement({ subject, verb: s.pick([...MOVEMENTS, ...REFLEXIVE]), tense: 'recent' })
          : statement({ subject, verb: verbOf, tense: 'recent', object: objectOf(s, verbOf, subject.owner) }),
      );
    },
  },
];

/** A negation that is compatible with a tense. */
function negationFor(sampler: Sampler, tense: Tense): Negation {
  if (tense === 'present') return sampler.pick(['not', 'not', 'never', 'noLonger'] as const);
  if (tense === 'usedTo') return 'never';
  if (tense === 'perfect') return sampler.pick(['never', 'notYet'] as const);
  return sampler.pick(
    tense === 'future' ? (['not', 'never', 'noLonger'] as const) : (['not', 'not', 'never'] as const),
  );
}

export function maybeNegation(sampler: Sampler, tense: Tense, probability = 0.3): Negation | undefined {
  return tense !== 'usedTo' && sampler.chance(probability) ? negationFor(sampler, tense) : undefined;
}

/** Avoids English progressive forms of `never` and of verbs such as hear and find. */
export function natural(clause: Clause): Clause {
  if (clause.tense === 'progressive' && INVOLUNTARY.has(clause.verb.en.base))
    return natural({ ...clause, tense: 'present' });
  const ongoing = clause.tense === 'progressive' || clause.tense === 'nearFuture' || clause.tense === 'pastProgressive';
  return ongoing && clause.negation === 'never' ? { ...clause, negation: 'not' } : clause;
}
