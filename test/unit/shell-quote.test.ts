import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { shellQuote } from '../../src/shell-quote.js';

test('words that a shell takes as they are stay readable', () => {
  for (const word of ['runs/multi30k', '/tmp/a_b-c.d', 'C:x,y@z+1', 'läufe']) assert.equal(shellQuote(word), word);
  assert.equal(shellQuote('my run'), "'my run'");
  assert.equal(shellQuote("it's"), "'it'\\''s'");
  assert.equal(shellQuote(''), "''");
  assert.equal(shellQuote('-x'), './-x');
  assert.equal(shellQuote('~/x'), "'~/x'");
});

test('a shell reads every quoted word as it was', { skip: process.platform === 'win32' }, () => {
  const words = fc.sample(
    fc
      .string({ unit: fc.constantFrom(...'ab \'"\\$`;&|<>(){}[]*?!#~=%-\n\té') })
      .filter((word) => !word.startsWith('-')),
    60,
  );
  const output = execFileSync('sh', ['-c', `printf '%s\\0' ${words.map(shellQuote).join(' ')}`], { encoding: 'utf8' });
  assert.deepEqual(output.split('\0').slice(0, -1), words);
});
