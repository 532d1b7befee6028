import type { EnglishVerb } from '../english/verb.js';
import { englishVerb } from '../english/verb.js';
import type { FrenchVerb } from '../french/conjugation.js';
import { frenchVerb } from '../french/conjugation.js';
import type { Noun } from './nouns.js';
import {
  ANIMALS,
  BELONGINGS,
  CLOTHES,
  DRINKS,
  FOOD_COUNT,
  FOOD_MASS,
  FRUIT,
  FURNITURE,
  GIFTS,
  HOMES,
  IDEAS,
  MEALS,
  MEDIA,
  OPENABLE,
  PLANTS,
  READING,
  TABLEWARE,
  VEHICLES,
} from './nouns.js';

/** A verb in both languages. */
export interface Verb {
  readonly en: EnglishVerb;
  readonly fr: FrenchVerb;
  /** Stative verbs are never progressive, and their English past is a French imparfait. */
  readonly stative: boolean;
  /** French words after the verb: besoin, visite, faim. */
  readonly frTail: string;
  /** French preposition before the object: jouer de, répondre à. */
  readonly frLink: '' | 'de' | 'à';
}

/** Parses `english/french`. The French verb may be followed by a tail and a link, as in `avoir besoin de`. */
export function verb(entry: string, stative = false): Verb {
  const [english = '', french = ''] = entry.trim().split('/');
  const [, infinitive = '', rest = ''] = /^((?:se |s')?\S+) ?(.*)$/.exec(french) ?? [];
  const words = rest.split(' ');
  const last = words.at(-1);
  const frLink = last === 'de' || last === 'à' ? last : '';
  return {
    en: englishVerb(english),
    fr: frenchVerb(infinitive),
    stative,
    frLink,
    frTail: (frLink === '' ? words : words.slice(0, -1)).join(' '),
  };
}

export const BE = verb('be/être', true);
export const HAVE = verb('have/avoir', true);
export const GO = verb('go/aller');

/** Transitive verbs with their possible objects. */
export interface TransitiveVerb extends Verb {
  readonly objects: readonly Noun[];
}

const transitive = (entry: string, ...objects: (readonly Noun[])[]): TransitiveVerb => ({
  ...verb(entry),
  objects: objects.flat(),
});

export const TRANSITIVE: readonly TransitiveVerb[] = [
  transitive('buy/acheter', CLOTHES, VEHICLES.slice(0, 2), BELONGINGS, FOOD_COUNT, FURNITURE, HOMES, GIFTS),
  transitive('sell/vendre', VEHICLES, HOMES, FURNITURE, PLANTS.slice(1)),
  transitive('find/trouver', BELONGINGS, CLOTHES, ANIMALS, IDEAS.slice(5, 7)),
  transitive('lose/perdre', BELONGINGS, CLOTHES),
  transitive('look for/chercher', BELONGINGS, CLOTHES, ANIMALS, READING),
  transitive('forget/oublier', BELONGINGS, IDEAS.slice(5, 6), CLOTHES),
  transitive('read/lire', READING),
  transitive(
    'write/écrire',
    READING.filter((noun) => noun.en !== 'newspaper'),
  ),
  transitive('open/ouvrir', OPENABLE),
  transitive('close/fermer', OPENABLE),
  transitive('wash/laver', TABLEWARE, CLOTHES, VEHICLES.slice(0, 1), FRUIT.slice(1)),
  transitive('clean/nettoyer', FURNITURE, HOMES),
  transitive('repair/réparer', VEHICLES, FURNITURE, BELONGINGS.slice(2, 5)),
  transitive('paint/peindre', HOMES, PLANTS),
  transitive('wear/porter', CLOTHES),
  transitive('choose/choisir', CLOTHES, GIFTS, READING, VEHICLES),
  transitive('watch/regarder', ANIMALS, MEDIA.slice(0, 1), VEHICLES.slice(1)),
  transitive('listen to/écouter', MEDIA.slice(1), READING.slice(7, 9)),
  transitive('hear/entendre', MEDIA.slice(1), ANIMALS, VEHICLES.slice(2)),
  transitive('understand/comprendre', IDEAS, READING),
  transitive('explain/expliquer', IDEAS),
  transitive('learn/apprendre', MEDIA.slice(1), IDEAS.slice(1, 2), READING.slice(3, 4)),
  transitive('prepare/préparer', MEALS, IDEAS.slice(3, 4)),
  transitive('break/casser', TABLEWARE, FURNITURE.slice(3, 4), GIFTS.slice(1, 2), OPENABLE.slice(2, 3)),
  transitive('borrow/emprunter', READING, VEHICLES, BELONGINGS),
  transitive('draw/dessiner', ANIMALS, PLANTS, HOMES, VEHICLES),
  transitive('see/voir', ANIMALS, VEHICLES, HOMES, MEDIA.slice(0, 1)),
  transitive('receive/recevoir', READING, GIFTS),
  transitive('eat/manger', FOOD_COUNT),
];

/** Involuntary verbs: they do not follow decide to, try to or forget to. */
export const INVOLUNTARY: ReadonlySet<string> = new Set([
  'find',
  'lose',
  'forget',
  'hear',
  'understand',
  'break',
  'see',
  'receive',
  'watch',
]);

export const CONSUMPTION: readonly TransitiveVerb[] = [
  transitive('eat/manger', FOOD_MASS),
  transitive('drink/boire', DRINKS),
  transitive('buy/acheter', FOOD_MASS, DRINKS),
  transitive('order/commander', FOOD_MASS.slice(3), DRINKS),
];

/** Transitive verbs whose object is a person. */
export const TOWARDS_PEOPLE: readonly Verb[] = [
  verb('see/voir'),
  verb('help/aider'),
  verb('invite/inviter'),
  verb('thank/remercier'),
  verb('meet/rencontrer'),
  verb('wait for/attendre'),
  verb('look for/chercher'),
  verb('listen to/écouter'),
  verb('look at/regarder'),
  verb('follow/suivre'),
  verb('find/trouver'),
  verb('hear/entendre'),
  verb('understand/comprendre'),
];
/** Verbs with à in French, so that the pronoun is lui or leur. */
export const TOWARDS_PEOPLE_WITH_A: readonly Verb[] = [
  verb('talk to/parler à'),
  verb('answer/répondre à'),
  verb('phone/téléphoner à'),
  verb('visit/rendre visite à'),
  verb('write to/écrire à'),
];
export const FEELINGS: readonly Verb[] = [
  verb('love/aimer', true),
  verb('know/connaître', true),
  verb('admire/admirer', true),
];

/** Ditransitive verbs. */
export const GIVING: readonly TransitiveVerb[] = [
  transitive('give/donner', GIFTS, READING.slice(0, 3), BELONGINGS, CLOTHES, PLANTS.slice(1)),
  transitive('send/envoyer', READING, GIFTS.slice(0, 2)),
  transitive('show/montrer', READING, BELONGINGS, GIFTS, HOMES, CLOTHES),
  transitive('lend/prêter', BELONGINGS, CLOTHES, VEHICLES, READING.slice(0, 3)),
  transitive('bring/apporter', GIFTS, PLANTS.slice(1), READING, FOOD_COUNT, TABLEWARE),
  transitive('sell/vendre', VEHICLES, FURNITURE, HOMES),
];

export const ACTIVITIES: readonly Verb[] = [
  'work/travailler',
  'sleep/dormir',
  'sing/chanter',
  'dance/danser',
  'cry/pleurer',
  'laugh/rire',
  'run/courir',
  'swim/nager',
  'cook/cuisiner',
  'travel/voyager',
  'study/étudier',
  'wait/attendre',
  'eat/manger',
  'read/lire',
  'draw/dessiner',
  'smoke/fumer',
].map((entry) => verb(entry));

/** Intransitive verbs of movement and change, with être. */
export const MOVEMENTS: readonly Verb[] = [
  'arrive/arriver',
  'leave/partir',
  'come back/revenir',
  'go home/rentrer',
  'go out/sortir',
  'come/venir',
  'fall/tomber',
].map((entry) => verb(entry));

export const REFLEXIVE: readonly Verb[] = [
  'get up/se lever',
  'wake up/se réveiller',
  'go to bed/se coucher',
  'hurry/se dépêcher',
  'rest/se reposer',
  "get dressed/s'habiller",
  'go for a walk/se promener',
  "have fun/s'amuser",
  "get bored/s'ennuyer",
  "fall asleep/s'endormir",
  "stop/s'arrêter",
].map((entry) => verb(entry));

/** Verbs with an infinitive. `can` and `must` have only a present tense in English. */
export interface Catenative extends Verb {
  readonly defective: boolean;
}

const catenative = (entry: string, stative = false, defective = false): Catenative => ({
  ...verb(entry, stative),
  defective,
});

export const CAN = catenative('can/pouvoir', true, true);
export const MUST = catenative('must/devoir', true, true);
export const WANT = catenative('want/vouloir', true);
export const CATENATIVES: readonly Catenative[] = [
  CAN,
  MUST,
  WANT,
  catenative('hope/espérer', true),
  catenative('decide/décider de'),
  catenative('try/essayer de'),
  catenative('forget/oublier de'),
  catenative('promise/promettre de'),
  catenative('refuse/refuser de'),
  catenative('begin/commencer à'),
  catenative('learn/apprendre à'),
  catenative('need/avoir besoin de', true),
];
