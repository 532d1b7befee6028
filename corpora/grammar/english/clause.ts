import type { Clause, Tense } from '../clause.js';
import type { PersonForm } from '../features.js';
import type { EnglishVerb } from './verb.js';
import { formOfBe, negate, pastForm, presentForm } from './verb.js';

/**
 * An English question: auxiliary, subject, rest, with do-support.
 *
 * @param opening question words at the start
 */
export function englishQuestion(clause: Clause, opening = ''): string {
  const { auxiliary, rest } = englishVerbGroup(clause, true);
  return [opening, auxiliary, clause.subject.en, rest, englishTail(clause, true)].join(' ');
}

/** Everything after the English subject of a statement. */
export function englishPredicate(clause: Clause): string {
  const { auxiliary, rest } = englishVerbGroup(clause, false);
  return [auxiliary, rest, englishTail(clause, false)].join(' ');
}

interface EnglishVerbGroup {
  /** The auxiliary, which precedes the subject in a question; empty if a statement has none. */
  readonly auxiliary: string;
  readonly rest: string;
}

function englishVerbGroup(clause: Clause, question: boolean): EnglishVerbGroup {
  const { subject, negation, catenative } = clause;
  const verb = catenative?.en ?? clause.verb.en;
  const notted = negation !== undefined && negation !== 'never' && negation !== 'noLonger';
  const [auxiliary, main] = englishFinite(
    verb,
    subject.form,
    clause.tense,
    question || notted,
    catenative?.defective === true,
    (catenative ?? clause.verb).stative,
  );
  const mid = [negation === 'never' ? 'never' : negation === 'noLonger' ? 'no longer' : '', clause.adverb?.en];
  const infinitive =
    catenative === undefined
      ? ''
      : `${catenative.defective ? '' : 'to'} ${clause.verb.en.base} ${clause.verb.en.particle}`;
  return {
    auxiliary: notted ? negate(auxiliary) : auxiliary,
    rest: [...mid, main, verb.particle, infinitive].join(' '),
  };
}

function englishFinite(
  verb: EnglishVerb,
  form: PersonForm,
  tense: Tense,
  needsAuxiliary: boolean,
  defective: boolean,
  stative: boolean,
): [auxiliary: string, main: string] {
  const have = form === 2 ? 'has' : 'have';
  switch (tense) {
    case 'present':
      if (defective) return [verb.base, ''];
      if (verb.base === 'be') return [formOfBe(form), ''];
      return needsAuxiliary ? [form === 2 ? 'does' : 'do', verb.base] : ['', presentForm(verb, form)];
    case 'past':
      if (verb.base === 'be') return [formOfBe(form, true), ''];
      return needsAuxiliary ? ['did', verb.base] : ['', pastForm(verb, form)];
    case 'progressive':
      return [formOfBe(form), verb.ing];
    case 'pastProgressive':
      return [formOfBe(form, true), verb.ing];
    case 'since':
      return [have, stative ? verb.participle : `been ${verb.ing}`];
    case 'perfect':
      return [have, verb.participle];
    case 'recent':
      return [have, `just ${verb.participle}`];
    case 'usedTo':
      return needsAuxiliary ? ['did', `use to ${verb.base}`] : ['', `used to ${verb.base}`];
    case 'future':
      return ['will', verb.base];
    case 'nearFuture':
      return [formOfBe(form), `going to ${verb.base}`];
  }
}

function englishTail({ clitics = [], object, negation, complements = [] }: Clause, question: boolean): string {
  const negated = negation !== undefined && negation !== 'nothing' && negation !== 'nobody';
  const words =
    object === undefined
      ? undefined
      : negated
        ? (object.negative ?? object)
        : question
          ? (object.question ?? object)
          : object;
  return [
    ...clitics.map((clitic) => clitic.en),
    negation === 'nothing' ? 'anything' : negation === 'nobody' ? 'anybody' : '',
    words?.en,
    ...complements.map((complement) => complement.en),
    negation === 'notYet' ? 'yet' : '',
  ].join(' ');
}
