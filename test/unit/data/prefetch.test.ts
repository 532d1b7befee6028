import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mock, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { BatchShape } from '../../../src/data/batch.js';
import { BatchSource, largestBatch } from '../../../src/data/batches.js';
import { PackedCorpus } from '../../../src/data/packed.js';
import { BatchPrefetcher } from '../../../src/data/prefetch.js';
import { corpusOf, messageOf, randomCorpus } from './fixtures.js';

const options = { seed: 4, size: 200, unit: 'tokens' as const };
const FAILING_WORKER = new URL('./failing-batch-worker.js', import.meta.url);
const area = ({ sentences, sourceTime, targetTime }: BatchShape): number => sentences * sourceTime * targetTime;

test('prefetched batches equal those of BatchSource, across epochs and from any position', async () => {
  const corpus = randomCorpus(300);
  for (const position of [
    { epoch: 0, batch: 0 },
    { epoch: 3, batch: 7 },
  ]) {
    const direct = new BatchSource(corpus, options);
    direct.seek(position);
    const ahead = await BatchPrefetcher.open(corpus, options, { position, depth: 3 });
    assert.deepEqual(ahead.position, position);
    assert.equal(ahead.batchesInEpoch(position.epoch), direct.batchesInEpoch(position.epoch));
    assert.deepEqual(ahead.statistics, new BatchSource(corpus, options).statistics(0));
    for (let i = 0; i < 100; i++) {
      assert.ok(await ahead.ready());
      assert.deepEqual(await ahead.next(), direct.next());
      assert.deepEqual(ahead.position, direct.position);
      assert.equal(ahead.batchesInEpoch(ahead.position.epoch), direct.batchesInEpoch(direct.position.epoch));
      assert.equal(ahead.batchesInEpoch(0), ahead.statistics.batches);
    }
    assert.throws(() => ahead.batchesInEpoch(1000), RangeError);
    assert.deepEqual(ahead.largestBatch(area), largestBatch(corpus, direct.largestShapes(0), area));
    await ahead.close();
  }
});

test('waiting for a new epoch to be planned handles timers and signals, and has no timeout', async () => {
  const corpus = corpusOf(Array.from({ length: 400_000 }, (_, i) => [1 + (i % 7), 1 + (i % 5)] as const));
  const ahead = await BatchPrefetcher.open(corpus, { seed: 1, size: 200_000, unit: 'sentences' }, { depth: 1 });
  // The clock advances by an hour per reading.
  let hours = 0;
  const clock = mock.method(performance, 'now', () => 3_600_000 * hours++);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const signals: string[] = [];
  const onSignal = (name: string): unknown => signals.push(name);
  process.on('SIGINT', onSignal);
  try {
    while (ahead.position.epoch === 0) {
      if (ahead.position.batch === ahead.batchesInEpoch(0)) process.kill(process.pid, 'SIGINT');
      await ahead.next();
    }
    assert.deepEqual(signals, ['SIGINT']);
    assert.ok(ticks > 0);
  } finally {
    process.off('SIGINT', onSignal);
    clearInterval(timer);
    clock.mock.restore();
    await ahead.close();
  }
});

test('an abort signal ends waiting and does not change the position', async () => {
  const ahead = await BatchPrefetcher.open(corpusOf([[1, 1]]), { ...options, seed: 0 }, { worker: FAILING_WORKER });
  assert.equal(await ahead.ready(AbortSignal.abort()), false);
  const controller = new AbortController();
  const waiting = ahead.ready(controller.signal);
  await setTimeout(10);
  controller.abort();
  assert.equal(await waiting, false);
  assert.deepEqual(ahead.position, { epoch: 0, batch: 0 });
  const next = messageOf(() => ahead.next());
  await ahead.close();
  assert.match(await next, /closed/, 'close ends a pending wait and a blocked worker');
});

test('a worker that exits, throws or runs out of memory is an error with the reason', async () => {
  const reasons = [
    [1, /the batch worker thread exited with code 3/],
    [2, /the batch worker thread failed: out of ideas/],
    [3, /the batch worker thread failed: .*memory/],
  ] as const;
  for (const [seed, reason] of reasons) {
    const ahead = await BatchPrefetcher.open(
      corpusOf([[1, 1]]),
      { ...options, seed },
      { worker: FAILING_WORKER, memoryMegabytes: 16 },
    );
    assert.match(await messageOf(() => ahead.next()), reason);
    assert.match(await messageOf(() => ahead.ready()), reason, 'and again');
    await ahead.close();
  }
});

test('close terminates a busy or idle worker and is idempotent', async () => {
  const untouched = await BatchPrefetcher.open(randomCorpus(300), options);
  await untouched.close();
  const used = await BatchPrefetcher.open(randomCorpus(300), options);
  await used.next();
  await setTimeout(50);
  await used.close();
  await used.close();
  assert.match(await messageOf(() => used.next()), /closed/);
});

test('an error in the worker is thrown to the caller', async () => {
  const corpus = corpusOf([
    [2, 2],
    [3, 3],
  ]);
  // Only the worker parses the corrupted header; this thread has parsed the header before.
  const damaged = new PackedCorpus(corpus.buffer);
  Buffer.from(corpus.buffer).fill('{', 64, 80);
  assert.match(await messageOf(() => BatchPrefetcher.open(damaged, options)), /the batch worker thread failed: .*JSON/);
});

test('opening fails for a position outside its epoch and for a corpus without pairs', async () => {
  assert.match(
    await messageOf(() => BatchPrefetcher.open(randomCorpus(30), options, { position: { epoch: 0, batch: 1000 } })),
    /batch 1000 of epoch 0: the epoch has/,
  );
  assert.match(await messageOf(() => BatchPrefetcher.open(corpusOf([]), options)), /no sentence pairs/);
});

test('an open prefetcher does not keep the process alive', async () => {
  const module = (name: string) => JSON.stringify(new URL(`../../../src/data/${name}.js`, import.meta.url).href);
  const program = `
    const { PackedCorpusBuilder } = await import(${module('packed')});
    const { BatchPrefetcher } = await import(${module('prefetch')});
    const builder = new PackedCorpusBuilder({ source: 9, target: 9 }, 1);
    builder.add([5], [6, 7], 0, 1);
    const batches = await BatchPrefetcher.open(builder.build('', {}), { seed: 1, size: 9, unit: 'tokens' });
    console.log((await batches.next()).labels.join());`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    timeout: 20_000,
  });
  assert.equal(stdout, '6,7,3\n');
});
