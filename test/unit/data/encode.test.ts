import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { loadEncodedCorpus, type DataEvent, type EncodeOptions } from '../../../src/data/encode.js';
import type { PackedCorpus } from '../../../src/data/packed.js';
import { FakeTokenizer, fakeTokenizers, temporaryFolder } from './fixtures.js';

const { folder, write } = temporaryFolder();
const limits = { maxSourceLength: 4, maxTargetLength: 5, maxLengthRatio: 2 };

/** Loads with new tokenizers and records events. */
async function load(options: Partial<EncodeOptions> & Pick<EncodeOptions, 'corpora'>) {
  const events: DataEvent[] = [];
  const loaded = await loadEncodedCorpus({
    tokenizers: fakeTokenizers(),
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { ...loaded, events, fromCache: events.some((event) => event.type === 'loaded' && event.fromCache) };
}

const contentOf = (corpus: PackedCorpus) =>
  Array.from({ length: corpus.size }, (_, i) => [[...corpus.source(i)], [...corpus.target(i)], corpus.origin(i)]);

function newCache(name: string): string {
  const directory = path.join(folder, name);
  rmSync(directory, { recursive: true, force: true });
  return directory;
}

const cached = (directory: string) =>
  path.join(
    directory,
    readdirSync(directory).find((name) => name.endsWith('.bin'))!,
  );

test('pairs are filtered, and dropped pairs are counted by reason, with examples', async () => {
  const source = ['a b', '', 'a', 'a b c d e', 'a b', 'a', ' \t ', 'oov b c'];
  const target = ['x', 'y', '', 'x y z', 'a b c d e f g', 'x y z', 'x', 'x oov'];
  const corpora = [{ source: write('f.de', source.join('\n')), target: write('f.en', target.join('\n')) }];
  const { corpus, summary } = await load({ corpora, limits });
  assert.deepEqual(
    contentOf(corpus).map(([, , origin]) => origin),
    [
      { corpus: 0, line: 1 },
      { corpus: 0, line: 8 },
    ],
  );
  assert.equal(summary.read, 8);
  assert.equal(summary.kept, 2);
  assert.deepEqual(summary.dropped, {
    longLine: 0,
    invalidUtf8: 0,
    heldOut: 0,
    sameAsHeldOut: 0,
    emptySource: 2,
    emptyTarget: 1,
    sourceTooLong: 1,
    targetTooLong: 1,
    lengthRatio: 1,
  });
  assert.deepEqual(
    summary.examples.find(({ reason }) => reason === 'targetTooLong'),
    { reason: 'targetTooLong', file: `${folder}/f.de`, line: 5, sourceTokens: 2, targetTokens: 7 },
  );
  assert.deepEqual(summary.longest, { file: `${folder}/f.de`, line: 8, sourceTokens: 3, targetTokens: 2 });
  assert.equal(summary.sourceUnknownRate, 1 / 5);
  assert.equal(summary.targetUnknownRate, 1 / 3);
});

test('without limits every pair is kept, including empty ones', async () => {
  const { corpus } = await load({ corpora: [{ source: write('e.de', '\na b\n'), target: write('e.en', 'x\n\n') }] });
  assert.deepEqual(
    contentOf(corpus).map(([source, target]) => [source, target]),
    [
      [[], [4]],
      [[4, 4], []],
    ],
  );
});

test('a cached corpus equals the encoded one and is loaded without tokenising', async () => {
  const cacheDirectory = newCache('cache');
  const tsv = write(
    'c.tsv',
    Array.from({ length: 200 }, (_, i) => `${'s '.repeat(i % 7)}oov\t${'tt '.repeat(1 + (i % 5))}`).join('\r\n'),
  );
  const corpora = [
    { file: tsv, weight: 2 },
    { source: write('c.de', 'eins zwei\n'), target: write('c.en', 'one\u2028 two\n') },
  ];
  const first = await load({ corpora, limits, cacheDirectory });
  const tokenizers = fakeTokenizers();
  const second = await load({ corpora, limits, cacheDirectory, tokenizers });
  assert.deepEqual([first.fromCache, second.fromCache], [false, true]);
  assert.equal(tokenizers.source.encoded + tokenizers.target.encoded, 0);
  assert.deepEqual(contentOf(second.corpus), contentOf(first.corpus));
  assert.deepEqual(second.summary, first.summary);
  assert.deepEqual(second.ranges, first.ranges);
  assert.deepEqual(
    second.ranges.map(({ weight }) => weight),
    [2, 1],
  );
  assert.deepEqual(second.summary.oddCharacters, [
    { kind: 'crlf', lines: 199, file: tsv, line: 1 },
    { kind: 'lineSeparator', lines: 1, file: `${folder}/c.en`, line: 1 },
  ]);
  assert.deepEqual(
    readdirSync(cacheDirectory).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('the cache key depends on content, tokenizers, limits and columns, but not on file names', async () => {
  const cacheDirectory = newCache('key');
  const file = write('k.tsv', 'a b\tx\ny\n'.replace('y', 'c\td'));
  const hit = async (options: Partial<EncodeOptions> = {}, name = file, settings: object = {}) =>
    (await load({ corpora: [{ file: name, ...settings }], limits, cacheDirectory, ...options })).fromCache;
  assert.equal(await hit(), false);
  assert.equal(await hit(), true);
  const moved = path.join(folder, 'moved.tsv');
  renameSync(file, moved);
  assert.equal(await hit({}, moved), true);
  assert.equal((await load({ corpora: [{ file: moved }], limits, cacheDirectory })).summary.longest?.file, moved);
  assert.equal(await hit({}, moved, { weight: 3 }), true, 'weights are not part of the key');
  assert.equal(await hit({ limits: undefined }, moved), false);
  assert.equal(
    await hit({ tokenizers: { source: new FakeTokenizer('other'), target: new FakeTokenizer() } }, moved),
    false,
  );
  assert.equal(await hit({}, moved, { sourceColumn: 2, targetColumn: 1 }), false);
  writeFileSync(moved, 'a b\tx\nc\te\n');
  assert.equal(await hit({}, moved), false);
});

test('a truncated or corrupted cache is rebuilt, and the reason is reported', async () => {
  const cacheDirectory = newCache('damage');
  const corpora = [{ file: write('d.tsv', 'a bb ccc\tx yy\n'.repeat(20)) }];
  const first = await load({ corpora, cacheDirectory });
  const file = cached(cacheDirectory);
  const whole = readFileSync(file);
  const damage: [RegExp, () => void][] = [
    [/not an encoded corpus/, () => writeFileSync(file, '')],
    [/format version 9/, () => patch(8, 9)],
    [/header is corrupted/, () => patch(100, 0)],
  ];
  for (const length of [10, 70, 200, whole.length - 1])
    damage.push([/header|corrupted|bytes instead of|not an encoded/, () => truncateSync(file, length)]);
  // A changed byte must be detected in every section. Alignment padding is not checked.
  const start = 64 * Math.ceil((64 + whole.readUInt32LE(12)) / 64);
  const { sections } = JSON.parse(whole.toString('utf8', 64, 64 + whole.readUInt32LE(12))) as {
    sections: Record<string, { offset: number }>;
  };
  for (const [name, { offset }] of Object.entries(sections))
    damage.push([new RegExp(`its ${name} are corrupted`), () => patch(start + offset + 1, 77)]);
  function patch(offset: number, byte: number): void {
    const copy = Buffer.from(whole);
    copy[offset] = byte;
    writeFileSync(file, copy);
  }
  for (const [reason, corrupt] of damage) {
    corrupt();
    const again = await load({ corpora, cacheDirectory });
    const notice = again.events.find((event) => event.type === 'cache-unusable');
    assert.match(notice?.reason ?? 'no notice', reason);
    assert.equal(notice?.file, file);
    assert.equal(again.fromCache, false);
    assert.deepEqual(contentOf(again.corpus), contentOf(first.corpus));
    assert.deepEqual(readFileSync(file), whole, 'the rebuilt file equals the original');
  }
});

test('an unwritable cache folder is reported but not an error', async () => {
  const blocked = write('blocked', 'a file where a folder should be');
  const { events, corpus } = await load({
    corpora: [{ file: write('w.tsv', 'a\tb\n') }],
    cacheDirectory: path.join(blocked, 'cache'),
  });
  assert.equal(corpus.size, 1);
  assert.ok(events.some((event) => event.type === 'cache-unwritable'));
});

test('ids above 65,535 are stored in four bytes, and an empty file has no pairs', async () => {
  const cacheDirectory = newCache('large');
  const wide = () => ({ source: new FakeTokenizer('wide', 200_000), target: new FakeTokenizer() });
  const corpora = [{ file: write('l.tsv', `${'x'.repeat(150_000)}\tb\n`) }];
  await load({ corpora, cacheDirectory, tokenizers: wide() });
  const { corpus, fromCache } = await load({ corpora, cacheDirectory, tokenizers: wide() });
  assert.ok(fromCache);
  assert.deepEqual(contentOf(corpus), [[[150_003], [4], { corpus: 0, line: 1 }]]);
  assert.equal((await load({ corpora: [{ file: write('0.tsv', '') }], cacheDirectory })).corpus.size, 0);
});

test('data from a pipe is read once and not cached', async (t) => {
  if (!existsSync('/dev/fd')) return t.skip('this system has no /dev/fd');
  const { spawnSync } = await import('node:child_process');
  const fifo = path.join(folder, 'pipe.tsv');
  if (spawnSync('mkfifo', [fifo]).status !== 0) return t.skip('mkfifo is missing');
  mkdirSync(path.join(folder, 'pipe-cache'));
  const { spawn } = await import('node:child_process');
  const writer = spawn('sh', ['-c', 'printf "a\\tb\\n" > "$0"', fifo]);
  const { corpus } = await load({ corpora: [{ file: fifo }], cacheDirectory: path.join(folder, 'pipe-cache') });
  assert.equal(corpus.size, 1);
  assert.deepEqual(readdirSync(path.join(folder, 'pipe-cache')), []);
  writer.kill();
});
