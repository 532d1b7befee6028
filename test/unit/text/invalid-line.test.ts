import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Readable } from 'node:stream';
import { MAX_LINE_BYTES, readLines } from '../../../src/text/lines.js';

async function read(bytes: Buffer, options: Parameters<typeof readLines>[1] = {}): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLines(Readable.from([bytes]), options)) lines.push(line);
  return lines;
}

const hintFor = (bytes: Buffer): Promise<string> =>
  read(bytes).then(
    () => 'no error',
    (error: { hint: string }) => error.hint,
  );

test('only text that may be Latin-1 is to be converted from it', async () => {
  assert.match(await hintFor(Buffer.from('ein schöner Tag\n', 'latin1')), /iconv -f latin1/);
  const damaged = Buffer.concat([Buffer.from('café\nold te'), Buffer.from([0xff]), Buffer.from('xt\n')]);
  assert.match(await hintFor(damaged), /this line|the line is damaged/);
  assert.match(await hintFor(Buffer.concat([Buffer.from('été '), Buffer.from([0xff])])), /damaged/);
  const shiftJis = Buffer.from('94 4c 82 aa 96 b0 82 c1 82 c4 82 a2 82 e9 0a'.replaceAll(' ', ''), 'hex');
  assert.match(await hintFor(shiftJis), /Find out its encoding/);
  assert.match(await hintFor(Buffer.from([0x61, 1, 2, 0xff])), /control characters/);
  for (const bytes of [damaged, shiftJis]) assert.doesNotMatch(await hintFor(bytes), /latin1/);
});

test('invalid lines are read with U+FFFD and named, if accepted', async () => {
  const bytes = Buffer.concat([
    Buffer.from('\ufefféa\n'),
    Buffer.from([0x62, 0xff, 0x0a]),
    Buffer.from('c\n\n'),
    Buffer.from([0xff]),
  ]);
  const invalid: number[] = [];
  assert.deepEqual(await read(bytes, { onInvalid: (line) => invalid.push(line) }), [
    'éa',
    'b\ufffd',
    'c',
    '',
    '\ufffd',
  ]);
  assert.deepEqual(invalid, [2, 5]);
});

test('a text whose lines end in CR is not one line that is too long', async () => {
  const text = Buffer.from('a line of an old Mac\r'.repeat(MAX_LINE_BYTES / 20));
  await assert.rejects(read(text, { onSkipped: () => undefined }), { code: 'line-too-long' });
  assert.deepEqual(await read(Buffer.alloc(MAX_LINE_BYTES + 1, 'x'), { onSkipped: () => undefined }), ['']);
});
