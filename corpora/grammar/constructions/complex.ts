import type { Actor } from '../actors.js';
import { actorFrom, anybody, HE, I, named, SHE, THEY, WE } from '../actors.js';
import type { Clause } from '../clause.js';
import { statement } from '../clause.js';
import type { Phrase } from '../features.js';
import { OF_PLACES, TRAITS } from '../lexicon/adjectives.js';
import { ANIMALS, HOMES, PEOPLE, RELATIVES, VEHICLES } from '../lexicon/nouns.js';
import { NAMES } from '../lexicon/people.js';
import { SPOTS } from '../lexicon/places.js';
import {
  ACTIVITIES,
  BE,
  INVOLUNTARY,
  MOVEMENTS,
  REFLEXIVE,
  TOWARDS_PEOPLE,
  TRANSITIVE,
  verb,
} from '../lexicon/verbs.js';
import { nounPhrase } from '../noun-phrase.js';
import { adjectivesFor, definiteThing, predicatesFor } from '../objects.js';
import type { Sampler } from '../sampler.js';
import type { Construction } from '../sentence.js';
import { both, COMMA, sentence, sequence } from '../sentence.js';
import { past } from '../times.js';
import { predicate } from './descriptions.js';
import { pronounForActor } from './pronouns.js';
import { inCity, placeFor } from './shared.js';

const KNOW = verb('know/connaître', true);
const LIVE = verb('live/habiter');
const WEATHER = [
  both('it rains', 'il pleut'),
  both('it snows', 'il neige'),
  both('it is cold', 'il fait froid'),
  both('it is hot', 'il fait chaud'),
];

