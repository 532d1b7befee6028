import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Random } from '../../../src/random.js';
import { CONSTRUCTIONS, generate, SIZES } from '../../../corpora/grammar/generate.js';
import { Sampler } from '../../../corpora/grammar/sampler.js';
import type { Pair } from '../../../corpora/grammar/sentence.js';

const SPLITS = ['train', 'dev', 'test'] as const;

function text(split: string, language: 'en' | 'fr'): string {
  return readFileSync(`corpora/demo.${split}.${language}`, 'utf8');
}

function lines(split: string, language: 'en' | 'fr'): string[] {
  return text(split, language).split('\n').slice(0, -1);
}

describe('the demo corpus in corpora/', () => {
  it('equals the output of the generator, byte for byte', () => {
    const made = generate();
    for (const split of SPLITS) {
      assert.ok(
        made[split].map((pair) => `${pair.source}\n`).join('') === text(split, 'en'),
        `corpora/demo.${split}.en is not what the grammar makes now; run npm run corpus`,
      );
      assert.ok(
        made[split].map((pair) => `${pair.target}\n`).join('') === text(split, 'fr'),
        `corpora/demo.${split}.fr is not what the grammar makes now; run npm run corpus`,
      );
    }
  });

  it('has the documented number of pairs', () => {
    for (const split of SPLITS) {
      assert.equal(lines(split, 'en').length, SIZES[split]);
      assert.equal(lines(split, 'fr').length, SIZES[split]);
    }
    assert.ok(SIZES.train + SIZES.dev + SIZES.test >= 20_000);
  });

  it('has no duplicate sentences, on either side, within or across splits', () => {
    for (const language of ['en', 'fr'] as const) {
      const all = SPLITS.flatMap((split) => lines(split, language));
      assert.equal(new Set(all).size, all.length);
    }
  });

  it('has NFC text with single spaces, an initial capital, final punctuation and at most twenty words', () => {
    for (const split of SPLITS) {
      for (const language of ['en', 'fr'] as const) {
        const whole = text(split, language);
        assert.equal(whole, whole.normalize('NFC'));
        assert.doesNotMatch(whole, /\r|\t|_|undefined/);
        for (const line of lines(split, language)) {
          assert.match(line, /^\p{Lu}\S*( \S+)*$/u);
          assert.match(line, /[.?!]$/);
          assert.doesNotMatch(line, / [.,]/);
        }
      }
      for (const line of lines(split, 'en')) {
        const words = line.split(' ').length;
        assert.ok(words >= 3 && words <= 20, line);
        assert.doesNotMatch(line, / \?|\ba [aeio]/);
      }
      // French has a space before a question mark.
      for (const line of lines(split, 'fr')) assert.doesNotMatch(line, /\S\?/);
    }
  });

  it('has elision and contraction everywhere', () => {
    const french = SPLITS.map((split) => text(split, 'fr')).join('');
    assert.doesNotMatch(french, /\b(de les|à les|à le|si ils?)\b/i);
    // `de le` is correct before an infinitive (avant de le voir), where le is a pronoun.
    assert.doesNotMatch(french, /\bde le (?!\S+(er|ir|re)\b)/i);
    assert.doesNotMatch(french, /(?<![\p{L}-])(je|me|te|se|le|la|de|ne|que|ce) (?!onz|oui)[aeiouyàâéèêîôœ](?!aourt)/iu);
    assert.doesNotMatch(
      french,
      /[ '](l|d|qu|j|n|s|m|t)'(hibou|homard|hamster|haricot|héros|huit|onze|yaourt|hongrois)/i,
    );
  });

  it('has only dev and test words that occur in training', () => {
    const words = (lines: string[]): string[] => lines.flatMap((line) => line.toLowerCase().match(/\p{L}+/gu) ?? []);
    const seen = new Set(words(lines('train', 'en')));
    const unseen = words([...lines('dev', 'en'), ...lines('test', 'en')]).filter((word) => !seen.has(word));
    assert.deepEqual(unseen, []);
  });
});

describe('the grammar', () => {
  it('has one translation for every English sentence', () => {
    const targetOf = new Map<string, string>();
    const conflicts: { first: string; pair: Pair }[] = [];
    for (const construction of CONSTRUCTIONS) {
      const sampler = new Sampler(new Random(99).derive(construction.name));
      for (let i = 0; i < 1500; i++) {
        const pair = construction.draw(sampler);
        const first = targetOf.get(pair.source) ?? pair.target;
        if (first !== pair.target) conflicts.push({ first, pair });
        targetOf.set(pair.source, pair.target);
      }
    }
    assert.deepEqual(conflicts, []);
  });

  it('is deterministic for a seed and differs between seeds', () => {
    const sizes = { train: 300, dev: 10, test: 10 };
    assert.deepEqual(generate(3, sizes), generate(3, sizes));
    assert.notDeepEqual(generate(3, sizes), generate(4, sizes));
  });

  it('has unique names of constructions', () => {
    assert.equal(new Set(CONSTRUCTIONS.map((construction) => construction.name)).size, CONSTRUCTIONS.length);
  });
});
