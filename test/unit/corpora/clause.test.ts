import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  actorFrom,
  HE,
  I,
  named,
  objectPronoun,
  ofSomebody,
  pronounFor,
  SHE,
  THEY,
  WE,
  YOU,
  youOf,
} from '../../../corpora/grammar/actors.js';
import type { Clause } from '../../../corpora/grammar/clause.js';
import { statement } from '../../../corpora/grammar/clause.js';
import { open, yesNo } from '../../../corpora/grammar/constructions/questions.js';
import type { Phrase } from '../../../corpora/grammar/features.js';
import { adjectives } from '../../../corpora/grammar/lexicon/adjectives.js';
import { VOCATIVES } from '../../../corpora/grammar/lexicon/people.js';
import type { Noun } from '../../../corpora/grammar/lexicon/nouns.js';
import { CITIES, COUNTRIES } from '../../../corpora/grammar/lexicon/places.js';
import { BE, CAN, HAVE, verb, WANT } from '../../../corpora/grammar/lexicon/verbs.js';
import { nounPhrase, OWNERS } from '../../../corpora/grammar/noun-phrase.js';
import { both, sentence } from '../../../corpora/grammar/sentence.js';

const noun = (en: string, fr: string, gender: 'm' | 'f', frPlural = `${fr}s`): Noun => ({
  en,
  enPlural: `${en}s`,
  fr,
  frPlural,
  gender,
});
const CAR = noun('car', 'voiture', 'f');
const BREAD = noun('bread', 'pain', 'm');
const HOTEL = noun('hotel', 'hôtel', 'm');
const SCHOOL = noun('school', 'école', 'f');
const MARIE = named(['Marie', 'f']);
const [OLD] = adjectives('old');

function gold(clause: Clause, english: string, french: string): void {
  assert.deepEqual(sentence(statement(clause)), { source: english, target: french });
}

function goldQuestion(question: Phrase, english: string, french: string): void {
  assert.deepEqual(sentence(question, '?'), { source: english, target: french });
}

describe('noun phrases', () => {
  const say = (phrase: Phrase): string => sentence(phrase).target;
  it('makes determiners and adjectives agree in gender, number and with the following sound', () => {
    assert.equal(say(nounPhrase(HOTEL, 'singular', 'this', [OLD!])), 'Ce vieil hôtel.');
    assert.equal(say(nounPhrase(HOTEL, 'singular', 'this')), 'Cet hôtel.');
    assert.equal(say(nounPhrase(SCHOOL, 'singular', { owner: OWNERS.je })), 'Mon école.');
    assert.equal(say(nounPhrase(SCHOOL, 'singular', { owner: OWNERS.elle }, [OLD!])), 'Sa vieille école.');
    assert.equal(say(nounPhrase(CAR, 'plural', 'some', adjectives('red'))), 'Des voitures rouges.');
    assert.equal(say(nounPhrase(CAR, 'plural', 'some', adjectives('beautiful'))), 'De belles voitures.');
    assert.equal(say(nounPhrase(CAR, 'plural', { count: 21 })), 'Vingt et une voitures.');
    assert.equal(say(nounPhrase(CAR, 'singular', 'a', adjectives('small red'))), 'Une petite voiture rouge.');
  });

  it('translates the English genitive with de', () => {
    assert.deepEqual(sentence(ofSomebody(named(['Anne', 'f']), CAR, 'singular')), {
      source: "Anne's car.",
      target: "La voiture d'Anne.",
    });
    assert.deepEqual(
      sentence(ofSomebody(actorFrom(nounPhrase(noun('teacher', 'professeur', 'm'), 'plural', 'the')), CAR, 'singular')),
      { source: "The teachers' car.", target: 'La voiture des professeurs.' },
    );
  });
});

