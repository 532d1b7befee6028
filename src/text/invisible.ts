/**
 * Whether a line shows nothing: it is empty or has only whitespace, control characters (U+0000), format characters
 * (U+200B, U+00AD, U+2060, U+200E), the Braille blank (U+2800), or other characters that Unicode lets programs leave
 * invisible (Default_Ignorable_Code_Point). `String.trim` removes only whitespace.
 */
export function isInvisible(line: string): boolean {
  return /^[\s\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]*$/u.test(line);
}

/**
 * Removes the carriage returns at the end of a line, which Windows writes before LF, and replaces others by spaces:
 * spreadsheets and many programs take each for the end of a line.
 */
export function withoutCarriageReturns(line: string): string {
  return line.includes('\r') ? line.replace(/\r+$/, '').replaceAll('\r', ' ') : line;
}
