import type { Actor } from '../actors.js';
import { anybody, HE, otherPerson, SHE, somebody, THEY, WE, YOU, youOf } from '../actors.js';
import type { Clause, Tense } from '../clause.js';
import { englishQuestion, frenchQuestion, statement } from '../clause.js';
import type { Phrase } from '../features.js';
import { MOODS } from '../lexicon/adjectives.js';
import { DRINKS, FOOD_COUNT, FOOD_MASS, RELATIVES } from '../lexicon/nouns.js';
import type { Vocative } from '../lexicon/people.js';
import { VOCATIVES } from '../lexicon/people.js';
import { SPOTS } from '../lexicon/places.js';
import {
  ACTIVITIES,
  BE,
  CAN,
  CONSUMPTION,
  GO,
  HAVE,
  INVOLUNTARY,
  MOVEMENTS,
  REFLEXIVE,
  TOWARDS_PEOPLE,
  TRANSITIVE,
  verb,
  WANT,
} from '../lexicon/verbs.js';
import { nounPhrase } from '../noun-phrase.js';
import { definiteThing, objectOf } from '../objects.js';
import type { Sampler } from '../sampler.js';
import type { Construction, Pair } from '../sentence.js';
import { both, COMMA, sentence, sequence } from '../sentence.js';
import { future, past } from '../times.js';
import { destination, inCity, inCountry, place, placeFor, tenseAndTime } from './shared.js';
import { predicate } from './descriptions.js';

const LIVE = verb('live/habiter');
const PRONOUN_SUBJECTS = [HE, SHE, WE, THEY, YOU];

/** A yes-no question, with inversion for polite `vous` and est-ce que otherwise. */
export function yesNo(clause: Clause): Phrase {
  return both(englishQuestion(clause), frenchQuestion(clause, '', clause.subject.form === 4));
}

/** A question with a question word, with est-ce que for tu and inversion otherwise. */
export function open(clause: Clause, opening: Phrase): Phrase {
  return both(englishQuestion(clause, opening.en), frenchQuestion(clause, opening.fr, clause.subject.form !== 1));
}

/** Adds a vocative at the start or end. */
export function addressed(sampler: Sampler, question: Phrase, vocative: Vocative): Pair {
  return sentence(sampler.chance(0.5) ? sequence(vocative, COMMA, question) : sequence(question, COMMA, vocative), '?');
}

/** A clause with an object, a place, a movement or a routine. */
function anyClause(sampler: Sampler, subject: Actor, tense: Tense, time?: Phrase): Clause {
  const when = time === undefined ? [] : [time];
  switch (sampler.between(1, 6)) {
    case 1:
      return activeClause(sampler, subject, tense, when);
    case 2:
      return { subject, verb: GO, tense, complements: [destination(sampler), ...when] };
    case 3:
      return {
        subject,
        verb: sampler.pick([...MOVEMENTS.slice(0, 6), ...REFLEXIVE.slice(0, 6)]),
        tense,
        complements: when,
      };
    case 4: {
      const consuming = sampler.pick(CONSUMPTION);
      return {
        subject,
        verb: consuming,
        tense,
        object: nounPhrase(sampler.pick(consuming.objects), 'singular', 'some'),
        complements: when,
      };
    }
    default: {
      const doing = sampler.pick(TRANSITIVE);
      return { subject, verb: doing, tense, object: objectOf(sampler, doing, subject.owner, true), complements: when };
    }
  }
}

function activeClause(sampler: Sampler, subject: Actor, tense: Tense, when: readonly Phrase[]): Clause {
  const acting = sampler.pick(ACTIVITIES);
  return { subject, verb: acting, tense, complements: [placeFor(sampler, acting), ...when] };
}

