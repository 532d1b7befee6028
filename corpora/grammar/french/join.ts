/*
 * From French words to text: elision, contraction of preposition and article, punctuation.
 *
 * An object pronoun looks like an article but does not contract (`de le faire`, not `du faire`), so pronouns carry a
 * mark: `le_`, `la_`, `les_`.
 */

/** Words that begin with a vowel letter or h but behave as if with a consonant. */
const ASPIRATED = new Set([
  'hamster',
  'hamsters',
  'haricot',
  'haricots',
  'haut',
  'haute',
  'hautes',
  'hauts',
  'havre',
  'héros',
  'hibou',
  'hiboux',
  'homard',
  'homards',
  'hongrie',
  'hongrois',
  'hollande',
  'huit',
  'huitième',
  'onze',
  'onzième',
  'oui',
  'yaourt',
  'yaourts',
]);

const ELIDED = new Set(['je', 'me', 'te', 'se', 'ce', 'le', 'la', 'de', 'ne', 'que', 'jusque', 'lorsque', 'puisque']);
const CONTRACTED = new Map([
  ['de le', 'du'],
  ['de les', 'des'],
  ['à le', 'au'],
  ['à les', 'aux'],
]);

/** Whether a word takes `l'`, `cet`, `bel` before it: vowels and mute h, not aspirated h, not digits. */
export function startsWithVowelSound(word: string): boolean {
  const letters = /^\p{L}+/u.exec(word)?.[0].toLowerCase() ?? '';
  return /^[aeiouyhàâéèêëîïôùûœæ]/.test(letters) && !ASPIRATED.has(letters);
}

/** Text from words and phrases, in order; punctuation marks are words of their own. No capital is added. */
export function joinFrench(...parts: readonly (string | undefined)[]): string {
  const words = parts
    .filter((part) => part !== undefined)
    .join(' ')
    .split(' ')
    .filter((word) => word !== '');
  let text = '';
  let glued = true;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const next = words[i + 1] ?? '';
    const contraction = CONTRACTED.get(`${word} ${next}`);
    let written = word.replace('_', '');
    let elided = false;
    if (contraction !== undefined && !(next === 'le' && startsWithVowelSound(words[i + 2] ?? ''))) {
      written = contraction;
      i++;
    } else if ((ELIDED.has(written) && startsWithVowelSound(next)) || (written === 'si' && /^ils?$/.test(next))) {
      written = `${written.slice(0, -1)}'`;
      elided = true;
    }
    text += glued || written === ',' || written === '.' ? written : ` ${written}`;
    glued = elided;
  }
  return text;
}
