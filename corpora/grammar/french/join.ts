/*
 * Joins French words into text: elision, contraction of preposition and article, punctuation.
 *
 * Object pronouns do not contract (`de le faire`, not `du faire`), so `le_`, `la_`, `les_` distinguish them from
 * articles.
 */

/** Words that start with a vowel letter or h but behave as if they started with a consonant. */
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

/** Whether `l'`, `cet`, `bel` precede a word: it starts with a vowel or mute h, not with an aspirated h or digit. */
export function startsWithVowelSound(word: string): boolean {
  const letters = /^\p{L}+/u.exec(word)?.[0].toLowerCase() ?? '';
  return /^[aeiouyhàâéèêëîïôùûœæ]/.test(letters) && !ASPIRATED.has(letters);
}

/** Joins words and phrases into text without capitalisation. Punctuation marks are separate words. */
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
