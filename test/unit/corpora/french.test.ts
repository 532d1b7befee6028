import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inflectAdjective, regularFeminine, regularPlural } from '../../../corpora/grammar/french/adjective.js';
import { frenchVerb, imperative, invert, participle } from '../../../corpora/grammar/french/conjugation.js';
import { joinFrench, startsWithVowelSound } from '../../../corpora/grammar/french/join.js';
import { digitsEnglish, digitsFrench, ordinal, spellEnglish, spellFrench } from '../../../corpora/grammar/numbers.js';
import { clock, dayOfMonth, digitalClock } from '../../../corpora/grammar/times.js';

describe('elision and contraction', () => {
  for (const [words, text] of [
    ['je ai', "j'ai"],
    ['je ne ai pas', "je n'ai pas"],
    ['la école', "l'école"],
    ['le homme', "l'homme"],
    ['le héros', 'le héros'],
    ['le hibou', 'le hibou'],
    ['de haricots verts', 'de haricots verts'],
    ['le yaourt', 'le yaourt'],
    ['à onze heures', 'à onze heures'],
    ['de onze', 'de onze'],
    ['de le professeur', 'du professeur'],
    ['à les enfants', 'aux enfants'],
    ['de les États-Unis', 'des États-Unis'],
    ['de le hôtel', "de l'hôtel"],
    ['à le hôpital', "à l'hôpital"],
    ['à le homard', 'au homard'],
    ['de le_ faire', 'de le faire'],
    ['je le_ ai vu', "je l'ai vu"],
    ['si il pleut', "s'il pleut"],
    ['si elle vient', 'si elle vient'],
    ['parce que Anne', "parce qu'Anne"],
    ['je y vais', "j'y vais"],
    ['il ne y a pas de eau', "il n'y a pas d'eau"],
    ['ce est un ami', "c'est un ami"],
    ['de Henri', "d'Henri"],
    ['oui , monsieur ?', 'oui, monsieur ?'],
    ['de le Havre', 'du Havre'],
    ['de œufs', "d'œufs"],
  ] as const) {
    it(`${words} -> ${text}`, () => assert.equal(joinFrench(words), text));
  }

  it('distinguishes mute and aspirated h', () => {
    for (const word of ['homme', 'hôtel', 'hiver', 'Hélène', 'œuf', 'Émilie', 'yeux'])
      assert.ok(startsWithVowelSound(word), word);
    for (const word of ['hamster', 'Hongrie', 'huit', 'onze', 'chat', 'ça', '8'])
      assert.ok(!startsWithVowelSound(word), word);
  });
});

describe('conjugation', () => {
  for (const [infinitive, present, nousImperfect, jeFuture, past] of [
    ['parler', 'parle parles parle parlons parlez parlent', 'parlions', 'parlerai', 'parlé'],
    ['manger', 'mange manges mange mangeons mangez mangent', 'mangions', 'mangerai', 'mangé'],
    [
      'commencer',
      'commence commences commence commençons commencez commencent',
      'commencions',
      'commencerai',
      'commencé',
    ],
    ['acheter', 'achète achètes achète achetons achetez achètent', 'achetions', 'achèterai', 'acheté'],
    ['espérer', 'espère espères espère espérons espérez espèrent', 'espérions', 'espérerai', 'espéré'],
    ['appeler', 'appelle appelles appelle appelons appelez appellent', 'appelions', 'appellerai', 'appelé'],
    ['nettoyer', 'nettoie nettoies nettoie nettoyons nettoyez nettoient', 'nettoyions', 'nettoierai', 'nettoyé'],
    ['envoyer', 'envoie envoies envoie envoyons envoyez envoient', 'envoyions', 'enverrai', 'envoyé'],
    ['choisir', 'choisis choisis choisit choisissons choisissez choisissent', 'choisissions', 'choisirai', 'choisi'],
    ['vendre', 'vends vends vend vendons vendez vendent', 'vendions', 'vendrai', 'vendu'],
    ['prendre', 'prends prends prend prenons prenez prennent', 'prenions', 'prendrai', 'pris'],
    ['revenir', 'reviens reviens revient revenons revenez reviennent', 'revenions', 'reviendrai', 'revenu'],
    ['ouvrir', 'ouvre ouvres ouvre ouvrons ouvrez ouvrent', 'ouvrions', 'ouvrirai', 'ouvert'],
    ['connaître', 'connais connais connaît connaissons connaissez connaissent', 'connaissions', 'connaîtrai', 'connu'],
    ['être', 'suis es est sommes êtes sont', 'étions', 'serai', 'été'],
    ['aller', 'vais vas va allons allez vont', 'allions', 'irai', 'allé'],
    ['voir', 'vois vois voit voyons voyez voient', 'voyions', 'verrai', 'vu'],
  ] as const) {
    it(infinitive, () => {
      const verb = frenchVerb(infinitive);
      assert.equal(verb.present.join(' '), present);
      assert.equal(verb.imperfect[3], nousImperfect);
      assert.equal(verb.future[0], jeFuture);
      assert.equal(verb.participle, past);
    });
  }

  it('changes stems in c and g before a in the imperfect', () => {
    assert.equal(frenchVerb('manger').imperfect[2], 'mangeait');
    assert.equal(frenchVerb('commencer').imperfect[0], 'commençais');
  });

  it('makes participles agree', () => {
    assert.equal(participle(frenchVerb('prendre'), { gender: 'f', number: 'plural' }), 'prises');
    assert.equal(participle(frenchVerb('prendre'), { gender: 'm', number: 'plural' }), 'pris');
    assert.equal(participle(frenchVerb('naître'), { gender: 'f', number: 'singular' }), 'née');
    assert.equal(participle(frenchVerb('devoir'), { gender: 'f', number: 'singular' }), 'due');
  });

  it('forms inversion and imperative', () => {
    assert.equal(invert('va', 'il'), 'va-t-il');
    assert.equal(invert('prend', 'elle'), 'prend-elle');
    assert.equal(invert('parlez', 'vous'), 'parlez-vous');
    assert.equal(imperative(frenchVerb('manger'), 1), 'mange');
    assert.equal(imperative(frenchVerb('aller'), 1), 'va');
    assert.equal(imperative(frenchVerb('finir'), 1), 'finis');
    assert.equal(imperative(frenchVerb('ouvrir'), 4), 'ouvrez');
  });

  it('throws for an unknown verb', () => {
    assert.throws(() => frenchVerb('clore'), /no conjugation for clore/);
  });
});

