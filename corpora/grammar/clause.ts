import type { EnglishVerb } from './english/verb.js';
import { formOfBe, negate, pastForm, presentForm } from './english/verb.js';
import type { Features, PersonForm, Phrase } from './features.js';
import { frenchVerb, invert, participle } from './french/conjugation.js';
import type { Catenative, Verb } from './lexicon/verbs.js';
import type { NounPhrase } from './noun-phrase.js';

/*
 * One clause, put into words in both languages. English and French part ways here: do-support against inversion,
 * negation around the verb, object pronouns before it, auxiliaries and the agreement of participles.
 */

/**
 * English tense and what French makes of it: past is the passé composé (of stative verbs the imparfait), pastProgressive and
 * usedTo the imparfait, since the present with `depuis`, recent `venir de`, nearFuture `aller` and infinitive.
 */
export type Tense =
  | 'present'
  | 'progressive'
  | 'since'
  | 'past'
  | 'perfect'
  | 'pastProgressive'
  | 'usedTo'
  | 'future'
  | 'nearFuture'
  | 'recent';

/** Negative words; `nothing` and `nobody` are the object. */
export type Negation = 'not' | 'never' | 'noLonger' | 'notYet' | 'nothing' | 'nobody';

/** Who does it: a noun phrase or a pronoun; `pronoun` is the French one that may follow the verb. */
export interface Subject extends NounPhrase {
  readonly pronoun?: string;
}

/** An object pronoun: `le_`, `la_`, `les_` and the like in French, before the verb. */
export interface Clitic {
  readonly en: string;
  readonly fr: string;
  /** Features of a direct object, with which the participle agrees. */
  readonly direct?: Features;
}

export interface Clause {
  readonly subject: Subject;
  readonly verb: Verb;
  readonly tense: Tense;
  readonly negation?: Negation | undefined;
  /** want to, can: the verb itself is then an infinitive. */
  readonly catenative?: Catenative | undefined;
  /** Between subject and verb in English, behind the finite verb in French: often, already. */
  readonly adverb?: Phrase | undefined;
  readonly clitics?: readonly Clitic[] | undefined;
  readonly object?: NounPhrase | undefined;
  /** Places, times and the like, in order behind the object. */
  readonly complements?: readonly Phrase[] | undefined;
  /** What a relative pronoun stands for, where it is the direct object: la voiture que j'ai achetée. */
  readonly antecedent?: Features | undefined;
  /** The reflexive pronoun is an indirect object: elle s'est lavé les mains. */
  readonly reflexiveIndirect?: boolean | undefined;
}

/** How a French question is asked where it is not by `est-ce que`. */
interface FrenchOptions {
  /** Put the subject pronoun behind the verb; a noun stays in front and is taken up by this pronoun. */
  readonly inverted?: string;
}

const REFLEXIVES = ['me', 'te', 'se', 'nous', 'vous', 'se'] as const;
/** Order of the pronouns before a French verb. */
const CLITIC_RANKS = ['me te se nous vous', 'le_ la_ les_', 'lui leur', 'y', 'en'];
const AVOIR = frenchVerb('avoir');
const ETRE = frenchVerb('être');
const ALLER = frenchVerb('aller');
const VENIR = frenchVerb('venir');

/** Statement in both languages, subject first. */
export function statement(given: Clause): Phrase {
  const clause = plain(given);
  return {
    en: `${clause.subject.en} ${englishPredicate(clause)}`,
    fr: `${clause.subject.fr} ${frenchPredicate(clause)}`,
  };
}

/**
 * English question: auxiliary, subject, rest; a missing auxiliary is supplied by `do`.
 *
 * @param opening question word or words in front
 */
export function englishQuestion(clause: Clause, opening = ''): string {
  const { auxiliary, rest } = englishVerbGroup(clause, true);
  return [opening, auxiliary, clause.subject.en, rest, englishTail(clause, true)].join(' ');
}

/** French question with `est-ce que`, or, for a pronoun that may follow its verb, by inversion if `inverted`. */
export function frenchQuestion(clause: Clause, opening = '', inverted = false): string {
  if (!inverted) return [opening, 'est-ce que', clause.subject.fr, frenchPredicate(clause, {}, true)].join(' ');
  const { pronoun, gender, form } = clause.subject;
  const taken = pronoun ?? (form === 5 ? (gender === 'f' ? 'elles' : 'ils') : gender === 'f' ? 'elle' : 'il');
  return [
    opening,
    pronoun === undefined ? clause.subject.fr : '',
    frenchPredicate(clause, { inverted: taken }, true),
  ].join(' ');
}

