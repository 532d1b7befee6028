import type { Clause, Tense } from '../clause.js';
import { statement } from '../clause.js';
import type { Phrase } from '../features.js';
import { AT, CITIES, COUNTRIES, ROOMS, SPOTS } from '../lexicon/places.js';
import type { Verb } from '../lexicon/verbs.js';
import type { Sampler } from '../sampler.js';
import { COMMA, sequence } from '../sentence.js';
import { future, habit, now, past } from '../times.js';

/** A tense and a matching time expression. Stative verbs are never progressive. */
export function tenseAndTime(sampler: Sampler, stative = false): { tense: Tense; time: Phrase | undefined } {
  const tense: Tense = sampler.pick(
    stative
      ? ['present', 'past', 'future']
      : ['present', 'progressive', 'past', 'past', 'past', 'future', 'nearFuture', 'usedTo'],
  );
  if (sampler.chance(tense === 'present' || tense === 'usedTo' ? 0.3 : 0.45)) return { tense, time: undefined };
  switch (tense) {
    case 'past':
      return { tense, time: past(sampler) };
    case 'future':
    case 'nearFuture':
      return { tense, time: future(sampler) };
    case 'progressive':
      return { tense, time: now(sampler) };
    default:
      return { tense, time: stative ? undefined : habit(sampler) };
  }
}

/** A statement with its time expression at the end or, sometimes, at the start. */
export function timed(sampler: Sampler, clause: Clause, time: Phrase | undefined): Phrase {
  // `never` and `no longer` are not combined with a time.
  if (time === undefined || clause.negation === 'never' || clause.negation === 'noLonger') return statement(clause);
  if (sampler.chance(0.2)) return sequence(time, COMMA, statement(clause));
  return statement({ ...clause, complements: [...(clause.complements ?? []), time] });
}

/** A location. */
export function place(sampler: Sampler): Phrase {
  const kind = sampler.between(1, 10);
  if (kind <= 3) return sampler.pick(SPOTS).at;
  if (kind <= 5) return sampler.pick(ROOMS);
  if (kind === 6) return sampler.pick(AT);
  if (kind <= 8) return inCity(sampler);
  return inCountry(sampler);
}

/** A plausible location of an activity: one cooks in a kitchen and swims in water. */
export function placeFor(sampler: Sampler, activity: Verb): Phrase {
  switch (activity.en.base) {
    case 'cook':
      return sampler.pick([
        ...ROOMS.slice(0, 1),
        ...AT.slice(0, 2),
        ...SPOTS.filter((spot) => ['hotel', 'restaurant', 'castle'].includes(spot.en)).map((spot) => spot.at),
      ]);
    case 'swim':
      return sampler.chance(0.4)
        ? sampler.pick(SPOTS.filter((spot) => spot.en === 'swimming pool')).at
        : sampler.chance(0.5)
          ? inCity(sampler)
          : inCountry(sampler);
    case 'run':
      return sampler.chance(0.5)
        ? sampler.pick([
            ...SPOTS.filter((spot) => ['park', 'stadium', 'beach', 'village'].includes(spot.en)).map((spot) => spot.at),
            ...AT.slice(2),
            ...ROOMS.slice(3, 4),
          ])
        : inCity(sampler);
    case 'travel':
      return inCountry(sampler);
    case 'sleep':
      return sampler.chance(0.6) ? sampler.pick(ROOMS) : inCity(sampler);
    default:
      return place(sampler);
  }
}

/** `in Paris`, `in Le Havre`. */
export function inCity(sampler: Sampler): Phrase {
  const city = sampler.pick(CITIES);
  return { en: `in ${city.en}`, fr: city.frIn };
}

/** `in Japan`, `in the United States`. */
export function inCountry(sampler: Sampler): Phrase {
  const country = sampler.pick(COUNTRIES);
  return { en: `in ${country.en}`, fr: country.frIn };
}

/** A destination: a place, city or country. */
export function destination(sampler: Sampler): Phrase {
  const kind = sampler.between(1, 3);
  if (kind === 1) return sampler.pick(SPOTS).to;
  const target = sampler.pick(kind === 2 ? CITIES : COUNTRIES);
  return { en: `to ${target.en}`, fr: target.frIn };
}
