import type { Gender, Phrase } from '../features.js';
import type { Noun } from './nouns.js';

/** A country or city with its prepositions: in or to, and from (before contraction of `de`). */
export interface NamedPlace extends Phrase {
  readonly frIn: string;
  readonly frFrom: string;
  /** With its article, if any, as the subject of a sentence. */
  readonly frName: string;
  readonly gender: Gender;
}

function country(entry: string): NamedPlace {
  const [en = '', fr = '', kind = ''] = entry.trim().split('/');
  const startsWithVowel = /^[AEIOUÉ]/.test(fr);
  const gender = kind === 'f' ? 'f' : 'm';
  if (kind === 'plural')
    return { en: `the ${en}`, fr, frIn: `à les ${fr}`, frFrom: `de les ${fr}`, frName: `les ${fr}`, gender };
  // Feminine names, and masculine ones with an initial vowel, take en; others take au.
  return gender === 'f' || startsWithVowel
    ? { en, fr, frIn: `en ${fr}`, frFrom: `de ${fr}`, frName: `${gender === 'f' ? 'la' : 'le'} ${fr}`, gender }
    : { en, fr, frIn: `à le ${fr}`, frFrom: `de le ${fr}`, frName: `le ${fr}`, gender };
}

export const COUNTRIES: readonly NamedPlace[] = [
  'France/France/f',
  'Italy/Italie/f',
  'Spain/Espagne/f',
  'Germany/Allemagne/f',
  'England/Angleterre/f',
  'Belgium/Belgique/f',
  'Switzerland/Suisse/f',
  'Greece/Grèce/f',
  'Norway/Norvège/f',
  'Ireland/Irlande/f',
  'Hungary/Hongrie/f',
  'China/Chine/f',
  'Australia/Australie/f',
  'Japan/Japon/m',
  'Canada/Canada/m',
  'Portugal/Portugal/m',
  'Brazil/Brésil/m',
  'Mexico/Mexique/m',
  'Denmark/Danemark/m',
  'Morocco/Maroc/m',
  'Iran/Iran/m',
  'United States/États-Unis/plural',
  'Netherlands/Pays-Bas/plural',
  'Philippines/Philippines/plural',
].map(country);

const city = (en: string, fr = en): NamedPlace => ({
  en,
  fr,
  frIn: `à ${fr}`,
  frFrom: `de ${fr}`,
  frName: fr,
  gender: 'f',
});

export const CITIES: readonly NamedPlace[] = [
  city('Paris'),
  city('Lyon'),
  city('Bordeaux'),
  city('Marseille'),
  city('Nice'),
  city('Avignon'),
  city('Orléans'),
  city('Strasbourg'),
  city('London', 'Londres'),
  city('Brussels', 'Bruxelles'),
  city('Geneva', 'Genève'),
  city('Vienna', 'Vienne'),
  city('Rome'),
  city('Venice', 'Venise'),
  city('Athens', 'Athènes'),
  city('Berlin'),
  city('Madrid'),
  city('Lisbon', 'Lisbonne'),
  city('Montreal', 'Montréal'),
  // Cities with an article contract like any noun: au Havre, du Caire.
  { en: 'Le Havre', fr: 'Le Havre', frIn: 'à le Havre', frFrom: 'de le Havre', frName: 'Le Havre', gender: 'm' },
  { en: 'Cairo', fr: 'Le Caire', frIn: 'à le Caire', frFrom: 'de le Caire', frName: 'Le Caire', gender: 'm' },
];

export const LANGUAGES: readonly (Phrase & { readonly article: string })[] = [
  ['French', 'français'],
  ['English', 'anglais'],
  ['Spanish', 'espagnol'],
  ['German', 'allemand'],
  ['Italian', 'italien'],
  ['Japanese', 'japonais'],
  ['Chinese', 'chinois'],
  ['Portuguese', 'portugais'],
  ['Greek', 'grec'],
  ['Hungarian', 'hongrois'],
].map(([en = '', fr = '']) => ({ en, fr, article: 'le' }));

/** A location or destination. */
export interface Spot extends Noun {
  readonly at: Phrase;
  readonly to: Phrase;
}

function spots(gender: Gender, entries: string): Spot[] {
  return entries.split(',').map((entry) => {
    const [en = '', fr = '', at = '', plural] = entry.trim().split('/');
    const article = gender === 'm' ? 'le' : 'la';
    const [english = '', french = ''] = at.split('=');
    return {
      en,
      fr,
      gender,
      enPlural: en.endsWith('y') ? en.replace(/y$/, 'ies') : en.endsWith('ch') ? `${en}es` : `${en}s`,
      frPlural: plural ?? (fr.endsWith('eau') ? `${fr}x` : fr.endsWith('al') ? fr.replace(/al$/, 'aux') : `${fr}s`),
      at: { en: `${english} the ${en}`, fr: `${french} ${article} ${fr}` },
      to: { en: `to the ${en}`, fr: `à ${article} ${fr}` },
    };
  });
}

export const SPOTS: readonly Spot[] = [
  ...spots(
    'm',
    'airport/aéroport/at=à, museum/musée/at=à, cinema/cinéma/at=à, theatre/théâtre/at=à, ' +
      'restaurant/restaurant/at=à, hotel/hôtel/at=à, ' +
      'market/marché/at=à, park/parc/in=dans, supermarket/supermarché/at=à, office/bureau/at=à, ' +
      'castle/château/at=à, hospital/hôpital/at=à, village/village/in=dans, stadium/stade/at=à',
  ),
  ...spots(
    'f',
    'station/gare/at=à, library/bibliothèque/at=à, bank/banque/at=à, post office/poste/at=à, ' +
      'bakery/boulangerie/at=à, beach/plage/on=sur, ' +
      'pharmacy/pharmacie/at=à, swimming pool/piscine/at=à, town hall/mairie/at=à, ' +
      'university/université/at=à, church/église/at=à, factory/usine/at=à',
  ),
];

const room = (en: string, fr: string, article: string): Phrase => ({ en: `in the ${en}`, fr: `dans ${article} ${fr}` });

export const ROOMS: readonly Phrase[] = [
  room('kitchen', 'cuisine', 'la'),
  room('bedroom', 'chambre', 'la'),
  room('living room', 'salon', 'le'),
  room('garden', 'jardin', 'le'),
  room('bathroom', 'salle de bains', 'la'),
  room('cellar', 'cave', 'la'),
  room('attic', 'grenier', 'le'),
];

/** Places without an article in English: at school, at home. */
export const AT: readonly Phrase[] = [
  { en: 'at school', fr: "à l'école" },
  { en: 'at home', fr: 'à la maison' },
  { en: 'in the street', fr: 'dans la rue' },
  { en: 'in town', fr: 'en ville' },
];

/** Prepositions of place. Those that end in de contract with `le` and `les`. */
export const RELATIONS: readonly Phrase[] = [
  { en: 'in front of', fr: 'devant' },
  { en: 'behind', fr: 'derrière' },
  { en: 'near', fr: 'près de' },
  { en: 'next to', fr: 'à côté de' },
  { en: 'opposite', fr: 'en face de' },
  { en: 'far from', fr: 'loin de' },
];
