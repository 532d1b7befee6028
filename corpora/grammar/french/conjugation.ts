import type { Features, PersonForm } from '../features.js';
import { inflectAdjective } from './adjective.js';

type Six = readonly [string, string, string, string, string, string];

/** The forms of a French verb that the grammar uses. */
export interface FrenchVerb {
  readonly infinitive: string;
  readonly present: Six;
  readonly imperfect: Six;
  readonly future: Six;
  readonly participle: string;
  readonly auxiliary: 'avoir' | 'être';
  readonly reflexive: boolean;
}

/** Non-reflexive verbs with the auxiliary être. */
const WITH_ETRE = new Set([
  'aller',
  'arriver',
  'descendre',
  'devenir',
  'entrer',
  'monter',
  'mourir',
  'naître',
  'partir',
  'rentrer',
  'rester',
  'retourner',
  'revenir',
  'sortir',
  'tomber',
  'venir',
]);

/** -eler and -eter verbs that double the consonant instead of taking a grave accent. */
const DOUBLING = new Set(['appeler', 'rappeler', 'jeter']);

/** Verbs of the second group, with -iss- in the plural. */
const SECOND_GROUP = new Set(['choisir', 'finir', 'grandir', 'obéir', 'réfléchir', 'remplir', 'réussir']);

/** Irregular verbs: present, future stem, participle. The imperfect is derived from the first person plural. */
const IRREGULAR: Readonly<Record<string, readonly [present: string, future: string, participle: string]>> = {
  être: ['suis es est sommes êtes sont', 'ser', 'été'],
  avoir: ['ai as a avons avez ont', 'aur', 'eu'],
  aller: ['vais vas va allons allez vont', 'ir', 'allé'],
  faire: ['fais fais fait faisons faites font', 'fer', 'fait'],
  pouvoir: ['peux peux peut pouvons pouvez peuvent', 'pourr', 'pu'],
  vouloir: ['veux veux veut voulons voulez veulent', 'voudr', 'voulu'],
  devoir: ['dois dois doit devons devez doivent', 'devr', 'dû'],
  savoir: ['sais sais sait savons savez savent', 'saur', 'su'],
  voir: ['vois vois voit voyons voyez voient', 'verr', 'vu'],
  croire: ['crois crois croit croyons croyez croient', 'croir', 'cru'],
  boire: ['bois bois boit buvons buvez boivent', 'boir', 'bu'],
  lire: ['lis lis lit lisons lisez lisent', 'lir', 'lu'],
  dire: ['dis dis dit disons dites disent', 'dir', 'dit'],
  écrire: ['écris écris écrit écrivons écrivez écrivent', 'écrir', 'écrit'],
  rire: ['ris ris rit rions riez rient', 'rir', 'ri'],
  recevoir: ['reçois reçois reçoit recevons recevez reçoivent', 'recevr', 'reçu'],
  courir: ['cours cours court courons courez courent', 'courr', 'couru'],
  suivre: ['suis suis suit suivons suivez suivent', 'suivr', 'suivi'],
  peindre: ['peins peins peint peignons peignez peignent', 'peindr', 'peint'],
  mourir: ['meurs meurs meurt mourons mourez meurent', 'mourr', 'mort'],
  naître: ['nais nais naît naissons naissez naissent', 'naîtr', 'né'],
};

/** Verb families: the ending of the infinitive, then the endings of present, future and participle. */
const FAMILIES: readonly (readonly [ending: string, present: string, future: string, participle: string])[] = [
  ['enir', 'iens iens ient enons enez iennent', 'iendr', 'enu'],
  ['prendre', 'prends prends prend prenons prenez prennent', 'prendr', 'pris'],
  ['mettre', 'mets mets met mettons mettez mettent', 'mettr', 'mis'],
  ['naître', 'nais nais naît naissons naissez naissent', 'naîtr', 'nu'],
  ['duire', 'duis duis duit duisons duisez duisent', 'duir', 'duit'],
  ['vrir', 'vre vres vre vrons vrez vrent', 'vrir', 'vert'],
  ['ffrir', 'ffre ffres ffre ffrons ffrez ffrent', 'ffrir', 'ffert'],
  ['dormir', 'dors dors dort dormons dormez dorment', 'dormir', 'dormi'],
  ['partir', 'pars pars part partons partez partent', 'partir', 'parti'],
  ['sortir', 'sors sors sort sortons sortez sortent', 'sortir', 'sorti'],
];

