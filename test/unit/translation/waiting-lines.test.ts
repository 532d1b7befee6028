import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { waitingLines } from '../../../src/translation/waiting-lines.js';

async function* inBlocks(blocks: readonly string[][]): AsyncGenerator<string[]> {
  for (const block of blocks) {
    await setImmediate();
    yield block;
  }
}

test('every line comes once, in order, however slow the reader of the blocks', async () => {
  const lines = Array.from({ length: 100 }, (_, i) => String(i));
  for (const pause of [0, 3]) {
    const found: string[] = [];
    for await (const block of waitingLines(inBlocks(lines.map((line) => [line])), 10)) {
      assert.ok(block.length > 0 && block.length <= 10);
      found.push(...block);
      await sleep(pause);
    }
    assert.deepEqual(found, lines);
  }
});

test('a line is given as soon as nothing more is waiting, and what arrives meanwhile makes one block', async () => {
  async function* typed(): AsyncGenerator<string[]> {
    yield ['first'];
    await sleep(10);
    for (const line of ['second', 'third', 'fourth']) {
      yield [line];
      await setImmediate();
    }
  }
  const blocks: string[][] = [];
  for await (const block of waitingLines(typed(), 1000)) {
    blocks.push(block);
    await sleep(40);
  }
  assert.deepEqual(blocks, [['first'], ['second', 'third', 'fourth']]);
});

test('an error comes after the lines before it', async () => {
  async function* broken(): AsyncGenerator<string[]> {
    yield ['good'];
    await setImmediate();
    throw new Error('broken pipe');
  }
  const found: string[] = [];
  await assert.rejects(async () => {
    for await (const block of waitingLines(broken(), 5)) {
      found.push(...block);
      await sleep(10);
    }
  }, /broken pipe/);
  assert.deepEqual(found, ['good']);
});

test('an empty input gives no block, and a caller that stops early lets the source be closed', async () => {
  for await (const block of waitingLines(inBlocks([]), 5)) assert.fail(block.join());
  let closed = false;
  async function* endless(): AsyncGenerator<string[]> {
    try {
      for (;;) {
        await setImmediate();
        yield ['again'];
      }
    } finally {
      closed = true;
    }
  }
  for await (const block of waitingLines(endless(), 5)) {
    assert.ok(block.length > 0);
    break;
  }
  await sleep(20);
  assert.ok(closed);
});
