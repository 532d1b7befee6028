import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { bufferLines } from '../../../src/translation/buffered-lines.js';

async function* inBlocks(blocks: readonly string[][]): AsyncGenerator<string[]> {
  for (const block of blocks) {
    await setImmediate();
    yield block;
  }
}

test('every line is yielded once, in order, with a slow consumer, too', async () => {
  const lines = Array.from({ length: 100 }, (_, i) => String(i));
  for (const pause of [0, 3]) {
    const found: string[] = [];
    for await (const block of bufferLines(inBlocks(lines.map((line) => [line])), 10)) {
      assert.ok(block.length > 0 && block.length <= 10);
      found.push(...block);
      await sleep(pause);
    }
    assert.deepEqual(found, lines);
  }
});

test('a line is yielded immediately, and lines that arrive meanwhile form one block', async () => {
  async function* typed(): AsyncGenerator<string[]> {
    yield ['first'];
    await sleep(10);
    for (const line of ['second', 'third', 'fourth']) {
      yield [line];
      await setImmediate();
    }
  }
  const blocks: string[][] = [];
  for await (const block of bufferLines(typed(), 1000)) {
    blocks.push(block);
    await sleep(40);
  }
  assert.deepEqual(blocks, [['first'], ['second', 'third', 'fourth']]);
});

test('an error is thrown after the lines before it', async () => {
  async function* broken(): AsyncGenerator<string[]> {
    yield ['good'];
    await setImmediate();
    throw new Error('broken pipe');
  }
  const found: string[] = [];
  await assert.rejects(async () => {
    for await (const block of bufferLines(broken(), 5)) {
      found.push(...block);
      await sleep(10);
    }
  }, /broken pipe/);
  assert.deepEqual(found, ['good']);
});

test('empty input yields no block, and breaking out of the loop closes the source', async () => {
  for await (const block of bufferLines(inBlocks([]), 5)) assert.fail(block.join());
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
  for await (const block of bufferLines(endless(), 5)) {
    assert.ok(block.length > 0);
    break;
  }
  await sleep(20);
  assert.ok(closed);
});
