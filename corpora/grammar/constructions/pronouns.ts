import type { Actor } from '../actors.js';
import {
  anybody,
  DIRECT,
  HE,
  I,
  INDIRECT,
  named,
  objectPronoun,
  pronounFor,
  objectPronounsFor,
  SHE,
  somebody,
  THEY,
  WE,
  YOU,
} from '../actors.js';
import type { Clitic, Tense } from '../clause.js';
import { englishQuestion, frenchQuestion, statement } from '../clause.js';
import { FOOD_COUNT, READING } from '../lexicon/nouns.js';
import { NAMES } from '../lexicon/people.js';
import { CITIES, COUNTRIES } from '../lexicon/places.js';
import {
  CAN,
  FEELINGS,
  GIVING,
  GO,
  HAVE,
  MUST,
  TOWARDS_PEOPLE,
  TOWARDS_PEOPLE_WITH_A,
  TRANSITIVE,
  verb,
  WANT,
} from '../lexicon/verbs.js';
import { nounPhrase } from '../noun-phrase.js';
import { spellEnglish, spellFrench } from '../numbers.js';
import { definiteThing, thing } from '../objects.js';
import type { Construction } from '../sentence.js';
import { both, COMMA, line, sentence, sequence } from '../sentence.js';
import { habit, past } from '../times.js';
import { tenseAndTime, timed } from './shared.js';

const SELLABLE = TRANSITIVE.find((entry) => entry.en.base === 'sell')?.objects ?? [];
const NEED = verb('need/avoir besoin de', true);
const LOOK_FOR = verb('look for/chercher');
const LOVE = verb('love/aimer', true);
/** A first action with a thing, and a later one. */
const FATES = [
  ['buy', 'sell'],
  ['find', 'lose'],
  ['lose', 'find'],
  ['borrow', 'lose'],
  ['read', 'forget'],
  ['write', 'lose'],
  ['open', 'close'],
  ['close', 'open'],
  ['break', 'repair'],
  ['receive', 'lose'],
] as const;

