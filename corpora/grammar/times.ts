import type { Phrase } from './features.js';
import { spellEnglish, spellFrench } from './numbers.js';
import type { Sampler } from './sampler.js';

const DAYS = [
  'Monday/lundi',
  'Tuesday/mardi',
  'Wednesday/mercredi',
  'Thursday/jeudi',
  'Friday/vendredi',
  'Saturday/samedi',
  'Sunday/dimanche',
].map(phrase);
const MONTHS = [
  'January/janvier',
  'February/février',
  'March/mars',
  'April/avril',
  'May/mai',
  'June/juin',
  'July/juillet',
  'August/août',
  'September/septembre',
  'October/octobre',
  'November/novembre',
  'December/décembre',
].map(phrase);
const MONTH_LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const UNITS = [
  ['days', 'jours', 'm'],
  ['weeks', 'semaines', 'f'],
  ['months', 'mois', 'm'],
  ['years', 'ans', 'm'],
  ['hours', 'heures', 'f'],
] as const;

function phrase(entry: string): Phrase {
  const [en = '', fr = ''] = entry.split('/');
  return { en, fr };
}

export function day(sampler: Sampler): Phrase {
  return sampler.pick(DAYS);
}

export function month(sampler: Sampler): Phrase {
  return sampler.pick(MONTHS);
}

/** `3 May`, `1er janvier`, without preposition or article. The first of a month is an ordinal in French. */
export function dayOfMonth(date: number, monthIndex: number): Phrase {
  const name = MONTHS[monthIndex] ?? { en: '', fr: '' };
  return { en: `${date} ${name.en}`, fr: `${date === 1 ? '1er' : date} ${name.fr}` };
}

/** `on 3 May 1998`, `le 3 mai 1998`. With style `any`, the weekday may be added and the year omitted. */
export function date(
  sampler: Sampler,
  years: readonly [number, number] = [1950, 2024],
  style: 'any' | 'year' = 'any',
): Phrase {
  const monthIndex = sampler.between(0, 11);
  const plain = dayOfMonth(sampler.between(1, MONTH_LENGTHS[monthIndex] ?? 28), monthIndex);
  const kind = style === 'year' ? 2 : sampler.between(1, 3);
  if (kind === 1) {
    const weekday = day(sampler);
    return { en: `on ${weekday.en} ${plain.en}`, fr: `le ${weekday.fr} ${plain.fr}` };
  }
  const year = kind === 2 ? ` ${sampler.between(...years)}` : '';
  return { en: `on ${plain.en}${year}`, fr: `le ${plain.fr}${year}` };
}

/** A number of days, weeks, months or years. */
export function duration(sampler: Sampler, units = 5): Phrase {
  const [en, fr, gender] = UNITS[sampler.between(0, units - 1)] ?? UNITS[0];
  const count = sampler.between(2, 12);
  return { en: `${spellEnglish(count)} ${en}`, fr: `${spellFrench(count, gender)} ${fr}` };
}

/** `half past seven`, `sept heures et demie`, without preposition. Hour 0 to 23, minute a multiple of five. */
export function clock(hour: number, minute: number): Phrase {
  const shown = minute > 30 ? hour + 1 : hour;
  const [enHour, frHour, feminine] = hourName(shown);
  const half = feminine ? 'demie' : 'demi';
  if (minute === 0) return { en: shown % 12 === 0 ? enHour : `${enHour} o'clock`, fr: frHour };
  if (minute === 30) return { en: `half past ${enHour}`, fr: `${frHour} et ${half}` };
  if (minute === 15) return { en: `a quarter past ${enHour}`, fr: `${frHour} et quart` };
  if (minute === 45) return { en: `a quarter to ${enHour}`, fr: `${frHour} moins le quart` };
  return minute < 30
    ? { en: `${spellEnglish(minute)} past ${enHour}`, fr: `${frHour} ${spellFrench(minute)}` }
    : { en: `${spellEnglish(60 - minute)} to ${enHour}`, fr: `${frHour} moins ${spellFrench(60 - minute)}` };
}

/** `7:30` and `7 h 30`. */
export function digitalClock(hour: number, minute: number): Phrase {
  const minutes = String(minute).padStart(2, '0');
  return { en: `${hour}:${minutes}`, fr: `${hour} h ${minutes}` };
}

function hourName(hour: number): [en: string, fr: string, feminine: boolean] {
  const onDial = hour % 24;
  if (onDial === 0) return ['midnight', 'minuit', false];
  if (onDial === 12) return ['noon', 'midi', false];
  const value = onDial % 12;
  return [spellEnglish(value), `${spellFrench(value, 'f')} heure${value === 1 ? '' : 's'}`, true];
}

/** A random clock time with its preposition. */
export function atClock(sampler: Sampler): Phrase {
  const hour = sampler.between(0, 23);
  const minute = sampler.chance(0.4) ? 0 : 5 * sampler.between(1, 11);
  if (sampler.chance(0.25)) {
    const digital = digitalClock(hour === 0 ? 6 : hour, minute === 0 ? 30 : minute);
    return { en: `at ${digital.en}`, fr: `à ${digital.fr}` };
  }
  const time = clock(hour, minute);
  return { en: `at ${time.en}`, fr: `à ${time.fr}` };
}

