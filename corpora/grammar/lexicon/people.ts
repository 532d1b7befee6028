import type { Gender } from '../features.js';

/** First names, the same in both languages. Some start with a vowel or mute h, for elision. */
export const NAMES: readonly (readonly [name: string, gender: Gender])[] = [
  ...['Paul', 'Pierre', 'Thomas', 'Lucas', 'Nicolas', 'Antoine', 'Henri', 'Olivier', 'Marc', 'Julien'].map(
    (name) => [name, 'm'] as const,
  ),
  ...['Marie', 'Claire', 'Julie', 'Sophie', 'Anne', 'Alice', 'Émilie', 'Hélène', 'Nathalie', 'Camille'].map(
    (name) => [name, 'f'] as const,
  ),
];

/** Vocatives: `you` is tu with a first name, vous with a title. */
export interface Vocative {
  readonly en: string;
  readonly fr: string;
  readonly gender: Gender;
  readonly number: 'singular' | 'plural';
  readonly familiar: boolean;
}

export const VOCATIVES: readonly Vocative[] = [
  ...NAMES.map(([name, gender]): Vocative => ({ en: name, fr: name, gender, number: 'singular', familiar: true })),
  ...(
    [
      ['Dad', 'papa', 'm', 'singular', true],
      ['Mum', 'maman', 'f', 'singular', true],
      ['sir', 'monsieur', 'm', 'singular', false],
      ['madam', 'madame', 'f', 'singular', false],
      ['doctor', 'docteur', 'm', 'singular', false],
      ['ladies', 'mesdames', 'f', 'plural', false],
      ['gentlemen', 'messieurs', 'm', 'plural', false],
      ['children', 'les enfants', 'm', 'plural', false],
      ['my friends', 'mes amis', 'm', 'plural', false],
    ] as const
  ).map(([en, fr, gender, number, familiar]): Vocative => ({ en, fr, gender, number, familiar })),
];
