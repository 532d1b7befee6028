import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import type { CorpusConfig } from '../../../src/config/schema.js';
import { readPairs, type Pair } from '../../../src/data/corpus.js';
import type { OddCharacters } from '../../../src/data/odd-characters.js';
import { PackedCorpusBuilder, type PackedCorpus } from '../../../src/data/packed.js';
import { formatPlace, S2sError } from '../../../src/errors.js';
import { Random } from '../../../src/random.js';
import type { Span, Tokenizer, TokenizerPair } from '../../../src/text/tokenizer.js';

/** A folder for the tests of one file, removed afterwards. */
export function temporaryFolder(): { folder: string; write: (name: string, content: string | Uint8Array) => string } {
  const folder = mkdtempSync(path.join(tmpdir(), 's2s-data-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    write: (name, content) => {
      const file = path.join(folder, name);
      writeFileSync(file, content);
      return file;
    },
  };
}

/** All pairs of the corpora. */
export async function allPairs(corpora: readonly CorpusConfig[], odd?: OddCharacters): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for await (const block of readPairs(corpora, odd)) pairs.push(...block);
  return pairs;
}

/** The message of an error as the command line prints it, without `folder/`. */
export async function messageOf(action: () => unknown, folder = ''): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof S2sError)) throw error;
    return [formatPlace(error.place), error.message]
      .filter((part) => part !== '')
      .join(': ')
      .replaceAll(`${folder}/`, '');
  }
  throw new Error('no error was thrown');
}

/** Splits at spaces; the id of a word is its length + 3, and `oov` is unknown. */
export class FakeTokenizer implements Tokenizer {
  readonly notices: readonly string[] = [];
  encoded = 0;

  constructor(
    readonly fingerprint = 'fake',
    readonly vocabularySize = 100,
  ) {}

  encode(text: string): Promise<number[]> {
    this.encoded++;
    return Promise.resolve(
      text
        .split(' ')
        .filter((word) => word !== '')
        .map((word) => (word === 'oov' ? 1 : 3 + Math.min(word.length, this.vocabularySize - 4))),
    );
  }

  encodeBatch(texts: readonly string[]): Promise<number[][]> {
    return Promise.all(texts.map((text) => this.encode(text)));
  }

  tokenize(text: string): Promise<string[]> {
    return Promise.resolve(text.split(' '));
  }

  tokenizeBatch(texts: readonly string[]): Promise<string[][]> {
    return Promise.all(texts.map((text) => this.tokenize(text)));
  }

  spansOf(text: string): Promise<Span[]> {
    return Promise.resolve([...text.matchAll(/[^ ]+/g)].map((word) => [word.index, word.index + word[0].length]));
  }

  normalize(text: string): string {
    return text;
  }

  decode(ids: readonly number[]): string {
    return ids.join(' ');
  }

  detokenize(tokens: readonly string[]): string {
    return tokens.join(' ');
  }

  tokenOf(id: number): string {
    return String(id);
  }
}

export function fakeTokenizers(): TokenizerPair & { source: FakeTokenizer; target: FakeTokenizer } {
  return { source: new FakeTokenizer(), target: new FakeTokenizer() };
}

/** A corpus with the given lengths and random ids. */
export function corpusOf(
  lengths: readonly (readonly [source: number, target: number])[],
  vocabularySize = 1000,
): PackedCorpus {
  const random = new Random(7);
  const builder = new PackedCorpusBuilder({ source: vocabularySize, target: vocabularySize }, 1);
  const sentence = (length: number) => Array.from({ length }, () => 4 + random.integer(vocabularySize - 4));
  lengths.forEach(([source, target], i) => builder.add(sentence(source), sentence(target), 0, i + 1));
  return builder.build('key', {});
}

/** `size` pairs of correlated lengths from 1 to about 40, as in translated text. */
export function randomCorpus(size: number, seed = 5): PackedCorpus {
  const random = new Random(seed);
  return corpusOf(
    Array.from({ length: size }, () => {
      const source = 1 + random.integer(40);
      return [source, Math.max(1, source + random.integer(9) - 4)] as const;
    }),
  );
}
