/**
 * Quotes a word for a POSIX shell if it has characters with a meaning there, so that printed commands can be copied.
 *
 * `my run` becomes `'my run'`, and `it's` becomes `'it'\''s'`.
 */
export function shellQuote(word: string): string {
  if (/^[\p{L}\p{N}_@%+=:,./-]+$/u.test(word) && !/^[-=~]/.test(word)) return word;
  // A path that begins with - would be taken for an option.
  const safe = /^-./.test(word) ? `./${word}` : word;
  return /^[\p{L}\p{N}_@%+=:,./-]+$/u.test(safe) ? safe : `'${safe.replaceAll("'", "'\\''")}'`;
}