export const QUESTIONS: readonly Construction[] = [
  {
    name: 'yes or no',
    weight: 6,
    draw: (s) => {
      const { tense, time } = tenseAndTime(s);
      const subject = s.chance(0.15) ? YOU : anybody(s);
      const usual = tense === 'usedTo' ? 'past' : tense;
      return sentence(yesNo(anyClause(s, subject, usual, tense === 'usedTo' ? undefined : time)), '?');
    },
  },
  {
    name: 'yes or no, to somebody: tu and vous',
    weight: 5,
    draw: (s) => {
      const vocative = s.pick(VOCATIVES);
      const subject = youOf(vocative);
      const tense: Tense = s.pick(['present', 'past', 'past', 'future', 'nearFuture', 'progressive']);
      const time = s.chance(0.3)
        ? tense === 'past'
          ? past(s)
          : tense === 'future' || tense === 'nearFuture'
            ? future(s)
            : undefined
        : undefined;
      return addressed(s, yesNo(anyClause(s, subject, tense, time)), vocative);
    },
  },
  {
    name: 'how somebody is, to somebody',
    weight: 2.5,
    draw: (s) => {
      const vocative = s.pick(VOCATIVES);
      return addressed(
        s,
        yesNo({
          subject: youOf(vocative),
          verb: BE,
          tense: s.pick(['present', 'past'] as const),
          complements: [predicate(s.pick(MOODS.slice(0, 11)), vocative)],
          negation: s.chance(0.15) ? 'not' : undefined,
        }),
        vocative,
      );
    },
  },
  {
    name: 'negative questions',
    weight: 2,
    draw: (s) =>
      sentence(
        yesNo({ ...anyClause(s, anybody(s), s.pick(['present', 'past', 'future'] as const)), negation: 'not' }),
        '?',
      ),
  },
  {
    name: 'where, when, why, how',
    weight: 6,
    draw: (s) => {
      const subject = s.chance(0.6) ? s.pick(PRONOUN_SUBJECTS) : somebody(s, false);
      const tense: Tense = s.pick(['present', 'past', 'past', 'future']);
      const kind = s.between(1, 4);
      const opening = [
        both('where', 'où'),
        both('when', 'quand'),
        both('why', 'pourquoi'),
        both('at what time', 'à quelle heure'),
      ][kind - 1]!;
      if (kind === 1) {
        const doing = s.pick([LIVE, GO, verb('work/travailler'), verb('sleep/dormir'), verb('study/étudier')]);
        if (s.chance(0.4)) {
          const finding = s.pick(
            TRANSITIVE.filter((entry) => ['buy', 'find', 'lose', 'forget'].includes(entry.en.base)),
          );
          return sentence(
            open(
              { subject, verb: finding, tense: 'past', object: definiteThing(s, finding.objects, subject.owner) },
              opening,
            ),
            '?',
          );
        }
        return sentence(open({ subject, verb: doing, tense }, opening), '?');
      }
      if (kind === 3)
        return sentence(
          open({ ...anyClause(s, subject, tense), negation: s.chance(0.3) ? 'not' : undefined }, opening),
          '?',
        );
      const doing = s.pick([...MOVEMENTS.slice(0, 6), ...REFLEXIVE.slice(0, 3)]);
      return sentence(
        open(
          {
            subject,
            verb: doing,
            tense,
            complements:
              s.chance(0.4) && tense === 'past' ? [past(s)] : s.chance(0.3) && tense === 'future' ? [future(s)] : [],
          },
          opening,
        ),
        '?',
      );
    },
  },
  {
    name: 'question words, to somebody',
    weight: 3,
    draw: (s) => {
      const vocative = s.pick(VOCATIVES);
      const subject = youOf(vocative);
      const tense: Tense = s.pick(['present', 'past', 'future']);
      const opening = s.pick([both('where', 'où'), both('when', 'quand'), both('why', 'pourquoi')]);
      const doing =
        opening.en === 'where'
          ? s.pick([LIVE, GO, ...ACTIVITIES.slice(0, 4)])
          : s.pick([...MOVEMENTS.slice(0, 5), ...REFLEXIVE.slice(0, 4), ...ACTIVITIES.slice(0, 8)]);
      return addressed(
        s,
        open(
          { subject, verb: doing, tense: opening.en === 'why' ? s.pick(['past', 'progressive'] as const) : tense },
          opening,
        ),
        vocative,
      );
    },
  },
  {
    name: "what: que and qu'est-ce que",
    weight: 3,
    draw: (s) => {
      const subject = s.chance(0.5) ? s.pick(PRONOUN_SUBJECTS) : somebody(s, false);
      const doing = s.pick(TRANSITIVE);
      const clause: Clause = {
        subject,
        verb: doing,
        tense: s.pick(['present', 'past', 'progressive', 'future', 'nearFuture'] as const),
        complements: s.chance(0.4) ? [place(s)] : [],
      };
      return sentence(both(englishQuestion(clause, 'what'), frenchQuestion(clause, 'que')), '?');
    },
  },
  {
    name: 'which',
    weight: 2,
    draw: (s) => {
      const subject = s.pick(PRONOUN_SUBJECTS);
      const doing = s.pick(
        TRANSITIVE.filter((entry) =>
          ['buy', 'read', 'choose', 'wear', 'lose', 'find', 'borrow', 'sell', 'repair'].includes(entry.en.base),
        ),
      );
      const noun = s.pick(doing.objects);
      const number = s.chance(0.7) ? 'singular' : 'plural';
      const which = `quel${noun.gender === 'f' ? 'le' : ''}${number === 'plural' ? 's' : ''}`;
      const opening = both(
        `which ${number === 'plural' ? noun.enPlural : noun.en}`,
        `${which} ${number === 'plural' ? noun.frPlural : noun.fr}`,
      );
      return sentence(
        open(
          {
            subject,
            verb: doing,
            tense: s.pick(['past', 'past', 'future'] as const),
            antecedent: { gender: noun.gender, number },
          },
          opening,
        ),
        '?',
      );
    },
  },
  {
    name: 'who',
    weight: 2,
    draw: (s) => {
      const who: Actor = { ...HE, en: 'who', fr: 'qui' };
      return sentence(statement(anyClause(s, who, s.pick(['past', 'past', 'future', 'present'] as const))), '?');
    },
  },
  {
    name: 'offers and wishes',
    weight: 2.5,
    draw: (s) => {
      const vocative = s.pick(VOCATIVES);
      const food = s.chance(0.6)
        ? nounPhrase(s.pick([...DRINKS, ...FOOD_MASS]), 'singular', 'some')
        : nounPhrase(s.pick(FOOD_COUNT), 'singular', 'a');
      return addressed(
        s,
        yesNo({ subject: youOf(vocative), verb: s.chance(0.5) ? WANT : HAVE, tense: 'present', object: food }),
        vocative,
      );
    },
  },
  {
    name: 'can and want, as questions',
    weight: 3,
    draw: (s) => {
      const vocative = s.pick(VOCATIVES);
      const subject = youOf(vocative);
      const kind = s.between(1, 3);
      const catenative = s.pick([CAN, CAN, WANT]);
      if (kind === 1)
        return addressed(
          s,
          yesNo({
            subject,
            verb: s.pick(TOWARDS_PEOPLE),
            tense: 'present',
            catenative,
            clitics: [
              s.pick([
                { en: 'me', fr: 'me' },
                { en: 'us', fr: 'nous' },
                { en: 'him', fr: 'le_' },
                { en: 'her', fr: 'la_' },
                { en: 'them', fr: 'les_' },
              ]),
            ],
          }),
          vocative,
        );
      if (kind === 2)
        return addressed(
          s,
          yesNo({
            subject,
            verb: s.pick(TOWARDS_PEOPLE.slice(0, 5)),
            tense: 'present',
            catenative,
            object: otherPerson(s, subject),
          }),
          vocative,
        );
      const doing = s.pick(TRANSITIVE.filter((entry) => !INVOLUNTARY.has(entry.en.base)));
      return addressed(
        s,
        yesNo({
          subject,
          verb: doing,
          tense: 'present',
          catenative,
          object: definiteThing(s, doing.objects, subject.owner),
        }),
        vocative,
      );
    },
  },
  {
    name: 'family and places, politely',
    weight: 1.5,
    draw: (s) => {
      const relation = nounPhrase(s.pick(RELATIVES), 'singular', { owner: YOU.owner });
      const asked: Clause = {
        subject: relation,
        verb: s.pick([LIVE, verb('work/travailler')]),
        tense: 'present',
        complements: [s.chance(0.3) ? s.pick(SPOTS).at : s.chance(0.5) ? inCity(s) : inCountry(s)],
      };
      return sentence(yesNo(asked), '?');
    },
  },
];