describe('adjectives and plurals', () => {
  it('forms feminines and plurals', () => {
    assert.deepEqual(['rouge', 'heureux', 'cher', 'bon', 'italien', 'vert', 'gris'].map(regularFeminine), [
      'rouge',
      'heureuse',
      'chère',
      'bonne',
      'italienne',
      'verte',
      'grise',
    ]);
    assert.deepEqual(['chat', 'souris', 'bateau', 'cheval', 'bleu', 'jeu'].map(regularPlural), [
      'chats',
      'souris',
      'bateaux',
      'chevaux',
      'bleus',
      'jeux',
    ]);
  });

  it('uses the special form before a vowel', () => {
    const old = { masculine: 'vieux', feminine: 'vieille', beforeVowel: 'vieil' };
    assert.equal(inflectAdjective(old, { gender: 'm', number: 'singular' }, true), 'vieil');
    assert.equal(inflectAdjective(old, { gender: 'm', number: 'plural' }, true), 'vieux');
    assert.equal(inflectAdjective(old, { gender: 'f', number: 'plural' }), 'vieilles');
  });
});

describe('numbers', () => {
  for (const [value, english, french] of [
    [17, 'seventeen', 'dix-sept'],
    [21, 'twenty-one', 'vingt et un'],
    [71, 'seventy-one', 'soixante et onze'],
    [77, 'seventy-seven', 'soixante-dix-sept'],
    [80, 'eighty', 'quatre-vingts'],
    [81, 'eighty-one', 'quatre-vingt-un'],
    [91, 'ninety-one', 'quatre-vingt-onze'],
    [100, 'one hundred', 'cent'],
    [200, 'two hundred', 'deux cents'],
    [201, 'two hundred and one', 'deux cent un'],
    [321, 'three hundred and twenty-one', 'trois cent vingt et un'],
    [1000, 'one thousand', 'mille'],
    [1999, 'one thousand nine hundred and ninety-nine', 'mille neuf cent quatre-vingt-dix-neuf'],
    [80_000, 'eighty thousand', 'quatre-vingt mille'],
  ] as const) {
    it(`${value}`, () => {
      assert.equal(spellEnglish(value), english);
      assert.equal(spellFrench(value), french);
    });
  }

  it('makes numerals agree and formats thousands separators', () => {
    assert.equal(spellFrench(21, 'f'), 'vingt et une');
    assert.equal(spellFrench(351, 'f'), 'trois cent cinquante et une');
    assert.equal(spellFrench(21_000, 'f'), 'vingt et un mille');
    assert.deepEqual([999, 1250, 24_000].map(digitsEnglish), ['999', '1,250', '24,000']);
    assert.deepEqual([999, 1250, 24_000].map(digitsFrench), ['999', '1 250', '24 000']);
    assert.deepEqual(
      [1, 4, 5, 9, 11].map((value) => ordinal(value, 'f').fr),
      ['première', 'quatrième', 'cinquième', 'neuvième', 'onzième'],
    );
  });
});

describe('clock times and dates', () => {
  for (const [hour, minute, english, french] of [
    [7, 0, "seven o'clock", 'sept heures'],
    [1, 0, "one o'clock", 'une heure'],
    [7, 30, 'half past seven', 'sept heures et demie'],
    [12, 30, 'half past noon', 'midi et demi'],
    [9, 15, 'a quarter past nine', 'neuf heures et quart'],
    [7, 45, 'a quarter to eight', 'huit heures moins le quart'],
    [16, 40, 'twenty to five', 'cinq heures moins vingt'],
    [15, 10, 'ten past three', 'trois heures dix'],
    [23, 55, 'five to midnight', 'minuit moins cinq'],
    [12, 45, 'a quarter to one', 'une heure moins le quart'],
  ] as const) {
    it(`${hour}:${minute}`, () => assert.deepEqual(clock(hour, minute), { en: english, fr: french }));
  }

  it('formats digital clock times', () => {
    assert.deepEqual(digitalClock(9, 5), { en: '9:05', fr: '9 h 05' });
    assert.deepEqual(dayOfMonth(1, 0), { en: '1 January', fr: '1er janvier' });
    assert.deepEqual(dayOfMonth(14, 6), { en: '14 July', fr: '14 juillet' });
  });
});
