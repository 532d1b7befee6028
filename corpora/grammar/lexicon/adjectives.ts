import type { AdjectiveForms } from '../french/adjective.js';
import { regularFeminine } from '../french/adjective.js';

/** An adjective in both languages, and its position relative to the noun in French. */
export interface Adjective {
  readonly en: string;
  /** English comparative and superlative. Default: with `more` and `most`. */
  readonly enComparative?: string;
  readonly enSuperlative?: string;
  readonly fr: AdjectiveForms;
  readonly position: 'before' | 'after';
  /** Irregular French comparative: meilleur. */
  readonly frComparative?: AdjectiveForms;
}

/** Words that take -er and -est, with the stem for these endings. */
const ENGLISH_STEMS: Readonly<Record<string, string>> = {
  big: 'bigg',
  small: 'small',
  new: 'new',
  old: 'old',
  young: 'young',
  pretty: 'pretti',
  long: 'long',
  dirty: 'dirti',
  clean: 'clean',
  round: 'round',
  heavy: 'heavi',
  fast: 'fast',
  quiet: 'quiet',
  tall: 'tall',
  strong: 'strong',
  rich: 'rich',
  poor: 'poor',
  kind: 'kind',
  happy: 'happi',
  sad: 'sadd',
  shy: 'shy',
  lazy: 'lazi',
  brave: 'brav',
  calm: 'calm',
  easy: 'easi',
  funny: 'funni',
  fresh: 'fresh',
  cold: 'cold',
  hot: 'hott',
  warm: 'warm',
  red: 'redd',
  large: 'larg',
};

function adjective(position: Adjective['position'], entry: string): Adjective {
  const [en = '', french = ''] = entry.trim().split('/');
  const [masculine = '', feminine = regularFeminine(masculine), beforeVowel] = french.split('+');
  const stem = Object.hasOwn(ENGLISH_STEMS, en) ? ENGLISH_STEMS[en] : undefined;
  return {
    en,
    ...(stem !== undefined && { enComparative: `${stem}er`, enSuperlative: `${stem}est` }),
    ...(en === 'good' && {
      enComparative: 'better',
      enSuperlative: 'best',
      frComparative: { masculine: 'meilleur', feminine: 'meilleure' },
    }),
    fr: { masculine, feminine, ...(beforeVowel !== undefined && { beforeVowel }) },
    position,
  };
}

const ALL = [
  ...(
    'big/grand, small/petit, beautiful/beau+belle+bel, new/nouveau+nouvelle+nouvel, ' +
    'old/vieux+vieille+vieil, good/bon+bonne, young/jeune, pretty/joli, long/long+longue, tall/grand'
  )
    .split(',')
    .map((entry) => adjective('before', entry)),
  ...(
    'red/rouge, blue/bleu, green/vert, black/noir, white/blanc+blanche, yellow/jaune, grey/gris, brown/brun, ' +
    'expensive/cher, interesting/intéressant, difficult/difficile, easy/facile, heavy/lourd, round/rond, ' +
    'empty/vide, full/plein, clean/propre, dirty/sale, fast/rapide, ' +
    'quiet/tranquille, modern/moderne, famous/célèbre, fresh/frais+fraîche, hot/chaud, cold/froid, ' +
    'sweet/sucré, ripe/mûr, dangerous/dangereux, comfortable/confortable, ' +
    'useful/utile, strange/étrange, important/important, broken/cassé, open/ouvert, closed/fermé, elegant/élégant, ' +
    'French/français, English/anglais, Italian/italien, German/allemand, Spanish/espagnol, ' +
    'Japanese/japonais, American/américain, ' +
    'happy/heureux, sad/triste, tired/fatigué, sick/malade, intelligent/intelligent, ' +
    'kind/gentil+gentille, shy/timide, rich/riche, poor/pauvre, strong/fort, ' +
    'serious/sérieux, polite/poli, busy/occupé, ready/prêt, proud/fier, worried/inquiet+inquiète, ' +
    'patient/patient, lazy/paresseux, curious/curieux, funny/drôle, ' +
    'brave/courageux, nervous/nerveux, surprised/surpris, jealous/jaloux+jalouse, calm/calme, absent/absent, alone/seul'
  )
    .split(',')
    .map((entry) => adjective('after', entry)),
];

const BY_NAME = new Map(ALL.map((entry) => [entry.en, entry]));

/** Looks up adjectives by their English names. Throws RangeError for an unknown one. */
export function adjectives(names: string): Adjective[] {
  return names.split(' ').map((name) => {
    const found = BY_NAME.get(name);
    if (found === undefined) throw new RangeError(`no adjective ${name}`);
    return found;
  });
}

/** Adjectives for each kind of noun, attributive or predicative. */
export const OF_OBJECTS = adjectives(
  'big small beautiful new old pretty heavy expensive red blue green black white yellow grey round useful modern',
);
export const OF_CLOTHES = adjectives(
  'new old beautiful pretty long elegant expensive red blue green black white yellow grey brown Italian comfortable',
);
export const OF_VEHICLES = adjectives(
  'big small new old beautiful red blue green white black fast expensive German Italian Japanese American',
);
export const OF_READING = adjectives(
  'new old good long interesting difficult important French English Spanish funny strange',
);
export const OF_FOOD = adjectives('small fresh good');
export const OF_FRUIT = adjectives('small fresh good ripe sweet');
/** Mutually exclusive adjectives: colours and nationalities. */
export const COLOURS = adjectives('red blue green black white yellow grey brown');
export const ORIGINS = adjectives('French English Italian German Spanish Japanese American');
export const OF_ANIMALS = adjectives(
  'big small young old beautiful black white grey brown intelligent dangerous funny',
);
export const OF_PLACES = adjectives('big small beautiful new old pretty quiet modern famous clean');
export const OF_PEOPLE = adjectives(
  'young old tall kind famous rich poor intelligent shy serious polite strong brave funny patient lazy',
);
export const OF_IDEAS = adjectives('good new interesting difficult important strange easy');
/** `nouveau` and `long` are only used attributively. */
export const NOT_PREDICATIVE = adjectives('new long');
export const MOODS = adjectives(
  'happy sad tired sick busy ready proud worried nervous surprised jealous calm absent alone',
);
export const TRAITS = adjectives(
  'tall kind intelligent shy rich poor strong serious polite patient lazy curious funny brave',
);
export const STATES = adjectives('open closed clean dirty empty full broken');