/** Whether an expression can be combined with a clock time: yesterday or on Mondays, but not in 1998 or a week ago. */
export function isDay(time: Phrase | undefined): boolean {
  return (
    time !== undefined && /^(yesterday|the day|tomorrow|today|on |every (day|[A-Z])|(last|next) [A-Z])/.test(time.en)
  );
}

/** A time expression for the past. */
export function past(sampler: Sampler): Phrase {
  const kind = sampler.between(1, 10);
  if (kind <= 4) {
    return sampler.pick(
      [
        'yesterday/hier',
        'yesterday morning/hier matin',
        'yesterday evening/hier soir',
        'last week/la semaine dernière',
        'last month/le mois dernier',
        "last year/l'année dernière",
        "last summer/l'été dernier",
        "last winter/l'hiver dernier",
        'this morning/ce matin',
        'the day before yesterday/avant-hier',
      ].map(phrase),
    );
  }
  if (kind === 5) {
    const weekday = day(sampler);
    return { en: `last ${weekday.en}`, fr: `${weekday.fr} dernier` };
  }
  if (kind <= 7) {
    const since = duration(sampler);
    return { en: `${since.en} ago`, fr: `il y a ${since.fr}` };
  }
  if (kind === 8) {
    const year = sampler.between(1950, 2024);
    return { en: `in ${year}`, fr: `en ${year}` };
  }
  return date(sampler);
}

/** A time expression for the future. */
export function future(sampler: Sampler): Phrase {
  const kind = sampler.between(1, 8);
  if (kind <= 4) {
    return sampler.pick(
      [
        'tomorrow/demain',
        'tomorrow morning/demain matin',
        'tomorrow evening/demain soir',
        'tonight/ce soir',
        'next week/la semaine prochaine',
        'next month/le mois prochain',
        "next year/l'année prochaine",
        'this weekend/ce week-end',
        'the day after tomorrow/après-demain',
        'this afternoon/cet après-midi',
        'soon/bientôt',
      ].map(phrase),
    );
  }
  if (kind === 5) {
    const weekday = day(sampler);
    return { en: `next ${weekday.en}`, fr: `${weekday.fr} prochain` };
  }
  if (kind <= 7) {
    const wait = duration(sampler);
    return { en: `in ${wait.en}`, fr: `dans ${wait.fr}` };
  }
  return date(sampler, [2025, 2035]);
}

/** A time expression for habits. */
export function habit(sampler: Sampler): Phrase {
  const kind = sampler.between(1, 8);
  if (kind === 1) {
    const weekday = day(sampler);
    return { en: `on ${weekday.en}s`, fr: `le ${weekday.fr}` };
  }
  if (kind === 2) {
    const weekday = day(sampler);
    return { en: `every ${weekday.en}`, fr: `tous les ${weekday.fr}s` };
  }
  if (kind === 3) {
    const [en, fr] = sampler.pick([
      ['week', 'semaine'],
      ['month', 'mois'],
      ['year', 'an'],
      ['day', 'jour'],
    ] as const);
    const [often, fois] = sampler.pick([
      ['once', 'une'],
      ['twice', 'deux'],
      ['three times', 'trois'],
      ['four times', 'quatre'],
    ] as const);
    return { en: `${often} a ${en}`, fr: `${fois} fois par ${fr}` };
  }
  if (kind === 4) {
    const name = month(sampler);
    return { en: `in ${name.en}`, fr: `en ${name.fr}` };
  }
  return sampler.pick(
    [
      'every day/tous les jours',
      'every morning/tous les matins',
      'every evening/tous les soirs',
      'every week/toutes les semaines',
      'every year/tous les ans',
      'every summer/tous les étés',
      'in the morning/le matin',
      "in the afternoon/l'après-midi",
      'in the evening/le soir',
      'at night/la nuit',
      'in spring/au printemps',
      'in summer/en été',
      'in autumn/en automne',
      'in winter/en hiver',
      'at the weekend/le week-end',
    ].map(phrase),
  );
}

/** A time expression for the present. */
export function now(sampler: Sampler): Phrase {
  return sampler.pick(['now/maintenant', 'at the moment/en ce moment', "today/aujourd'hui"].map(phrase));
}

/** An expression of duration up to now; French uses the present with `depuis`. */
export function since(sampler: Sampler): Phrase {
  if (sampler.chance(0.6)) {
    const time = duration(sampler);
    return { en: `for ${time.en}`, fr: `depuis ${time.fr}` };
  }
  const start = sampler.chance(0.4)
    ? day(sampler)
    : sampler.chance(0.4)
      ? month(sampler)
      : phrase(`${sampler.between(1990, 2023)}/`);
  return { en: `since ${start.en}`, fr: `depuis ${start.fr === '' ? start.en : start.fr}` };
}