describe('tenses and agreement of participles', () => {
  it('agrees with the subject for être and does not agree for avoir', () => {
    gold(
      { subject: MARIE, verb: verb('buy/acheter'), tense: 'past', object: nounPhrase(CAR, 'singular', 'a') },
      'Marie bought a car.',
      'Marie a acheté une voiture.',
    );
    gold(
      { subject: MARIE, verb: verb('go/aller'), tense: 'past', complements: [both('to France', 'en France')] },
      'Marie went to France.',
      'Marie est allée en France.',
    );
    gold(
      { subject: SHE, verb: verb('get up/se lever'), tense: 'past', negation: 'not' },
      "She didn't get up.",
      "Elle ne s'est pas levée.",
    );
    gold({ subject: WE, verb: verb('get up/se lever'), tense: 'past' }, 'We got up.', 'Nous nous sommes levés.');
  });

  it('agrees with a preceding direct object only', () => {
    const clitics = [objectPronoun({ gender: 'f', number: 'plural' }, 'thing')];
    gold({ subject: I, verb: verb('sell/vendre'), tense: 'past', clitics }, 'I sold them.', 'Je les ai vendues.');
    gold(
      { subject: I, verb: verb('sell/vendre'), tense: 'past', negation: 'not', clitics },
      "I didn't sell them.",
      'Je ne les ai pas vendues.',
    );
    gold(
      {
        subject: SHE,
        verb: verb('wash/se laver'),
        tense: 'past',
        reflexiveIndirect: true,
        object: { ...nounPhrase(CAR, 'plural', 'the'), en: 'her hands', fr: 'les mains' },
      },
      'She washed her hands.',
      "Elle s'est lavé les mains.",
    );
    gold(
      { subject: HE, verb: verb('buy/acheter'), tense: 'past', antecedent: { gender: 'f', number: 'singular' } },
      'He bought.',
      'Il a achetée.',
    );
  });

  it('forms imparfait, futur, futur proche, venir de and depuis', () => {
    gold({ subject: THEY, verb: verb('work/travailler'), tense: 'usedTo' }, 'They used to work.', 'Ils travaillaient.');
    gold({ subject: I, verb: verb('eat/manger'), tense: 'pastProgressive' }, 'I was eating.', 'Je mangeais.');
    gold(
      { subject: HE, verb: BE, tense: 'past', complements: [both('tired', 'fatigué')] },
      'He was tired.',
      'Il était fatigué.',
    );
    gold(
      { subject: I, verb: verb('see/voir'), tense: 'future', negation: 'nobody' },
      "I won't see anybody.",
      'Je ne verrai personne.',
    );
    gold(
      { subject: I, verb: verb('get up/se lever'), tense: 'nearFuture' },
      'I am going to get up.',
      'Je vais me lever.',
    );
    gold({ subject: HE, verb: verb('arrive/arriver'), tense: 'recent' }, 'He has just arrived.', "Il vient d'arriver.");
    gold(
      {
        subject: SHE,
        verb: verb('live/habiter'),
        tense: 'since',
        complements: [both('for two years', 'depuis deux ans')],
      },
      'She has been living for two years.',
      'Elle habite depuis deux ans.',
    );
  });

  it('distinguishes the present of `read` from its past', () => {
    const object = nounPhrase(noun('book', 'livre', 'm'), 'singular', 'the');
    gold(
      { subject: WE, verb: verb('read/lire'), tense: 'present', object },
      'We are reading the book.',
      'Nous lisons le livre.',
    );
    gold(
      { subject: WE, verb: verb('read/lire'), tense: 'past', object },
      'We read the book.',
      'Nous avons lu le livre.',
    );
  });
});

describe('negation', () => {
  it('surrounds the finite verb and replaces a and some by de', () => {
    const bread = nounPhrase(BREAD, 'singular', 'some');
    gold(
      { subject: I, verb: verb('eat/manger'), tense: 'past', object: bread },
      'I ate some bread.',
      "J'ai mangé du pain.",
    );
    gold(
      { subject: I, verb: verb('eat/manger'), tense: 'past', negation: 'never', object: bread },
      'I never ate any bread.',
      "Je n'ai jamais mangé de pain.",
    );
    gold(
      { subject: HE, verb: HAVE, tense: 'present', negation: 'noLonger', object: nounPhrase(CAR, 'singular', 'a') },
      'He no longer has a car.',
      "Il n'a plus de voiture.",
    );
    gold(
      { subject: HE, verb: HAVE, tense: 'present', negation: 'not', object: nounPhrase(CAR, 'singular', 'the') },
      "He doesn't have the car.",
      "Il n'a pas la voiture.",
    );
    gold(
      { subject: SHE, verb: verb('eat/manger'), tense: 'past', negation: 'nothing' },
      "She didn't eat anything.",
      "Elle n'a rien mangé.",
    );
    gold(
      { subject: SHE, verb: verb('talk to/parler à'), tense: 'past', negation: 'nobody' },
      "She didn't talk to anybody.",
      "Elle n'a parlé à personne.",
    );
    gold(
      { subject: SHE, verb: verb('arrive/arriver'), tense: 'perfect', negation: 'notYet' },
      "She hasn't arrived yet.",
      "Elle n'est pas encore arrivée.",
    );
  });
});

