/** Words that start with a vowel letter but a consonant sound. */
const CONSONANT_SOUND = /^(uni|use|european|one)/i;

/** Joins words and phrases into text without capitalisation; `a` becomes `an` before a vowel sound. */
export function joinEnglish(...parts: readonly (string | undefined)[]): string {
  const words = parts
    .filter((part) => part !== undefined)
    .join(' ')
    .split(' ')
    .filter((word) => word !== '');
  let text = '';
  words.forEach((word, i) => {
    const next = words[i + 1] ?? '';
    const written =
      word === 'a' && /^([aeiou]|hour|8|11$|18$)/i.test(next) && !CONSONANT_SOUND.test(next) ? 'an' : word;
    text += i === 0 || /^[,.?!]$/.test(written) ? written : ` ${written}`;
  });
  return text;
}
