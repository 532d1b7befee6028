import { englishPredicate } from './english/clause.js';
import type { Features, Phrase } from './features.js';
import { frenchVerb, invert, participle } from './french/conjugation.js';
import type { Catenative, Verb } from './lexicon/verbs.js';
import type { NounPhrase } from './noun-phrase.js';

export { englishQuestion } from './english/clause.js';

/*
 * Realises a clause in both languages. This is where they differ: do-support and inversion, negation around the verb,
 * object pronouns before it, auxiliaries and the agreement of participles.
 */

/**
 * English tenses. In French `past` is the passé composé (imparfait for stative verbs), `pastProgressive` and `usedTo`
 * are the imparfait, `since` is the present with `depuis`, `recent` is `venir de`, `nearFuture` is `aller` with an
 * infinitive.
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

/** Negation; `nothing` and `nobody` are objects. */
export type Negation = 'not' | 'never' | 'noLonger' | 'notYet' | 'nothing' | 'nobody';

/** A noun phrase or pronoun; `pronoun` is the French pronoun used in inversion. */
export interface Subject extends NounPhrase {
  readonly pronoun?: string;
}

/** An object pronoun. In French it precedes the verb: `le_`, `la_`, `les_`, `lui`. */
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
  /** `want to`, `can`: the verb then is an infinitive. */
  readonly catenative?: Catenative | undefined;
  /** Precedes the verb in English, follows the finite verb in French: often, already. */
  readonly adverb?: Phrase | undefined;
  readonly clitics?: readonly Clitic[] | undefined;
  readonly object?: NounPhrase | undefined;
  /** Places, times and other complements after the object, in order. */
  readonly complements?: readonly Phrase[] | undefined;
  /** The antecedent of a relative pronoun that is the direct object: la voiture que j'ai achetée. */
  readonly antecedent?: Features | undefined;
  /** The reflexive pronoun is an indirect object: elle s'est lavé les mains. */
  readonly reflexiveIndirect?: boolean | undefined;
}

interface FrenchOptions {
  /** The subject pronoun to put after the verb. A noun subject stays before it. */
  readonly inverted?: string;
}

const REFLEXIVES = ['me', 'te', 'se', 'nous', 'vous', 'se'] as const;
/** Order of the pronouns before a French verb. */
const CLITIC_RANKS = ['me te se nous vous', 'le_ la_ les_', 'lui leur', 'y', 'en'];
const AVOIR = frenchVerb('avoir');
const ETRE = frenchVerb('être');
const ALLER = frenchVerb('aller');
const VENIR = frenchVerb('venir');

/** A statement, in subject-verb order. */
export function statement(given: Clause): Phrase {
  const clause = disambiguate(given);
  return {
    en: `${clause.subject.en} ${englishPredicate(clause)}`,
    fr: `${clause.subject.fr} ${frenchPredicate(clause)}`,
  };
}

/** A French question, with inversion if `inverted`, otherwise with `est-ce que`. */
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

/** `We read` is ambiguous between present and past: makes the present progressive, or negates it with `don't`. */
function disambiguate(clause: Clause): Clause {
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

/** Everything after the French subject. */
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

/** The participle agrees with the subject for être, and with a preceding direct object for avoir. */
function agreeingParticiple(clause: Clause): string {
  const lead = (clause.catenative ?? clause.verb).fr;
  if (lead.auxiliary === 'être')
    return participle(lead, clause.reflexiveIndirect === true ? undefined : clause.subject);
  if (clause.catenative !== undefined) return participle(lead);
  return participle(lead, clause.antecedent ?? clause.clitics?.find((clitic) => clitic.direct !== undefined)?.direct);
}
