// What Python's str.split() and str.rstrip() take for white space, since scores are to equal sacreBLEU's. JavaScript's
// \s differs: it has U+FEFF, and lacks the separators U+001C to U+001F and U+0085.
const SPACE = '\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const WORD = new RegExp(`[^${SPACE}]+`, 'g');
const SPACES = new RegExp(`[${SPACE}]+`, 'g');
const LAST_IS_SPACE = new RegExp(`[${SPACE}]$`);

/** The parts of a text between white space; none for a blank text. */
export function splitWords(text: string): string[] {
  return text.match(WORD) ?? [];
}

/** A text without any white space. */
export function removeSpaces(text: string): string {
  return text.replace(SPACES, '');
}

/** A text without the white space at its end. */
export function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && LAST_IS_SPACE.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}
