import { actorFrom, anybody, ofSomebody, otherPerson } from '../actors.js';
import type { Tense } from '../clause.js';
import { statement } from '../clause.js';
import { INSTRUMENTS } from '../lexicon/nouns.js';
import { SPOTS } from '../lexicon/places.js';
import {
  ACTIVITIES,
  CATENATIVES,
  FEELINGS,
  GIVING,
  INVOLUNTARY,
  MOVEMENTS,
  REFLEXIVE,
  TOWARDS_PEOPLE,
  TOWARDS_PEOPLE_WITH_A,
  TRANSITIVE,
  verb,
} from '../lexicon/verbs.js';
import { nounPhrase } from '../noun-phrase.js';
import { thing } from '../objects.js';
import type { Construction } from '../sentence.js';
import { both, sentence } from '../sentence.js';
import { atClock, habit, since } from '../times.js';
import { inCity, inCountry, place, placeFor, tenseAndTime, timed } from './shared.js';
import { maybeNegation, natural } from './statements.js';

const PLAY_MUSIC = verb('play/jouer de');
const PLAY_GAMES = verb('play/jouer à');
const LIVE = verb('live/habiter');
const GAMES = [
  both('football', 'le football'),
  both('tennis', 'le tennis'),
  both('chess', 'les échecs'),
  both('cards', 'les cartes'),
  both('rugby', 'le rugby'),
];

export const VERB_PATTERNS: readonly Construction[] = [
  {
    name: 'for and since: depuis',
    weight: 3,
    draw: (s) => {
      const subject = anybody(s);
      const acting = s.chance(0.3) ? LIVE : s.pick(ACTIVITIES);
      return sentence(
        statement({
          subject,
          verb: acting,
          tense: 'since',
          complements: [
            ...(acting === LIVE || s.chance(0.5)
              ? [acting === LIVE && s.chance(0.5) ? inCity(s) : acting === LIVE ? inCountry(s) : placeFor(s, acting)]
              : []),
            since(s),
          ],
        }),
      );
    },
  },
  {
    name: 'living somewhere',
    weight: 2,
    draw: (s) =>
      sentence(
        statement({
          subject: anybody(s),
          verb: LIVE,
          tense: s.pick(['present', 'usedTo', 'future'] as const),
          negation: s.chance(0.15) ? 'noLonger' : undefined,
          complements: [s.chance(0.5) ? inCity(s) : inCountry(s)],
        }),
      ),
  },
  {
    name: 'giving',
    weight: 4,
    draw: (s) => {
      const { tense, time } = tenseAndTime(s);
      const subject = anybody(s);
      const giving = s.pick(GIVING);
      const person = otherPerson(s, subject);
      return sentence(
        timed(
          s,
          natural({
            subject,
            verb: giving,
            tense,
            negation: maybeNegation(s, tense, 0.15),
            object: thing(s, giving.objects, subject.owner),
            complements: [both(`to ${person.en}`, `à ${person.fr}`)],
          }),
          time,
        ),
      );
    },
  },
  {
    name: 'people and people',
    weight: 5,
    draw: (s) => {
      const { tense, time } = tenseAndTime(s);
      const subject = anybody(s);
      return sentence(
        timed(
          s,
          natural({
            subject,
            verb: s.pick(s.chance(0.5) ? TOWARDS_PEOPLE : TOWARDS_PEOPLE_WITH_A),
            tense,
            negation: maybeNegation(s, tense),
            object: otherPerson(s, subject),
          }),
          time,
        ),
      );
    },
  },
  {
    name: 'feelings',
    weight: 2,
    draw: (s) => {
      const subject = anybody(s);
      return sentence(
        statement({
          subject,
          verb: s.pick(FEELINGS),
          tense: s.pick(['present', 'present', 'past'] as const),
          negation: s.chance(0.3) ? s.pick(['not', 'noLonger'] as const) : undefined,
          object: otherPerson(s, subject),
        }),
      );
    },
  },
  {
    name: 'verbs before an infinitive',
    weight: 7,
    draw: (s) => {
      const subject = anybody(s);
      const catenative = s.pick(CATENATIVES);
      const tense: Tense =
        catenative.defective || catenative.stative
          ? s.pick(catenative.defective ? (['present'] as const) : (['present', 'present', 'past'] as const))
          : s.pick(['past', 'past', 'future'] as const);
      const negation =
        s.chance(0.3) && ['can', 'must', 'want', 'need'].includes(catenative.en.base) ? 'not' : undefined;
      const kind = s.between(1, 4);
      if (kind === 1)
        return sentence(
          statement({
            subject,
            verb: s.pick([...REFLEXIVE.slice(0, 6), ...MOVEMENTS.slice(0, 6)]),
            tense,
            catenative,
            negation,
            complements: s.chance(0.4) ? [atClock(s)] : [],
          }),
        );
      const acting = s.pick(ACTIVITIES);
      if (kind === 2)
        return sentence(
          statement({ subject, verb: acting, tense, catenative, negation, complements: [placeFor(s, acting)] }),
        );
      const verbOf = s.pick(TRANSITIVE.filter((entry) => !INVOLUNTARY.has(entry.en.base)));
      return sentence(
        statement({
          subject,
          verb: verbOf,
          tense,
          catenative,
          negation,
          object: thing(s, verbOf.objects, subject.owner),
        }),
      );
    },
  },
  {
    name: 'music and games: jouer de, jouer à',
    weight: 2,
    draw: (s) => {
      const { tense, time } = tenseAndTime(s);
      const subject = anybody(s);
      const negation = maybeNegation(s, tense);
      if (s.chance(0.5))
        return sentence(
          timed(
            s,
            natural({
              subject,
              verb: PLAY_MUSIC,
              tense,
              negation,
              object: nounPhrase(s.pick(INSTRUMENTS), 'singular', 'the'),
            }),
            time,
          ),
        );
      const game = s.pick(GAMES);
      return sentence(
        timed(
          s,
          natural({
            subject,
            verb: PLAY_GAMES,
            tense,
            negation,
            object: { ...nounPhrase(SPOTS[0]!, 'singular', 'the'), ...game },
          }),
          time,
        ),
      );
    },
  },
  {
    name: "somebody's things",
    weight: 3,
    draw: (s) => {
      const subject = anybody(s);
      const verbOf = s.pick(
        TRANSITIVE.filter((entry) =>
          [
            'find',
            'lose',
            'look',
            'forget',
            'read',
            'open',
            'wash',
            'repair',
            'borrow',
            'wear',
            'sell',
            'buy',
          ].includes(entry.en.base),
        ),
      );
      const owner = actorFrom(otherPerson(s, subject));
      return sentence(
        statement({
          subject,
          verb: verbOf,
          tense: s.pick(['past', 'future', 'progressive'] as const),
          negation: s.chance(0.2) ? 'not' : undefined,
          object: ofSomebody(owner, s.pick(verbOf.objects), s.chance(0.8) ? 'singular' : 'plural'),
          complements: s.chance(0.3) ? [place(s)] : [],
        }),
      );
    },
  },
  {
    name: 'used to',
    weight: 2,
    draw: (s) => {
      const subject = anybody(s);
      const acting = s.pick([...ACTIVITIES, ...REFLEXIVE.slice(0, 6)]);
      return sentence(
        timed(
          s,
          {
            subject,
            verb: acting,
            tense: 'usedTo',
            complements: !acting.fr.reflexive && s.chance(0.5) ? [placeFor(s, acting)] : [],
          },
          habit(s),
        ),
      );
    },
  },
];
