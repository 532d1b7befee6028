import type { Actor } from '../actors.js';
import { anybody, HE, I, named, SHE, somebody, WE } from '../actors.js';
import type { Clause } from '../clause.js';
import { statement } from '../clause.js';
import type { Phrase } from '../features.js';
import { imperative } from '../french/conjugation.js';
import { MOODS, TRAITS } from '../lexicon/adjectives.js';
import { NAMES, VOCATIVES } from '../lexicon/people.js';
import { ROOMS, SPOTS } from '../lexicon/places.js';
import { BE, GIVING, GO, MOVEMENTS, REFLEXIVE, TOWARDS_PEOPLE, TRANSITIVE, verb } from '../lexicon/verbs.js';
import type { Owner } from '../noun-phrase.js';
import { nounPhrase, OWNERS } from '../noun-phrase.js';
import { definiteThing, objectOf } from '../objects.js';
import type { Sampler } from '../sampler.js';
import type { Construction } from '../sentence.js';
import { both, COMMA, sentence, sequence } from '../sentence.js';
import { atClock } from '../times.js';
import { predicate } from './descriptions.js';
import { pronounForActor } from './pronouns.js';
import { destination } from './shared.js';
import { short } from './complex.js';

const STAY = verb('stay/rester');
const THINK = [verb('think/penser', true), verb('know/savoir', true), verb('hope/espérer', true)];

export const CONJUNCTIONS: readonly Construction[] = [
  {
    name: 'because',
    weight: 3.5,
    draw: (s) => {
      const subject = anybody(s);
      const tense = s.pick(['present', 'past'] as const);
      const main = s.chance(0.3)
        ? statement({
            subject,
            verb: STAY,
            tense,
            complements: [s.pick([both('at home', 'à la maison'), ...ROOMS.slice(0, 4)])],
          })
        : statement({ ...short(s, subject, tense), negation: s.chance(0.3) ? 'not' : undefined });
      return sentence(sequence(main, both('because', 'parce que'), reason(s, pronounForActor(subject), tense)));
    },
  },
  {
    name: 'while something was going on: imparfait and passé composé',
    weight: 3.5,
    draw: (s) => {
      const subject = anybody(s);
      const other = somebody(s);
      if (subject.en.includes(other.en) || other.en.includes(subject.en))
        return sentence(statement(short(s, subject, 'pastProgressive')));
      const arriving = s.chance(0.5)
        ? statement({ subject: other, verb: s.pick(MOVEMENTS.slice(0, 6)), tense: 'past' })
        : statement(withThing(s, other));
      const ongoing = statement(short(s, subject, 'pastProgressive'));
      return sentence(
        s.chance(0.5)
          ? sequence(ongoing, both('when', 'quand'), arriving)
          : sequence(both('when', 'quand'), arriving, COMMA, ongoing),
      );
    },
  },
  {
    name: 'thinking, knowing, hoping that',
    weight: 3,
    draw: (s) => {
      const subject = anybody(s);
      const other = s.chance(0.5) ? pronounForActor(subject) : somebody(s);
      const thinking = s.pick(THINK);
      const content = s.chance(0.35)
        ? statement({
            subject: other,
            verb: BE,
            tense: thinking.en.base === 'hope' ? 'future' : s.pick(['present', 'future'] as const),
            complements: [predicate(s.pick([...MOODS.slice(0, 9), ...TRAITS]), other)],
          })
        : statement(
            short(
              s,
              other,
              thinking.en.base === 'hope' ? 'future' : s.pick(['future', 'past', 'progressive'] as const),
            ),
          );
      return sentence(sequence(statement({ subject, verb: thinking, tense: 'present' }), both('that', 'que'), content));
    },
  },
  {
    name: 'before doing',
    weight: 2,
    draw: (s) => {
      const subject = anybody(s);
      const going = s.pick([
        ...MOVEMENTS.slice(1, 2),
        ...REFLEXIVE.slice(2, 3),
        verb('eat/manger'),
        verb('work/travailler'),
        verb('study/étudier'),
      ]);
      const reflexive = going.fr.reflexive ? ['me', 'te', 'se', 'nous', 'vous', 'se'][subject.form] : '';
      const before = both(
        `before ${going.en.ing} ${going.en.particle}`,
        `avant de ${reflexive} ${going.fr.infinitive}`,
      );
      const doing = s.pick(
        TRANSITIVE.filter((entry) =>
          ['wash', 'clean', 'close', 'open', 'read', 'prepare', 'write', 'repair'].includes(entry.en.base),
        ),
      );
      return sentence(
        statement({
          subject,
          verb: doing,
          tense: s.pick(['past', 'future'] as const),
          object: definiteThing(s, doing.objects, subject.owner),
          complements: [before],
        }),
      );
    },
  },
  {
    name: 'orders and requests',
    weight: 5,
    draw: (s) => {
      const vocative = s.chance(0.65) ? s.pick(VOCATIVES) : undefined;
      const form = vocative?.familiar === true ? 1 : 4;
      const owner = form === 1 ? OWNERS.tu : OWNERS.vous;
      const negative = s.chance(0.25);
      const [en, fr] = order(s, form, owner, negative);
      const words = both(`${negative ? "don't" : ''} ${en}`, fr);
      if (vocative === undefined)
        return sentence(s.chance(0.5) ? sequence(words, COMMA, both('please', "s'il vous plaît")) : words);
      return sentence(s.chance(0.5) ? sequence(words, COMMA, vocative) : sequence(vocative, COMMA, words));
    },
  },
  {
    name: 'and then',
    weight: 3.5,
    draw: (s) => {
      const subject = anybody(s);
      const tense = s.pick(['past', 'past', 'future'] as const);
      const again = pronounForActor(subject);
      const first = s.chance(0.5)
        ? statement({ subject, verb: s.pick(REFLEXIVE.slice(0, 2)), tense, complements: [atClock(s)] })
        : statement(short(s, subject, tense));
      const second = s.chance(0.5)
        ? statement({ subject: again, verb: GO, tense, complements: [destination(s)] })
        : statement(withThing(s, again, tense));
      return sentence(sequence(first, both('and then', 'et ensuite'), second));
    },
  },
  {
    name: 'but',
    weight: 2.5,
    draw: (s) => {
      const subject = anybody(s);
      const tense = s.pick(['past', 'present', 'future'] as const);
      const other = s.pick([HE, SHE, I, WE, named(s.pick(NAMES))].filter((entry) => !subject.en.includes(entry.en)));
      return sentence(
        sequence(
          statement(withThing(s, subject, tense)),
          COMMA,
          both('but', 'mais'),
          statement({ ...withThing(s, other, tense, true), negation: 'not' }),
        ),
      );
    },
  },
];