describe('object pronouns', () => {
  it('precede their verb, in the correct order', () => {
    const it = objectPronoun({ gender: 'f', number: 'singular' }, 'thing');
    gold(
      { subject: I, verb: verb('give/donner'), tense: 'past', clitics: [it, { en: 'to him', fr: 'lui' }] },
      'I gave it to him.',
      'Je la lui ai donnée.',
    );
    gold(
      { subject: HE, verb: verb('give/donner'), tense: 'future', clitics: [it, { en: 'to us', fr: 'nous' }] },
      'He will give it to us.',
      'Il nous la donnera.',
    );
    gold(
      { subject: I, verb: verb('buy/acheter'), tense: 'present', catenative: WANT, negation: 'not', clitics: [it] },
      "I don't want to buy it.",
      "Je ne veux pas l'acheter.",
    );
    gold(
      { subject: SHE, verb: verb('phone/téléphoner à'), tense: 'present', clitics: [{ en: 'him', fr: 'lui' }] },
      'She phones him.',
      'Elle lui téléphone.',
    );
    gold(
      { subject: I, verb: verb('go/aller'), tense: 'past', clitics: [{ en: 'there', fr: 'y' }] },
      'I went there.',
      "J'y suis allé.",
    );
  });

  it('agree with their antecedent in gender', () => {
    assert.equal(pronounFor(nounPhrase(CAR, 'singular', 'the'), 'thing').fr, 'elle');
    assert.equal(pronounFor(nounPhrase(CAR, 'plural', 'the'), 'thing').fr, 'elles');
    assert.equal(pronounFor(MARIE, 'person').en, 'she');
  });
});

describe('verbs built differently', () => {
  it('connects objects with de and à, contracted', () => {
    const piano = nounPhrase(noun('piano', 'piano', 'm'), 'singular', 'the');
    gold(
      { subject: HE, verb: verb('play/jouer de'), tense: 'present', object: piano },
      'He plays the piano.',
      'Il joue du piano.',
    );
    gold(
      { subject: HE, verb: verb('need/avoir besoin de', true), tense: 'past', object: piano },
      'He needed the piano.',
      'Il avait besoin du piano.',
    );
    gold(
      { subject: HE, verb: verb('be hungry/avoir faim', true), tense: 'present', negation: 'not' },
      "He isn't hungry.",
      "Il n'a pas faim.",
    );
    gold(
      { subject: HE, verb: verb('visit/rendre visite à'), tense: 'past', object: MARIE },
      'He visited Marie.',
      'Il a rendu visite à Marie.',
    );
  });

  it('uses the prepositions of countries and cities', () => {
    const said = [...COUNTRIES, ...CITIES]
      .filter((place) => ['France', 'Japan', 'the United States', 'Iran', 'Le Havre', 'Athens'].includes(place.en))
      .map((place) => sentence(both('x', `${place.frIn} , ${place.frFrom}`)).target);
    assert.deepEqual(said, [
      'En France, de France.',
      'Au Japon, du Japon.',
      "En Iran, d'Iran.",
      'Aux États-Unis, des États-Unis.',
      "À Athènes, d'Athènes.",
      'Au Havre, du Havre.',
    ]);
  });
});

describe('questions', () => {
  const sophie = VOCATIVES.find((vocative) => vocative.en === 'Sophie');
  const madam = VOCATIVES.find((vocative) => vocative.en === 'madam');

  it('uses inversion for vous and est-ce que otherwise', () => {
    const bread = nounPhrase(BREAD, 'singular', 'some');
    goldQuestion(
      yesNo({ subject: YOU, verb: WANT, tense: 'present', object: bread }),
      'Do you want any bread?',
      'Voulez-vous du pain ?',
    );
    goldQuestion(
      yesNo({ subject: HE, verb: verb('eat/manger'), tense: 'past', negation: 'not', object: bread }),
      "Didn't he eat any bread?",
      "Est-ce qu'il n'a pas mangé de pain ?",
    );
  });

  it('uses tu or vous depending on the addressee', () => {
    assert.ok(sophie !== undefined && madam !== undefined);
    goldQuestion(
      yesNo({ subject: youOf(sophie), verb: verb('arrive/arriver'), tense: 'past' }),
      'Did you arrive?',
      'Est-ce que tu es arrivée ?',
    );
    goldQuestion(
      yesNo({ subject: youOf(madam), verb: verb('arrive/arriver'), tense: 'past' }),
      'Did you arrive?',
      'Êtes-vous arrivée ?',
    );
    goldQuestion(
      yesNo({
        subject: youOf(madam),
        verb: verb('help/aider'),
        tense: 'present',
        catenative: CAN,
        clitics: [{ en: 'me', fr: 'me' }],
      }),
      'Can you help me?',
      "Pouvez-vous m'aider ?",
    );
  });

  it('uses inversion after a question word, with a pronoun for a noun subject', () => {
    const where = both('where', 'où');
    goldQuestion(
      open({ subject: HE, verb: verb('go/aller'), tense: 'present' }, where),
      'Where does he go?',
      'Où va-t-il ?',
    );
    goldQuestion(
      open({ subject: MARIE, verb: verb('get up/se lever'), tense: 'past' }, both('when', 'quand')),
      'When did Marie get up?',
      "Quand Marie s'est-elle levée ?",
    );
  });
});
