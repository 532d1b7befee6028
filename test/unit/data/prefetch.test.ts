import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { BatchSource } from '../../../src/data/batches.js';
import { PackedCorpus } from '../../../src/data/packed.js';
import { BatchPrefetcher } from '../../../src/data/prefetch.js';
import { corpusOf, messageOf, randomCorpus } from './fixtures.js';

const options = { seed: 4, size: 200, unit: 'tokens' as const };

test('batches from the other thread are those made here, over epochs and from a position', async () => {
  const corpus = randomCorpus(300);
  for (const position of [{ epoch: 0, batch: 0 }, { epoch: 3, batch: 7 }]) {
    const direct = new BatchSource(corpus, options);
    direct.seek(position);
    const ahead = new BatchPrefetcher(corpus, options, position, 3);
    assert.deepEqual(ahead.position, position);
    for (let i = 0; i < 100; i++) {
      assert.deepEqual(ahead.next(), direct.next());
      assert.deepEqual(ahead.position, direct.position);
      assert.equal(ahead.batchesInEpoch(ahead.position.epoch), direct.batchesInEpoch(direct.position.epoch));
    }
    assert.deepEqual(ahead.largestBatch(), direct.largestBatch());
    await ahead.close();
  }
});

test('close ends the thread, at work or asleep, and may be called twice', async () => {
  const untouched = new BatchPrefetcher(randomCorpus(300), options);
  await untouched.close();
  const used = new BatchPrefetcher(randomCorpus(300), options);
  used.next();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await used.close();
  await used.close();
  assert.match(await messageOf(() => used.next()), /closed/);
});

test('a failure of the thread reaches the one that asks', async () => {
  const corpus = corpusOf([[2, 2], [3, 3]]);
  // The worker opens the memory anew and finds its header spoilt; this thread has read it already.
  const spoilt = new PackedCorpus(corpus.buffer);
  Buffer.from(corpus.buffer).fill('{', 64, 80);
  const ahead = new BatchPrefetcher(spoilt, options);
  assert.match(await messageOf(() => ahead.next()), /the thread that makes batches failed: .*JSON/);
  assert.match(await messageOf(() => ahead.next()), /the thread that makes batches failed/, 'and again');
  await ahead.close();
});

test('a position outside its epoch is refused at once', async () => {
  assert.match(await messageOf(() => new BatchPrefetcher(randomCorpus(30), options, { epoch: 0, batch: 1000 })), /Batch 1000 of epoch 0/);
});

test('a process that forgets to close its batches still ends', async () => {
  const module = (name: string) => JSON.stringify(new URL(`../../../src/data/${name}.js`, import.meta.url).href);
  const program = `
    const { PackedCorpusBuilder } = await import(${module('packed')});
    const { BatchPrefetcher } = await import(${module('prefetch')});
    const builder = new PackedCorpusBuilder({ source: 9, target: 9 }, 1);
    builder.add([5], [6, 7], 0, 1);
    const batches = new BatchPrefetcher(builder.build('', {}), { seed: 1, size: 9, unit: 'tokens' });
    console.log(batches.next().labels.join());`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { timeout: 20_000 });
  assert.equal(stdout, '6,7,3\n');
});