function reason(sampler: Sampler, subject: Actor, tense: 'present' | 'past'): Phrase {
  if (sampler.chance(0.6))
    return statement({
      subject,
      verb: BE,
      tense,
      complements: [
        predicate(
          sampler.pick(MOODS.filter((mood) => /^(happy|sad|tired|sick|busy|worried|nervous)$/.test(mood.en))),
          subject,
        ),
      ],
    });
  return statement({
    subject,
    verb: sampler.pick(
      ['be hungry/avoir faim', 'be thirsty/avoir soif', 'be cold/avoir froid', 'be sleepy/avoir sommeil'].map((entry) =>
        verb(entry, true),
      ),
    ),
    tense,
  });
}

/** A clause with a transitive verb and its object. */
function withThing(sampler: Sampler, subject: Actor, tense: Clause['tense'] = 'past', negated = false): Clause {
  const doing = sampler.pick(TRANSITIVE);
  return { subject, verb: doing, tense, object: objectOf(sampler, doing, subject.owner, negated) };
}

/** An imperative. In French the pronoun follows it, unless it is negated. */
function order(sampler: Sampler, form: 1 | 4, owner: Owner, negative: boolean): readonly [en: string, fr: string] {
  const around = (words: string): string => (negative ? `ne ${words} pas` : words);
  const kind = sampler.between(1, 5);
  if (kind === 1) {
    const rising = sampler.pick(
      REFLEXIVE.filter(
        (entry) => ['get', 'wake', 'rest', 'hurry'].includes(entry.en.base) && entry.en.particle !== 'bored',
      ),
    );
    const finite = imperative(rising.fr, form);
    const english = `${rising.en.base} ${rising.en.particle}`;
    return [
      english,
      negative ? around(`${form === 1 ? 'te' : 'vous'} ${finite}`) : `${finite}-${form === 1 ? 'toi' : 'vous'}`,
    ];
  }
  if (kind === 2) {
    const clitic = sampler.pick([
      ['me', 'me', 'moi'],
      ['him', 'le_', 'le'],
      ['her', 'la_', 'la'],
      ['us', 'nous', 'nous'],
      ['them', 'les_', 'les'],
    ] as const);
    const helping = sampler.pick(
      TOWARDS_PEOPLE.filter((entry) =>
        ['help', 'follow', 'wait', 'listen', 'look', 'invite', 'thank'].includes(entry.en.base),
      ),
    );
    const finite = imperative(helping.fr, form);
    return [
      `${helping.en.base} ${helping.en.particle} ${clitic[0]}`,
      negative ? around(`${clitic[1]} ${finite}`) : `${finite}-${clitic[2]}`,
    ];
  }
  if (kind === 3) {
    const giving = sampler.pick(GIVING.slice(0, 5));
    const object = nounPhrase(sampler.pick(giving.objects), sampler.chance(0.8) ? 'singular' : 'plural', 'the');
    const [en, before, behind] = sampler.pick([
      ['me', 'me', 'moi'],
      ['him', 'lui', 'lui'],
      ['her', 'lui', 'lui'],
      ['us', 'nous', 'nous'],
      ['them', 'leur', 'leur'],
    ] as const);
    const finite = imperative(giving.fr, form);
    return [
      `${giving.en.base} ${en} ${object.en}`,
      negative ? `${around(`${before} ${finite}`)} ${object.fr}` : `${finite}-${behind} ${object.fr}`,
    ];
  }
  if (kind === 4) {
    const moving = sampler.pick([GO, verb('come/venir'), verb('go home/rentrer')]);
    const where = moving.en.particle === '' ? sampler.pick(SPOTS).to : both('', '');
    return [
      `${moving.en.base} ${moving.en.particle} ${where.en}`,
      `${around(imperative(moving.fr, form))} ${where.fr}`,
    ];
  }
  const doing = sampler.pick(
    TRANSITIVE.filter((entry) => !['lose', 'find', 'receive', 'understand', 'hear', 'see'].includes(entry.en.base)),
  );
  const object = definiteThing(sampler, doing.objects, owner);
  return [`${doing.en.base} ${doing.en.particle} ${object.en}`, `${around(imperative(doing.fr, form))} ${object.fr}`];
}
