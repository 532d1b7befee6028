/** A larger share of bytes above 0x7f is not text of Western languages in Latin-1, which has ASCII letters mostly. */
const LATIN_SHARE = 0.3;

/**
 * What to do about a line that is not valid UTF-8. Any bytes can be converted from Latin-1, so that conversion is named
 * only for lines that may be Latin-1.
 *
 * @param isUtf8 whether other lines have characters of several bytes in UTF-8
 */
export function hintForInvalidLine(line: Buffer, isUtf8: boolean): string {
  let high = 0;
  let control = 0;
  for (const byte of line) {
    if (byte > 0x7f) high++;
    else if (byte < 0x20 && byte !== 0x09 && byte !== 0x0d) control++;
  }
  if (control > 0) return 'It has control characters, too: name a text file.';
  if (isUtf8 || isMostlyUtf8(line))
    return (
      'The rest of the text is UTF-8, so the line is damaged: correct it, or remove the invalid bytes, for example: ' +
      'iconv -c -f utf-8 -t utf-8 < old > new'
    );
  if (high > LATIN_SHARE * line.length)
    return 'Find out its encoding (file -i, uchardet), and convert it: iconv -f ENCODING -t utf-8 < old > new';
  return 'Convert the text first, for example: iconv -f latin1 -t utf-8 < old > new';
}

/** Whether most characters beyond ASCII are valid. Few bytes of other encodings happen to be characters in UTF-8. */
function isMostlyUtf8(line: Buffer): boolean {
  const text = line.toString('utf8');
  const invalid = text.split('\ufffd').length - 1;
  const others = [...text].filter((character) => character > '\x7f').length;
  return others - invalid >= invalid;
}
