import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CorpusConfig } from '../../../src/config/schema.js';
import { loadEncodedCorpus } from '../../../src/data/encode.js';
import { trainingLines } from '../../../src/data/unusable-lines.js';
import { MAX_LINE_BYTES } from '../../../src/text/lines.js';
import { fakeTokenizers, messageOf, temporaryFolder } from './fixtures.js';

const { folder, write } = temporaryFolder();
const limits = { maxSourceLength: 9, maxTargetLength: 9, maxLengthRatio: 9 };
const DROP = trainingLines({ invalidUtf8: 'drop' });
const REFUSE = trainingLines({ invalidUtf8: 'refuse' });

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const long = 'x'.repeat(MAX_LINE_BYTES);
const load = (corpora: CorpusConfig[], lines: typeof DROP | undefined, cacheDirectory?: string) =>
  loadEncodedCorpus({ corpora, tokenizers: fakeTokenizers(), limits, lines, cacheDirectory });

/** A corpus in each format: pairs 1 and 4 are good, 2 is not UTF-8 and 3 is too long. */
const FORMATS: Record<string, CorpusConfig> = {
  aligned: {
    source: write('a.de', latin1(`a b\n\xe4\n${long}y\nc\n`)),
    target: write('a.en', 'a\nb\nc\nd\n'),
  },
  tsv: { file: write('a.tsv', latin1(`a b\ta\n\xe4\tb\n${long}\tc\nc\td\n`)) },
  csv: { file: write('a.csv', latin1(`a b,a\n"\xe4",b\n"${long}",c\nc,d\n`)) },
  jsonl: {
    file: write('a.jsonl', latin1(`["a b","a"]\n["\xe4","b"]\n["${long}","c"]\n["c","d"]\n`)),
    sourceColumn: 1,
    targetColumn: 2,
  },
};

test('unusable lines of training text are dropped with a count and the first line, alike in every format', async () => {
  for (const [name, corpus] of Object.entries(FORMATS)) {
    const cache = join(folder, `cache-${name}`);
    for (const cached of [false, true]) {
      const { corpus: encoded, summary } = await load([corpus], DROP, cache);
      const origins = Array.from({ length: encoded.size }, (_, index) => encoded.origin(index).line);
      assert.deepEqual(origins, [1, 4], `${name} ${cached}`);
      assert.equal(summary.read, 4);
      assert.equal(summary.dropped.invalidUtf8, 1);
      assert.equal(summary.dropped.longLine, 1);
      assert.deepEqual(
        summary.oddCharacters.map(({ kind, lines, line }) => [kind, lines, line]),
        [
          ['invalidUtf8', 1, 2],
          ['longLine', 1, 3],
        ],
      );
    }
  }
});

test('invalid UTF-8 is refused by default, and the hint for training text names the setting', async () => {
  for (const [name, corpus] of Object.entries(FORMATS)) {
    await assert.rejects(load([corpus], REFUSE), (error: { code: string; hint: string; place: { line: number } }) => {
      assert.equal(error.code, 'invalid-utf8', name);
      assert.equal(error.place.line, 2);
      return /data\.invalidUtf8=drop/.test(error.hint);
    });
    await assert.rejects(load([corpus], undefined), (error: { hint: string }) => !/data\./.test(error.hint));
  }
});

test('a line of dev that is too long is an error', async () => {
  const { source, target } = { source: write('d.de', `${long}y\n`), target: write('d.en', 'a\n') };
  assert.match(await messageOf(() => load([{ source, target }], undefined), folder), /^d\.de:1: the line is longer/);
});

test('a target line that cannot be used drops its pair and is named', async () => {
  const corpus = { source: write('t.de', 'a\nb\n'), target: write('t.en', latin1('a\n\xe4\n')) };
  const { summary, corpus: encoded } = await load([corpus], DROP);
  assert.equal(encoded.size, 1);
  assert.deepEqual(
    summary.oddCharacters.map(({ file, line }) => [file, line]),
    [[corpus.target, 2]],
  );
});

test('a JSON array or objects over several lines are named, with the command that converts them', async () => {
  for (const [text, message, hint] of [
    ['[\n {"source": "a", "target": "b"}\n]\n', 'this is one JSON array', /jq -c '\.\[\]'/],
    ['[{"source": "a", "target": "b"}]\n', 'this is one JSON array', /jq -c '\.\[\]'/],
    [`[{"source": "${long}", "target": "b"}]\n`, 'this is one JSON array', /jq -c '\.\[\]'/],
    ['{\n "source": "a",\n "target": "b"\n}\n', 'this object has several lines', /jq -c \./],
  ] as const) {
    await assert.rejects(
      load([{ file: write('array.jsonl', text) }], DROP),
      (error: Error & { hint: string; place: { line: number } }) => {
        assert.equal(error.message, `one JSON object a line is needed; ${message}`);
        assert.equal(error.place.line, 1);
        return hint.test(error.hint);
      },
    );
  }
});
