// Whitespace as in Python's str.split() and str.rstrip(), to match sacreBLEU. JavaScript's \s differs: it includes
// U+FEFF and lacks U+001C to U+001F and U+0085.
const SPACE = '\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const WORD = new RegExp(`[^${SPACE}]+`, 'g');
const SPACES = new RegExp(`[${SPACE}]+`, 'g');
const LAST_IS_SPACE = new RegExp(`[${SPACE}]$`);

/** Splits at whitespace, like Python's `str.split()`. */
export function splitWords(text: string): string[] {
  return text.match(WORD) ?? [];
}

/** Removes all whitespace. */
export function removeSpaces(text: string): string {
  return text.replace(SPACES, '');
}

/** Removes trailing whitespace, like Python's `str.rstrip()`. */
export function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && LAST_IS_SPACE.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}