export const PRONOUNS: readonly Construction[] = [
  {
    name: 'direct object pronouns',
    weight: 5,
    draw: (s) => {
      const { tense, time } = tenseAndTime(s);
      const subject = anybody(s);
      const clitic = s.pick(objectPronounsFor(subject, DIRECT));
      const negation = tense !== 'usedTo' && s.chance(0.3) ? 'not' : undefined;
      return sentence(timed(s, { subject, verb: s.pick(TOWARDS_PEOPLE), tense, negation, clitics: [clitic] }, time));
    },
  },
  {
    name: 'indirect object pronouns',
    weight: 4,
    draw: (s) => {
      const { tense, time } = tenseAndTime(s);
      const subject = anybody(s);
      const clitic = s.pick(objectPronounsFor(subject, INDIRECT));
      const negation = tense !== 'usedTo' && s.chance(0.3) ? 'not' : undefined;
      if (s.chance(0.45))
        return sentence(
          timed(s, { subject, verb: s.pick(TOWARDS_PEOPLE_WITH_A), tense, negation, clitics: [clitic] }, time),
        );
      const giving = s.pick(GIVING);
      return sentence(
        timed(
          s,
          {
            subject,
            verb: giving,
            tense,
            negation,
            clitics: [clitic],
            object: thing(s, giving.objects, subject.owner),
          },
          time,
        ),
      );
    },
  },
  {
    name: 'pronouns before an infinitive',
    weight: 4,
    draw: (s) => {
      const subject = anybody(s);
      const indirect = s.chance(0.35);
      const clitic = s.pick(objectPronounsFor(subject, indirect ? INDIRECT : DIRECT));
      const catenative = s.pick([CAN, MUST, WANT, WANT]);
      const tense: Tense = catenative.defective ? 'present' : s.pick(['present', 'past'] as const);
      return sentence(
        statement({
          subject,
          verb: s.pick(indirect ? TOWARDS_PEOPLE_WITH_A : TOWARDS_PEOPLE),
          tense,
          catenative,
          negation: s.chance(0.3) ? 'not' : undefined,
          clitics: [clitic],
        }),
      );
    },
  },
  {
    name: 'a thing taken up again: agreement with a direct object in front',
    weight: 6,
    draw: (s) => {
      const [first, second] = s.pick(FATES);
      const one = TRANSITIVE.find((entry) => entry.en.base === first)!;
      const other = TRANSITIVE.find((entry) => entry.en.base === second)!;
      const shared = one.objects.filter((noun) => other.objects.some((candidate) => candidate.en === noun.en));
      const subject = anybody(s);
      const object = definiteThing(s, shared.length > 0 ? shared : one.objects, subject.owner);
      const clitics = [objectPronoun(object, 'thing')];
      const again = s.chance(0.55)
        ? pronounForActor(subject)
        : s.pick([HE, SHE, named(s.pick(NAMES)), I, WE].filter((entry) => entry.en !== subject.en));
      const when = s.chance(0.4) ? past(s) : undefined;
      return sentence(
        sequence(
          statement({ subject, verb: one, tense: 'past', object, complements: when === undefined ? [] : [when] }),
          COMMA,
          both('but', 'mais'),
          statement({
            subject: again,
            verb: other,
            tense: s.pick(['past', 'past', 'future', 'nearFuture'] as const),
            clitics,
          }),
        ),
      );
    },
  },
  {
    name: 'two pronouns: me le, le lui',
    weight: 4,
    draw: (s) => {
      const asking = s.pick([HE, SHE, THEY, named(s.pick(NAMES)), somebody(s)]);
      const giver = s.pick(
        [HE, SHE, named(s.pick(NAMES)), ...(asking.form === 3 ? [] : [I, WE])].filter(
          (entry) => !asking.en.includes(entry.en),
        ),
      );
      const giving = s.pick(GIVING);
      const object = nounPhrase(
        s.pick(giving.objects),
        s.chance(0.75) ? 'singular' : 'plural',
        s.pick(['the', 'this', { owner: giver.owner }] as const),
      );
      const to: Clitic =
        asking.form === 3
          ? { en: 'to us', fr: 'nous' }
          : asking.number === 'plural'
            ? { en: 'to them', fr: 'leur' }
            : { en: asking.gender === 'f' ? 'to her' : 'to him', fr: 'lui' };
      return sentence(
        sequence(
          statement({ subject: asking, verb: s.pick([WANT, NEED, LOOK_FOR]), tense: 'past', object }),
          COMMA,
          both('so', 'alors'),
          statement({ subject: giver, verb: giving, tense: 'past', clitics: [objectPronoun(object, 'thing'), to] }),
        ),
      );
    },
  },
  {
    name: 'there: y',
    weight: 2,
    draw: (s) => {
      const subject = anybody(s);
      const where = s.chance(0.5) ? s.pick(CITIES) : s.pick(COUNTRIES);
      const clitics = [{ en: 'there', fr: 'y' }];
      const again = pronounForActor(subject);
      return sentence(
        sequence(
          statement({ subject, verb: LOVE, tense: 'present', complements: [both(where.en, where.frName)] }),
          both('and', 'et'),
          s.chance(0.5)
            ? statement({ subject: again, verb: GO, tense: 'present', clitics, complements: [habit(s)] })
            : statement({
                subject: again,
                verb: s.pick([GO, verb('work/travailler'), verb('study/étudier')]),
                tense: 'past',
                clitics,
                complements: [past(s)],
              }),
        ),
      );
    },
  },
  {
    name: 'of them: en',
    weight: 3,
    draw: (s) => {
      const buying = s.pick([verb('buy/acheter'), verb('eat/manger'), WANT, HAVE]);
      const noun = s.pick(
        buying.en.base === 'eat'
          ? FOOD_COUNT
          : buying === HAVE
            ? [...READING.slice(0, 3), ...SELLABLE.slice(0, 6)]
            : FOOD_COUNT,
      );
      const count = s.between(2, 30);
      const tense: Tense = buying.stative ? 'present' : 'past';
      const asked = s.pick([HE, SHE, YOU, THEY]);
      const amount = both(spellEnglish(count), spellFrench(count, noun.gender));
      const question = { subject: asked, verb: buying, tense };
      const opening = both(`how many ${noun.enPlural}`, `combien de ${noun.frPlural}`);
      // The direct object precedes the participle.
      const antecedent = { gender: noun.gender, number: 'plural' } as const;
      const answerer = asked === YOU ? I : asked;
      return line(
        sentence(
          both(englishQuestion(question, opening.en), frenchQuestion({ ...question, antecedent }, opening.fr, true)),
          '?',
        ),
        sentence(
          statement({ subject: answerer, verb: buying, tense, clitics: [{ en: '', fr: 'en' }], complements: [amount] }),
        ),
      );
    },
  },
  {
    name: 'feelings for somebody named before',
    weight: 2,
    draw: (s) => {
      const other = somebody(s, false);
      const subject = s.pick([I, WE, named(s.pick(NAMES.filter(([name]) => name !== other.en)))]);
      const clitics = [objectPronoun(other, 'person')];
      const adjective = both('very well', 'très bien');
      return sentence(
        sequence(
          statement({
            subject: other,
            verb: verb('live/habiter'),
            tense: 'present',
            complements: [both('in', 'à'), s.pick(CITIES.slice(0, 19))],
          }),
          both('and', 'et'),
          s.chance(0.5)
            ? statement({ subject, verb: FEELINGS[1]!, tense: 'present', clitics, complements: [adjective] })
            : statement({ subject, verb: verb('see/voir'), tense: 'present', clitics, complements: [habit(s)] }),
        ),
      );
    },
  },
];

/** The pronoun that refers to a subject in a second clause. */
export function pronounForActor(subject: Actor): Actor {
  if (subject.form === 0) return I;
  if (subject.form === 3) return WE;
  return pronounFor(subject, 'person');
}
