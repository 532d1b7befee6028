import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { configSchema, type TokenizerConfig } from '../../../src/config/schema.js';
import { buildVocabulary, type SentencePair, type VocabularyEvent } from '../../../src/text/build.js';
import { loadTokenizer, loadTokenizers } from '../../../src/text/load.js';
import { vocabularyState } from '../../../src/text/vocabulary-file.js';

const root = mkdtempSync(join(tmpdir(), 's2s-vocabulary-'));
after(() => rmSync(root, { recursive: true }));

const TRAIN: SentencePair[] = [
  { source: 'der alte Hund schläft', target: 'the old dog sleeps' },
  { source: 'ein Hund und eine Katze', target: 'a dog and a cat' },
  { source: 'die Katze schläft nicht', target: 'the cat does not sleep' },
];
const DEV: SentencePair[] = [{ source: 'ein Zebra schläft', target: 'a zebra sleeps' }];

function settings(given: Partial<TokenizerConfig>): TokenizerConfig {
  return configSchema.shape.tokenizer.parse({ size: 60, ...given });
}

async function* blocks(pairs: SentencePair[]): AsyncGenerator<SentencePair[]> {
  for (const pair of pairs) yield Promise.resolve([pair]);
}

function build(
  name: string,
  given: Partial<TokenizerConfig>,
  train = TRAIN,
  onEvent?: (event: VocabularyEvent) => void,
) {
  const directory = join(root, name);
  return buildVocabulary({
    settings: settings(given),
    directory,
    train: blocks(train),
    dev: blocks(DEV),
    trainingText: 'text-1',
    onEvent,
  });
}

test('a shared vocabulary is one file and one tokenizer', async () => {
  const events: string[] = [];
  const report = await build('shared', {}, TRAIN, (event) => events.push(event.type));
  assert.deepEqual(readdirSync(report.directory).sort(), ['tokenizer.json', 'vocabulary.json']);
  const { source, target } = loadTokenizers(report.directory);
  assert.equal(source, target);
  assert.equal(source.vocabularySize, report.tokenizers[0]?.size);
  assert.equal(source.decode(await source.encode('the Katze sleeps')), 'the Katze sleeps');
  assert.deepEqual([...new Set(events)], ['reading', 'learning', 'measuring']);
});

test('separate vocabularies have their own files and settings, and the shared file is removed', async () => {
  await build('sides', {});
  const report = await build('sides', { shared: false, source: { type: 'word' }, target: { type: 'char', size: 15 } });
  assert.deepEqual(readdirSync(report.directory).sort(), [
    'tokenizer.source.json',
    'tokenizer.target.json',
    'vocabulary.json',
  ]);
  const { source, target } = loadTokenizers(report.directory);
  assert.deepEqual(await source.tokenize('der Hund'), ['▁der', '▁Hund']);
  assert.deepEqual(await target.tokenize('a dog'), ['a', '▁', 'd', 'o', 'g']);
  assert.equal(target.vocabularySize, 15);
});

test('the report has sizes, coverage, lengths and unknown rates', async () => {
  const report = await build('report', { shared: false, type: 'word' });
  assert.equal(report.pairs, 3);
  const [source, target] = report.tokenizers;
  assert.equal(source?.role, 'source');
  assert.deepEqual(source.types, { kept: 10, left: 0 });
  assert.equal(source.size, 14);
  assert.equal(source.unit, 'words');
  assert.equal(source.coverage, 1);
  assert.equal(target?.size, 4 + 10);
  assert.deepEqual(report.train.target, {
    sentences: 3,
    tokensPerSentence: { mean: 14 / 3, p95: 5, max: 5 },
    unknownRate: 0,
  });
  assert.deepEqual(report.dev.source, {
    sentences: 1,
    tokensPerSentence: { mean: 3, p95: 3, max: 3 },
    unknownRate: 1 / 3,
  });
});

test('an empty training text is an error', async () => {
  await assert.rejects(build('empty', {}, [{ source: '', target: ' ' }]), {
    code: 'no-text',
    message: /no words to learn/,
  });
  assert.ok(!existsSync(join(root, 'empty')));
});

test('a missing or stale vocabulary is reported with the reason', async () => {
  const directory = join(root, 'state');
  const given = settings({});
  assert.deepEqual(vocabularyState(directory, given, 'text-1'), {
    state: 'missing',
    reason: `missing file ${join(directory, 'tokenizer.json')}`,
  });
  await build('state', {});
  const reasonOf = (changed: Partial<TokenizerConfig>, text = 'text-1'): unknown => {
    const state = vocabularyState(directory, settings(changed), text);
    return 'reason' in state ? state.reason : state.state;
  };
  assert.equal(reasonOf({}), 'current');
  assert.equal(reasonOf({ size: 70 }), 'tokenizer.size was 60 and is now 70');
  assert.equal(reasonOf({ lowercase: true }), 'tokenizer.lowercase was false and is now true');
  assert.equal(reasonOf({}, 'text-2'), 'the training text has changed');
  assert.equal(reasonOf({ shared: false }), `missing file ${join(directory, 'tokenizer.source.json')}`);
  const file = join(directory, 'tokenizer.json');
  writeFileSync(file, `${readFileSync(file, 'utf8')} `);
  assert.equal(reasonOf({}), 'foreign', 'a file that was changed by hand is the user’s');
  writeFileSync(join(directory, 'vocabulary.json'), '{"version": 99}');
  assert.equal(
    reasonOf({}),
    'foreign',
    'without a record that s2s can read, nothing says that s2s wrote the tokenizer',
  );
  rmSync(join(directory, 'vocabulary.json'));
  assert.equal(reasonOf({}), 'foreign');
});

test('a changed setting of one side is reported with the side', async () => {
  await build('side', { shared: false });
  assert.deepEqual(vocabularyState(join(root, 'side'), settings({ shared: false, target: { size: 50 } }), 'text-1'), {
    state: 'stale',
    reason: 'tokenizer.size of the target side was 60 and is now 50',
  });
});

test('an unsuitable tokenizer file is an error with the file', async () => {
  await build('broken', {});
  const file = join(root, 'broken', 'tokenizer.json');
  const good = JSON.parse(readFileSync(file, 'utf8')) as { model: { vocab: Record<string, number> } };
  const refused = (content: unknown, message: RegExp): void => {
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    assert.throws(() => loadTokenizer(file), { code: 'tokenizer-broken', message, place: { file } });
  };
  refused('{"model": ', /is not a tokenizer.json file/);
  refused('[]', /is not a tokenizer.json file/);
  const { '<pad>': pad, ...rest } = good.model.vocab;
  refused(
    { ...good, model: { ...good.model, vocab: { ...rest, '[PAD]': pad } } },
    /id 0 must be "<pad>", not "\[PAD\]"/,
  );
  refused(
    { ...good, model: { ...good.model, vocab: { ...good.model.vocab, extra: 10_000 } } },
    /ids are not the numbers from 0/,
  );
  assert.throws(() => loadTokenizer(join(root, 'none.json')), {
    code: 'tokenizer-missing',
    place: { file: join(root, 'none.json') },
  });
});
