import type { Gender } from './features.js';

const ENGLISH_SMALL = (
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen ' +
  'eighteen nineteen'
).split(' ');
const ENGLISH_TENS = ['', '', 'twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];
const FRENCH_SMALL = (
  'zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept ' +
  'dix-huit dix-neuf'
).split(' ');
const FRENCH_TENS = [
  '',
  '',
  'vingt',
  'trente',
  'quarante',
  'cinquante',
  'soixante',
  'soixante',
  'quatre-vingt',
  'quatre-vingt',
];

/** `three hundred and twenty-one`, for 0 to 999,999. */
export function spellEnglish(value: number): string {
  if (value < 20) return ENGLISH_SMALL[value] ?? '';
  if (value < 100)
    return `${ENGLISH_TENS[Math.floor(value / 10)] ?? ''}${value % 10 === 0 ? '' : `-${spellEnglish(value % 10)}`}`;
  if (value < 1000) return withRest(`${spellEnglish(Math.floor(value / 100))} hundred`, value % 100);
  return withRest(`${spellEnglish(Math.floor(value / 1000))} thousand`, value % 1000);
}

function withRest(head: string, rest: number): string {
  return rest === 0 ? head : `${head} ${rest < 100 ? 'and ' : ''}${spellEnglish(rest)}`;
}

/**
 * `trois cent vingt et un`, for 0 to 999,999, in the traditional spelling: `quatre-vingts` and `cents` lose their s
 * before another numeral, `un` agrees with the noun, `mille` is invariable.
 */
export function spellFrench(value: number, gender: Gender = 'm'): string {
  if (value >= 1000) {
    const thousands = Math.floor(value / 1000);
    const head = thousands === 1 ? 'mille' : `${spellFrench(thousands).replace(/(vingt|cent)s$/, '$1')} mille`;
    return value % 1000 === 0 ? head : `${head} ${spellFrench(value % 1000, gender)}`;
  }
  if (value >= 100) {
    const hundreds = Math.floor(value / 100);
    const head = hundreds === 1 ? 'cent' : `${spellFrench(hundreds)} cent`;
    if (value % 100 === 0) return hundreds === 1 ? head : `${head}s`;
    return `${head} ${spellFrench(value % 100, gender)}`;
  }
  if (value < 20) return value === 1 && gender === 'f' ? 'une' : (FRENCH_SMALL[value] ?? '');
  if (value === 80) return 'quatre-vingts';
  const tens = Math.floor(value / 10);
  const unit = tens === 7 || tens === 9 ? 10 + (value % 10) : value % 10;
  const head = FRENCH_TENS[tens] ?? '';
  if (unit === 0) return head;
  const joint = (unit === 1 || unit === 11) && tens < 8 ? ' et ' : '-';
  return `${head}${joint}${spellFrench(unit, gender)}`;
}

/** Digits with thousands separators: `12,500`. */
export function digitsEnglish(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Digits with thousands separators: `12 500`. */
export function digitsFrench(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** `first`, `premier` or `première`, for 1 to 12. */
export function ordinal(value: number, gender: Gender): { en: string; fr: string } {
  const english = [
    '',
    'first',
    'second',
    'third',
    'fourth',
    'fifth',
    'sixth',
    'seventh',
    'eighth',
    'ninth',
    'tenth',
    'eleventh',
    'twelfth',
  ];
  if (value === 1) return { en: 'first', fr: gender === 'f' ? 'première' : 'premier' };
  const stem = spellFrench(value).replace(/e$/, '').replace(/cinq$/, 'cinqu').replace(/neuf$/, 'neuv');
  return { en: english[value] ?? '', fr: `${stem}ième` };
}
