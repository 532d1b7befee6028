import type { Gender } from '../features.js';
import { regularPlural } from '../french/adjective.js';

/** A noun in both languages. Mass nouns (water, bread) are only used in the singular. */
export interface Noun {
  readonly en: string;
  readonly enPlural: string;
  readonly fr: string;
  readonly frPlural: string;
  readonly gender: Gender;
}

/** Regular English plural. Entries such as `pair of skis` must specify theirs. */
function englishPlural(singular: string): string {
  if (/[^aeiou]y$/.test(singular)) return singular.replace(/y$/, 'ies');
  return /(s|x|ch|sh|[^aeiou]o)$/.test(singular) && !/(photo|piano)$/.test(singular) ? `${singular}es` : `${singular}s`;
}

/**
 * Parses comma-separated `english/french` entries of one gender; `english+plural/french+plural` for irregular plurals.
 */
function nouns(gender: Gender, entries: string): Noun[] {
  return entries.split(',').map((entry) => {
    const [english = '', french = ''] = entry.trim().split('/');
    const [en = '', enPlural = englishPlural(en)] = english.split('+');
    const [fr = '', frPlural = regularPlural(fr)] = french.split('+');
    return { en, enPlural, fr, frPlural, gender };
  });
}

const both = (masculine: string, feminine: string): Noun[] => [...nouns('m', masculine), ...nouns('f', feminine)];

export const FOOD_MASS = both(
  'bread/pain, butter/beurre, cheese/fromage, fish/poisson, rice/riz, chocolate/chocolat, honey/miel, ' +
    'chicken/poulet, ham/jambon, garlic/ail',
  'meat/viande, salad/salade, soup/soupe, jam/confiture, ice cream/glace',
);
export const INGREDIENTS = both(
  'sugar/sucre, salt/sel, pepper/poivre, milk/lait, butter/beurre',
  'flour/farine, oil/huile, water/eau',
);
export const DRINKS = both(
  "milk/lait, coffee/café, tea/thé, wine/vin, orange juice/jus d'orange",
  'water/eau, beer/bière, lemonade/limonade',
);
export const FRUIT = both(
  'lemon/citron',
  'apple/pomme, pear/poire, orange/orange, banana/banane, cherry/cerise, strawberry/fraise, tomato/tomate',
);
export const FOOD_COUNT = [
  ...FRUIT,
  ...both(
    'egg/œuf, cake/gâteau, biscuit/biscuit, sandwich/sandwich, croissant/croissant, onion/oignon, ' +
      'mushroom/champignon, green bean/haricot vert+haricots verts, lobster/homard, yoghurt/yaourt',
    'potato/pomme de terre+pommes de terre, carrot/carotte, pancake/crêpe',
  ),
];
export const MEALS = both('breakfast/petit déjeuner, lunch/déjeuner, dinner/dîner', 'soup/soupe, salad/salade');
export const READING = both(
  'book/livre, newspaper/journal, novel/roman, poem/poème, article/article, message/message, report/rapport',
  'letter/lettre, story/histoire, postcard/carte postale+cartes postales',
);
export const VEHICLES = both(
  'bicycle/vélo, boat/bateau, lorry/camion, plane/avion, train/train',
  'car/voiture, motorcycle/moto',
);
export const CLOTHES = both(
  'coat/manteau, hat/chapeau, jumper/pull',
  'shirt/chemise, dress/robe, skirt/jupe, jacket/veste, scarf+scarves/écharpe, tie/cravate',
);
export const FURNITURE = both(
  'armchair/fauteuil, bed/lit, desk/bureau, mirror/miroir, carpet/tapis',
  'table/table, chair/chaise, lamp/lampe, wardrobe/armoire, shelf+shelves/étagère, clock/horloge',
);
export const BELONGINGS = both(
  'bag/sac, umbrella/parapluie, phone/téléphone, computer/ordinateur, ' +
    'camera/appareil photo+appareils photo, pen/stylo, pencil/crayon, notebook/cahier, ' +
    'passport/passeport, ticket/billet',
  'key/clé, suitcase/valise, watch+watches/montre, photo/photo',
);
export const TABLEWARE = both(
  'glass/verre, knife+knives/couteau',
  'plate/assiette, cup/tasse, spoon/cuillère, fork/fourchette, bottle/bouteille',
);
export const OPENABLE = both(
  'drawer/tiroir',
  'door/porte, window/fenêtre, box/boîte, suitcase/valise, bottle/bouteille, envelope/enveloppe',
);
export const INSTRUMENTS = both('piano/piano, violin/violon', 'guitar/guitare, flute/flûte, trumpet/trompette');
export const ANIMALS = both(
  'dog/chien, cat/chat, horse/cheval, bird/oiseau, rabbit/lapin, duck/canard, hamster/hamster, owl/hibou+hiboux',
  'cow/vache, mouse+mice/souris, turtle/tortue',
);
export const PLANTS = both('tree/arbre', 'flower/fleur, rose/rose, tulip/tulipe');
export const MEDIA = both('film/film', 'song/chanson');
export const IDEAS = both(
  'problem/problème, word/mot, exercise/exercice, exam/examen',
  'question/question, answer/réponse, idea/idée, lesson/leçon',
);
export const HOMES = both('apartment/appartement, castle/château', 'house/maison, farm/ferme');
export const GIFTS = both('gift/cadeau, toy/jouet, painting/tableau, ball/ballon', 'doll/poupée');

/** Relatives (my brother) whose gender is clear in English. */
export const RELATIVES = both(
  'brother/frère, father/père, son/fils, uncle/oncle, grandfather/grand-père+grands-pères, ' +
    'nephew/neveu, friend/ami, neighbour/voisin, colleague/collègue',
  'sister/sœur, mother/mère, daughter/fille, aunt/tante, grandmother/grand-mère+grands-mères, niece/nièce',
);
/** People with an article. English words without gender are masculine in French. */
export const PEOPLE = both(
  'teacher/professeur, doctor/médecin, boy/garçon, man+men/homme, student/étudiant, ' +
    'child+children/enfant, waiter/serveur, prince/prince, actor/acteur, tourist/touriste, hero/héros, ' +
    'policeman+policemen/policier, director/directeur',
  'girl/fille, woman+women/femme, waitress/serveuse, princess/princesse, actress/actrice',
);
export const PLURAL_RELATIVES = both(
  'parents+parents/parents+parents, grandparents+grandparents/grands-parents+grands-parents, ' +
    'children+children/enfants+enfants',
  'sisters+sisters/sœurs+sœurs',
);

/** A trade, with both French genders. */
export interface Trade {
  readonly en: string;
  readonly m: string;
  readonly f: string;
}

export const TRADES: readonly Trade[] = [
  ['baker', 'boulanger', 'boulangère'],
  ['nurse', 'infirmier', 'infirmière'],
  ['singer', 'chanteur', 'chanteuse'],
  ['lawyer', 'avocat', 'avocate'],
  ['journalist', 'journaliste', 'journaliste'],
  ['dentist', 'dentiste', 'dentiste'],
  ['architect', 'architecte', 'architecte'],
  ['musician', 'musicien', 'musicienne'],
  ['photographer', 'photographe', 'photographe'],
  ['pharmacist', 'pharmacien', 'pharmacienne'],
  ['cook', 'cuisinier', 'cuisinière'],
  ['hairdresser', 'coiffeur', 'coiffeuse'],
  ['farmer', 'agriculteur', 'agricultrice'],
  ['translator', 'traducteur', 'traductrice'],
  ['artist', 'artiste', 'artiste'],
].map(([en = '', m = '', f = '']) => ({ en, m, f }));
