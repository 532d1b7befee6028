export type Gender = 'm' | 'f';
export type GrammaticalNumber = 'singular' | 'plural';

/** The six persons of a French conjugation table: je, tu, il/elle, nous, vous, ils/elles. */
export type PersonForm = 0 | 1 | 2 | 3 | 4 | 5;

/** The features that adjectives and participles agree with. */
export interface Features {
  readonly gender: Gender;
  readonly number: GrammaticalNumber;
}

/** A phrase in both languages, before elision, contraction and capitalisation. */
export interface Phrase {
  readonly en: string;
  readonly fr: string;
}

/** The third person form of a noun phrase of this number. */
export function thirdPerson(number: GrammaticalNumber): PersonForm {
  return number === 'singular' ? 2 : 5;
}
