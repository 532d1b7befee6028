import type { PersonForm } from '../features.js';

/** An English verb; `particle` follows every form: look for, be hungry. */
export interface EnglishVerb {
  readonly base: string;
  readonly third: string;
  readonly past: string;
  readonly participle: string;
  readonly ing: string;
  readonly particle: string;
}

/** Base form, past and participle of irregular verbs. */
const IRREGULAR: Readonly<Record<string, readonly [past: string, participle: string]>> = {
  be: ['was', 'been'],
  become: ['became', 'become'],
  begin: ['began', 'begun'],
  break: ['broke', 'broken'],
  bring: ['brought', 'brought'],
  buy: ['bought', 'bought'],
  choose: ['chose', 'chosen'],
  come: ['came', 'come'],
  cost: ['cost', 'cost'],
  cut: ['cut', 'cut'],
  draw: ['drew', 'drawn'],
  drink: ['drank', 'drunk'],
  eat: ['ate', 'eaten'],
  fall: ['fell', 'fallen'],
  find: ['found', 'found'],
  forget: ['forgot', 'forgotten'],
  get: ['got', 'got'],
  give: ['gave', 'given'],
  go: ['went', 'gone'],
  have: ['had', 'had'],
  hear: ['heard', 'heard'],
  know: ['knew', 'known'],
  learn: ['learned', 'learned'],
  leave: ['left', 'left'],
  lend: ['lent', 'lent'],
  lose: ['lost', 'lost'],
  make: ['made', 'made'],
  meet: ['met', 'met'],
  read: ['read', 'read'],
  run: ['ran', 'run'],
  say: ['said', 'said'],
  see: ['saw', 'seen'],
  sell: ['sold', 'sold'],
  send: ['sent', 'sent'],
  sing: ['sang', 'sung'],
  sleep: ['slept', 'slept'],
  speak: ['spoke', 'spoken'],
  swim: ['swam', 'swum'],
  take: ['took', 'taken'],
  think: ['thought', 'thought'],
  understand: ['understood', 'understood'],
  wake: ['woke', 'woken'],
  wear: ['wore', 'worn'],
  write: ['wrote', 'written'],
};

/** Verbs that double the final consonant before -ing and -ed. */
const DOUBLING = new Set(['begin', 'cut', 'forget', 'get', 'run', 'stop', 'swim', 'travel']);

/** Inflects a verb given as its base form with an optional particle: `look for`. */
export function englishVerb(name: string): EnglishVerb {
  const [base = '', ...particle] = name.split(' ');
  const stem = DOUBLING.has(base) ? base + base.slice(-1) : base;
  const consonantY = /[^aeiou]y$/.test(base);
  const regular = base.endsWith('e') ? `${base}d` : consonantY ? base.replace(/y$/, 'ied') : `${stem}ed`;
  const [past, participle] = (Object.hasOwn(IRREGULAR, base) ? IRREGULAR[base] : undefined) ?? [regular, regular];
  return {
    base,
    third:
      base === 'be'
        ? 'is'
        : base === 'have'
          ? 'has'
          : consonantY
            ? base.replace(/y$/, 'ies')
            : /(s|x|ch|sh|o)$/.test(base)
              ? `${base}es`
              : `${base}s`,
    past,
    participle,
    ing: /[^e]e$/.test(base) && base !== 'be' ? base.replace(/e$/, 'ing') : `${stem}ing`,
    particle: particle.join(' '),
  };
}

/** am, is, are, or was, were. */
export function formOfBe(form: PersonForm, past = false): string {
  if (past) return form === 0 || form === 2 ? 'was' : 'were';
  return form === 0 ? 'am' : form === 2 ? 'is' : 'are';
}

/** The finite present. */
export function presentForm(verb: EnglishVerb, form: PersonForm): string {
  if (verb.base === 'be') return formOfBe(form);
  return form === 2 ? verb.third : verb.base;
}

/** The finite past. */
export function pastForm(verb: EnglishVerb, form: PersonForm): string {
  return verb.base === 'be' ? formOfBe(form, true) : verb.past;
}

const NEGATED: Readonly<Record<string, string>> = {
  am: 'am not',
  is: "isn't",
  are: "aren't",
  was: "wasn't",
  were: "weren't",
  do: "don't",
  does: "doesn't",
  did: "didn't",
  has: "hasn't",
  have: "haven't",
  will: "won't",
  can: "can't",
  must: 'must not',
};

/** The contracted negation of an auxiliary: `isn't`, `won't`. */
export function negate(auxiliary: string): string {
  return NEGATED[auxiliary] ?? `${auxiliary} not`;
}