export const COMPLEX: readonly Construction[] = [
  {
    name: 'relative clauses with who: qui',
    weight: 3.5,
    draw: (s) => {
      const person = actorFrom(nounPhrase(s.pick(PEOPLE), s.chance(0.75) ? 'singular' : 'plural', 'the'));
      const who: Actor = { ...person, en: 'who', fr: 'qui' };
      const clause: Clause = s.chance(0.5)
        ? {
            subject: who,
            ...(s.chance(0.5)
              ? { verb: LIVE, complements: [inCity(s)] }
              : { verb: verb('work/travailler'), complements: [s.pick(SPOTS).at] }),
            tense: 'present',
          }
        : short(s, who, s.pick(['progressive', 'past'] as const));
      const described = { ...person, ...sequence(person, statement(clause)) };
      if (s.chance(0.5))
        return sentence(
          statement({
            subject: described,
            verb: BE,
            tense: 'present',
            complements: [predicate(s.pick(TRAITS), person)],
          }),
        );
      return sentence(
        statement({
          subject: s.pick([I, WE, HE, SHE, named(s.pick(NAMES))]),
          verb: s.pick(TOWARDS_PEOPLE),
          tense: s.pick(['past', 'future'] as const),
          object: described,
        }),
      );
    },
  },
  {
    name: 'relative clauses with that: que, and the participle agrees',
    weight: 5,
    draw: (s) => {
      const doing = s.pick(
        TRANSITIVE.filter((entry) =>
          [
            'buy',
            'sell',
            'find',
            'lose',
            'read',
            'write',
            'repair',
            'choose',
            'borrow',
            'see',
            'receive',
            'wash',
            'draw',
          ].includes(entry.en.base),
        ),
      );
      const noun = s.pick(doing.objects);
      const head = nounPhrase(noun, s.chance(0.7) ? 'singular' : 'plural', 'the');
      const buyer = anybody(s);
      const clause: Clause = {
        subject: buyer,
        verb: doing,
        tense: 'past',
        antecedent: head,
        complements: s.chance(0.4) ? [past(s)] : [],
      };
      const described = sequence(head, relativeClause(both('that', 'que'), clause));
      const adjectives = predicatesFor(noun);
      if (adjectives.length > 0 && s.chance(0.6))
        return sentence(
          statement({
            subject: { ...head, ...described },
            verb: BE,
            tense: s.pick(['present', 'past'] as const),
            complements: [predicate(s.pick(adjectives), head)],
          }),
        );
      return sentence(
        statement({
          subject: s.pick([I, WE, named(s.pick(NAMES))].filter((entry) => entry.en !== buyer.en)),
          verb: s.pick([verb('like/aimer', true), verb('look for/chercher'), verb('find/trouver')]),
          tense: s.pick(['past', 'present'] as const),
          object: { ...head, ...described },
        }),
      );
    },
  },
  {
    name: 'relative clauses with where and whose: où, dont',
    weight: 2.5,
    draw: (s) => {
      if (s.chance(0.5)) {
        const head = nounPhrase(s.pick([...HOMES, ...SPOTS.slice(0, 8)]), 'singular', 'the');
        const clause: Clause = {
          subject: anybody(s),
          verb: s.pick([verb('work/travailler'), verb('study/étudier'), verb('wait/attendre')]),
          tense: s.pick(['present', 'usedTo'] as const),
        };
        return sentence(
          statement({
            subject: { ...head, ...sequence(head, relativeClause(both('where', 'où'), clause)) },
            verb: BE,
            tense: 'present',
            complements: [predicate(s.pick(OF_PLACES.filter((entry) => entry.en !== 'new')), head)],
          }),
        );
      }
      const person = nounPhrase(s.pick(PEOPLE), 'singular', s.pick(['the', 'a'] as const));
      const owned = s.pick([
        ...RELATIVES.slice(0, 2),
        ...ANIMALS.slice(0, 3),
        ...VEHICLES.slice(0, 1),
        ...HOMES.slice(3),
      ]);
      const possession = nounPhrase(owned, 'singular', 'the');
      const adjective = s.pick(adjectivesFor(owned).length > 0 ? predicatesFor(owned) : TRAITS);
      const whose = sequence(
        both(`whose ${owned.en}`, `dont ${possession.fr}`),
        { en: 'is', fr: 'est' },
        predicate(adjective, possession),
      );
      return sentence(
        statement({
          subject: s.pick([I, WE, HE, SHE]),
          ...s.pick([
            { verb: KNOW, tense: 'present' },
            { verb: verb('meet/rencontrer'), tense: 'past' },
            { verb: verb('see/voir'), tense: 'past' },
          ] as const),
          object: { ...person, ...sequence(person, whose) },
        }),
      );
    },
  },
  {
    name: 'if and when: the future after quand',
    weight: 4,
    draw: (s) => {
      const first = anybody(s);
      const same = s.chance(0.4);
      const second = same ? pronounForActor(first) : s.pick([I, WE, HE, SHE, THEY, named(s.pick(NAMES))]);
      // A pronoun must not precede its antecedent.
      const conditionFirst = same || s.chance(0.4);
      const consequence = statement(short(s, second, 'future'));
      if (s.chance(0.5)) {
        const cause = short(s, first, 'present');
        const temporal = both(statement(cause).en, statement({ ...cause, tense: 'future' }).fr);
        return sentence(
          conditionFirst
            ? sequence(both('when', 'quand'), temporal, COMMA, consequence)
            : sequence(consequence, both('when', 'quand'), temporal),
        );
      }
      const condition = !same && s.chance(0.3) ? s.pick(WEATHER) : statement(short(s, first, 'present'));
      return sentence(
        conditionFirst
          ? sequence(both('if', 'si'), condition, COMMA, consequence)
          : sequence(consequence, both('if', 'si'), condition),
      );
    },
  },
];

/** A short clause with this subject: an activity, a routine, or a verb with an object. */
export function short(sampler: Sampler, subject: Actor, tense: Clause['tense']): Clause {
  const kind = sampler.between(1, 3);
  if (kind === 1) {
    const acting = sampler.pick(ACTIVITIES);
    return { subject, verb: acting, tense, complements: sampler.chance(0.5) ? [placeFor(sampler, acting)] : [] };
  }
  if (kind === 2) return { subject, verb: sampler.pick([...MOVEMENTS.slice(0, 6), ...REFLEXIVE.slice(0, 6)]), tense };
  const ongoing = tense === 'progressive' || tense === 'pastProgressive';
  const doing = sampler.pick(ongoing ? TRANSITIVE.filter((entry) => !INVOLUNTARY.has(entry.en.base)) : TRANSITIVE);
  return { subject, verb: doing, tense, object: definiteThing(sampler, doing.objects, subject.owner) };
}

/** A relative clause: the pronoun and the clause without its subject. */
function relativeClause(pronoun: Phrase, clause: Clause): Phrase {
  return sequence(pronoun, statement(clause));
}
