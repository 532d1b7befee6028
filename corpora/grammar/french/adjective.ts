import type { Features } from '../features.js';

/** The forms of an adjective that are not derived from others. */
export interface AdjectiveForms {
  readonly masculine: string;
  readonly feminine: string;
  /** Masculine singular before a vowel sound: bel, nouvel, vieil. */
  readonly beforeVowel?: string;
}

/** Regular feminine of a masculine singular. */
export function regularFeminine(masculine: string): string {
  if (masculine.endsWith('e')) return masculine;
  if (masculine.endsWith('eux')) return masculine.replace(/x$/, 'se');
  if (masculine.endsWith('er')) return masculine.replace(/er$/, 'ère');
  if (masculine.endsWith('f')) return masculine.replace(/f$/, 've');
  if (/(en|on|el)$/.test(masculine)) return `${masculine}${masculine.slice(-1)}e`;
  return `${masculine}e`;
}

/** Regular plural of a noun or adjective. */
export function regularPlural(singular: string): string {
  if (/[sxz]$/.test(singular)) return singular;
  if (/(eau|eu)$/.test(singular) && singular !== 'bleu') return `${singular}x`;
  if (singular.endsWith('al')) return singular.replace(/al$/, 'aux');
  return `${singular}s`;
}

/** The form that agrees with the features; `vowelFollows` if the next word starts with a vowel sound. */
export function inflectAdjective(forms: AdjectiveForms, features: Features, vowelFollows = false): string {
  if (features.number === 'singular' && features.gender === 'm' && vowelFollows && forms.beforeVowel !== undefined)
    return forms.beforeVowel;
  const singular = features.gender === 'f' ? forms.feminine : forms.masculine;
  return features.number === 'plural' ? regularPlural(singular) : singular;
}