/** `We read` is present or past; the progressive, or `don't`, says which. */
function plain(clause: Clause): Clause {
  const { verb, tense, subject, negation, adverb } = clause;
  const ambiguous =
    verb.en.past === verb.en.base &&
    tense === 'present' &&
    subject.form !== 2 &&
    !verb.stative &&
    adverb === undefined &&
    clause.catenative === undefined;
  if (!ambiguous || negation === 'not' || negation === 'nothing' || negation === 'nobody') return clause;
  return negation === undefined ? { ...clause, tense: 'progressive' } : { ...clause, negation: 'not' };
}

/** All that follows the English subject in a statement. */
function englishPredicate(clause: Clause): string {
  const { auxiliary, rest } = englishVerbGroup(clause, false);
  return [auxiliary, rest, englishTail(clause, false)].join(' ');
}

/** All that follows the French subject. */
function frenchPredicate(clause: Clause, options: FrenchOptions = {}, question = false): string {
  const { verb, negation, catenative } = clause;
  const finite = finiteFrench(clause);
  const ownClitics = catenative === undefined && finite.rest !== 'infinitive' ? cliticsOf(clause) : '';
  const words = [
    negation === undefined ? '' : 'ne',
    ownClitics,
    options.inverted === undefined ? finite.word : invert(finite.word, options.inverted),
    negation === undefined
      ? ''
      : { not: 'pas', never: 'jamais', noLonger: 'plus', notYet: 'pas encore', nothing: 'rien', nobody: '' }[negation],
    clause.adverb?.fr,
    finite.rest === 'participle' ? agreeingParticiple(clause) : '',
  ];
  if (catenative !== undefined) words.push(catenative.frTail, catenative.frLink);
  if (finite.rest === 'infinitive') words.push(finite.link);
  if (catenative !== undefined || finite.rest === 'infinitive') words.push(frenchInfinitive(clause));
  words.push(verb.frTail);
  if (negation === 'nobody') words.push(verb.frLink, 'personne');
  words.push(frenchObject(clause, question), ...(clause.complements ?? []).map((complement) => complement.fr));
  return words.join(' ');
}

/** The infinitive with its pronouns: `le lui donner`, `nous lever`. */
function frenchInfinitive(clause: Clause): string {
  return `${cliticsOf(clause)} ${clause.verb.fr.infinitive}`;
}

function frenchObject({ object, negation, verb }: Clause, question: boolean): string {
  if (object === undefined) return '';
  const negated = negation !== undefined && negation !== 'nothing' && negation !== 'nobody';
  const words =
    negated && verb.fr.infinitive !== 'être'
      ? (object.negative ?? object)
      : question
        ? (object.question ?? object)
        : object;
  return `${verb.frLink} ${words.fr}`;
}

function cliticsOf({ verb, subject, clitics = [] }: Clause): string {
  const all = [...(verb.fr.reflexive ? [REFLEXIVES[subject.form]] : []), ...clitics.map((clitic) => clitic.fr)];
  const rank = (clitic: string): number => CLITIC_RANKS.findIndex((words) => words.split(' ').includes(clitic));
  return all.toSorted((a, b) => rank(a) - rank(b)).join(' ');
}

interface FiniteFrench {
  readonly word: string;
  readonly rest: 'nothing' | 'participle' | 'infinitive';
  readonly link: string;
}

function finiteFrench({ verb, subject: { form }, tense, catenative }: Clause): FiniteFrench {
  const lead = catenative ?? verb;
  const simple = (word: string): FiniteFrench => ({ word, rest: 'nothing', link: '' });
  const compound: FiniteFrench = {
    word: (lead.fr.auxiliary === 'être' ? ETRE : AVOIR).present[form],
    rest: 'participle',
    link: '',
  };
  switch (tense) {
    case 'present':
    case 'progressive':
    case 'since':
      return simple(lead.fr.present[form]);
    case 'pastProgressive':
    case 'usedTo':
      return simple(lead.fr.imperfect[form]);
    case 'future':
      return simple(lead.fr.future[form]);
    case 'past':
      return lead.stative ? simple(lead.fr.imperfect[form]) : compound;
    case 'perfect':
      return compound;
    case 'nearFuture':
      return { word: ALLER.present[form], rest: 'infinitive', link: '' };
    case 'recent':
      return { word: VENIR.present[form], rest: 'infinitive', link: 'de' };
  }
}

/** With être the participle agrees with the subject, with avoir with a direct object before it. */
function agreeingParticiple(clause: Clause): string {
  const lead = (clause.catenative ?? clause.verb).fr;
  if (lead.auxiliary === 'être')
    return participle(lead, clause.reflexiveIndirect === true ? undefined : clause.subject);
  if (clause.catenative !== undefined) return participle(lead);
  return participle(lead, clause.antecedent ?? clause.clitics?.find((clitic) => clitic.direct !== undefined)?.direct);
}

interface EnglishVerbGroup {
  /** What goes before the subject in a question; empty where a statement has none. */
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