/** Conjugates a verb given by its infinitive, with `se` or `s'` if reflexive. Throws RangeError if it is unknown. */
export function frenchVerb(name: string): FrenchVerb {
  const infinitive = name.replace(/^s(e |')/, '');
  const reflexive = infinitive !== name;
  const [present, future, participle] = principalParts(infinitive);
  return {
    infinitive,
    present,
    imperfect: imperfectOf(infinitive, present[3]),
    future: endings(future, 'ai as a ons ez ont'),
    participle,
    auxiliary: reflexive || WITH_ETRE.has(infinitive) ? 'être' : 'avoir',
    reflexive,
  };
}

/** The past participle, with agreement if features are given. */
export function participle(verb: FrenchVerb, features?: Features): string {
  if (features === undefined) return verb.participle;
  // dû, due: only the masculine singular has the accent.
  const masculine =
    verb.participle === 'dû' && (features.gender === 'f' || features.number === 'plural') ? 'du' : verb.participle;
  return inflectAdjective({ masculine, feminine: `${masculine}e` }, features);
}

/** Inversion: `va-t-il`, `prend-elle`, `parlez-vous`. */
export function invert(finite: string, pronoun: string): string {
  return /[aec]$/.test(finite) && /^(il|elle)s?$/.test(pronoun) ? `${finite}-t-${pronoun}` : `${finite}-${pronoun}`;
}

/** Imperative for tu or vous. The former drops the -s of -er verbs, `aller` and `ouvrir`. */
export function imperative(verb: FrenchVerb, form: PersonForm): string {
  const indicative = verb.present[form];
  return form === 1 && /[ea]s$/.test(indicative) ? indicative.slice(0, -1) : indicative;
}

function principalParts(infinitive: string): readonly [Six, string, string] {
  const irregular = Object.hasOwn(IRREGULAR, infinitive) ? IRREGULAR[infinitive] : undefined;
  if (irregular !== undefined) return [endings('', irregular[0]), irregular[1], irregular[2]];
  for (const [ending, present, future, past] of FAMILIES) {
    if (!infinitive.endsWith(ending)) continue;
    const stem = infinitive.slice(0, -ending.length);
    return [endings(stem, present), stem + future, stem + past];
  }
  const stem = infinitive.slice(0, -2);
  if (SECOND_GROUP.has(infinitive)) return [endings(stem, 'is is it issons issez issent'), infinitive, `${stem}i`];
  if (infinitive.endsWith('dre')) return [endings(stem, 's s _ ons ez ent'), infinitive.slice(0, -1), `${stem}u`];
  if (infinitive.endsWith('er')) return firstGroup(infinitive, stem);
  throw new RangeError(`no conjugation for ${infinitive}`);
}

function firstGroup(infinitive: string, stem: string): readonly [Six, string, string] {
  const strong = strongStem(infinitive, stem);
  const soft = stem.endsWith('g') ? `${stem}e` : stem.replace(/c$/, 'ç');
  const present: Six = [`${strong}e`, `${strong}es`, `${strong}e`, `${soft}ons`, `${stem}ez`, `${strong}ent`];
  const future = infinitive === 'envoyer' ? 'enverr' : /é[^aeiouéèy]+$/.test(stem) ? infinitive : `${strong}er`;
  return [present, future, `${stem}é`];
}

/** The stem before a silent ending: achète, appelle, préfère, paie. */
function strongStem(infinitive: string, stem: string): string {
  if (DOUBLING.has(infinitive)) return stem + stem.slice(-1);
  if (stem.endsWith('y')) return stem.replace(/y$/, 'i');
  return stem.replace(/[eé]([^aeiouyéèh]|gn|ch)$/, 'è$1');
}

function imperfectOf(infinitive: string, nous: string): Six {
  const stem = infinitive === 'être' ? 'ét' : nous.replace(/ons$/, '');
  const beforeI = infinitive.endsWith('er') ? infinitive.slice(0, -2) : stem;
  return [`${stem}ais`, `${stem}ais`, `${stem}ait`, `${beforeI}ions`, `${beforeI}iez`, `${stem}aient`];
}

function endings(stem: string, list: string): Six {
  const [je = '', tu = '', il = '', nous = '', vous = '', ils = ''] = list
    .split(' ')
    .map((ending) => stem + ending.replace('_', ''));
  return [je, tu, il, nous, vous, ils];
}
