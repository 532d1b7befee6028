import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeTokenizedSign, looksTokenized } from '../../../src/metrics/tokenized.js';

const kinds = (lines: readonly string[]): string[] => looksTokenized(lines).map(({ kind }) => kind);

test('detokenised text is not reported', () => {
  assert.deepEqual(kinds([]), []);
  assert.deepEqual(kinds(['It rains.', 'Il pleut !', 'Pourquoi ?', 'It goes on ...', '']), []);
  assert.deepEqual(kinds(['One slip .', 'No slip.', 'No slip.']), []);
});

test('spaces before full stops and subword markers are detected', () => {
  assert.deepEqual(looksTokenized(['No point', 'It rains .', 'It snows .', 'The sun shines .', 'It is dry.']), [
    { kind: 'spaced-points', lines: 3, firstLine: 2 },
  ]);
  assert.deepEqual(kinds(['the sub@@ word', 'is cut']), ['subword-marks']);
  assert.deepEqual(kinds(['▁the ▁sub word']), ['sentencepiece-marks']);
  assert.equal(
    describeTokenizedSign({ kind: 'subword-marks', lines: 4, firstLine: 2 }),
    '4 lines, the first of them line 2, contain BPE subwords that were not merged ("@@ ")',
  );
});
