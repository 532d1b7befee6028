/** Languages that have translations to train on, as ISO 639 codes; `Intl` knows their English names. */
const CODES =
  'af am ar as az be bg bn bo br bs ca ceb co cs cy da de el en eo es et eu fa fi fil fo fr fy ga gd gl gn gu ha haw ' +
  'he hi hmn hr ht hu hy id ig is it iu ja jv ka kk km kn ko ku ky la lb ln lo lt lv mg mi mk ml mn mr ms mt my nb ne ' +
  'nl nn no ny oc om or pa pl ps pt qu rm ro ru rw sa sd se si sk sl sm sn so sq sr st su sv sw ta te tg th ti tk tl ' +
  'tn tr ts tt ug uk ur uz vi wo xh yi yo yue zh zu';

const names = new Intl.DisplayNames(['en'], { type: 'language' });
const known = new Set(CODES.split(' '));
let byName: ReadonlyMap<string, string> | undefined;

/** The code of a language by its code, or its English or own name, in lower case; undefined if there is none. */
export function codeOfLanguage(word: string): string | undefined {
  if (known.has(word)) return word;
  byName ??= new Map([...known].flatMap((code) => namesOf(code).map((name) => [name.toLowerCase(), code] as const)));
  return byName.get(word);
}

function namesOf(code: string): string[] {
  const own = new Intl.DisplayNames([code], { type: 'language' }).of(code);
  return [names.of(code)!, ...(own === undefined ? [] : [own])];
}

/** The English name of a language, `German`; what is no code is returned unchanged. */
export function nameOfLanguage(code: string): string {
  try {
    return names.of(code) ?? code;
  } catch {
    return code;
  }
}
