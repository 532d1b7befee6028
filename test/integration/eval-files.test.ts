import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { runCommand } from '../support/command.js';

const folder = mkdtempSync(join(tmpdir(), 's2s-eval-'));
after(() => rmSync(folder, { recursive: true }));

const REFERENCES = [
  'The cat sat on the mat.',
  'It is raining in the city.',
  '',
  'Two men are standing near the river.',
];
const HYPOTHESES = ['The cat sat on a mat.', 'It is raining in the town.', '', 'Near the river two men are standing.'];
const text = (lines: readonly string[]): string => `${lines.join('\n')}\n`;
const write = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return name;
};
write('hypotheses', text(HYPOTHESES));
write('references', text(REFERENCES));
write('references.gz', gzipSync(text(REFERENCES)));
write('short', text(REFERENCES.slice(1)));
const evaluate = (args: readonly string[], input = '') => runCommand(['eval', ...args], { cwd: folder, input });

interface Scores {
  readonly bleu: { readonly score: number; readonly signature: string };
  readonly chrf: { readonly score: number; readonly signature: string; readonly name: string };
  readonly ter: { readonly score: number; readonly signature: string };
  readonly sentences: number;
}

test('scores equal those of sacreBLEU, as text', async () => {
  const { code, stdout, stderr } = await evaluate(['--hypotheses', 'hypotheses', '--references', 'references']);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  // sacrebleu 2.6.0: sacrebleu references -i hypotheses -m bleu chrf ter -w 2
  assert.deepEqual(
    stdout.split('\n').map((line) => line.replace(/version:s2s-\S+/, 'version:2.6.0')),
    [
      'BLEU       45.00  nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0',
      '                  81.8/57.9/37.5/23.1 (BP = 1.000 ratio = 1.000 hyp_len = 22 ref_len = 22)',
      'chrF2      74.85  nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0',
      'TER        31.58  nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no|version:2.6.0',
      'sentences      4',
      '',
    ],
  );
});

test('--json prints one object; stdin, gzip and several references are read', async () => {
  const { code, stdout, stderr } = await evaluate(
    ['--hypotheses', '-', '--references', 'references', 'references.gz', '--json'],
    text(HYPOTHESES),
  );
  assert.equal(code, 0, stderr);
  assert.equal(stdout.trimEnd().split('\n').length, 1);
  const { bleu, chrf, ter, sentences } = JSON.parse(stdout) as Scores;
  assert.equal(sentences, 4);
  assert.match(bleu.signature, /^nrefs:2\|case:mixed\|eff:no\|tok:13a\|smooth:exp\|version:s2s-/);
  assert.ok(bleu.score > 0 && chrf.score > bleu.score && ter.score < 50);
});

test('references are read from stdin', async () => {
  for (const references of [['-'], ['references', '-'], ['-', '--metrics', 'bleu']]) {
    const { code, stdout, stderr } = await evaluate(
      ['--hypotheses', 'references', '--references', ...references],
      text(REFERENCES),
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^BLEU +100\.00/);
  }
});

test('options of the metrics are in the signatures', async () => {
  const { stdout } = await evaluate([
    '--hypotheses',
    'hypotheses',
    '--references',
    'references',
    '--json',
    '--lowercase',
    '--bleu-tokenizer',
    'intl',
    '--bleu-smoothing',
    'floor',
    '--bleu-smoothing-value',
    '0.5',
    '--chrf-word-order',
    '2',
    '--chrf-char-order',
    '4',
    '--chrf-whitespace',
    '--ter-case-sensitive',
    '--ter-normalized',
    '--ter-no-punct',
    '--ter-asian-support',
  ]);
  const { bleu, chrf, ter } = JSON.parse(stdout) as Scores;
  assert.match(bleu.signature, /^nrefs:1\|case:lc\|eff:no\|tok:intl\|smooth:floor\[0\.50\]\|/);
  assert.match(chrf.signature, /^nrefs:1\|case:lc\|eff:yes\|nc:4\|nw:2\|space:yes\|/);
  assert.equal(chrf.name, 'chrF2++');
  assert.match(ter.signature, /^nrefs:1\|case:mixed\|tok:tercom\|norm:yes\|punct:no\|asian:yes\|/);
  const chosen = await evaluate([
    '--hypotheses',
    'hypotheses',
    '--references',
    'references',
    '--json',
    '--metrics',
    'chrf',
  ]);
  assert.deepEqual(Object.keys(JSON.parse(chosen.stdout) as Scores), ['chrf', 'sentences']);
});

test('errors are reported with a fix', async () => {
  const cases: [string[], number, RegExp][] = [
    [
      ['--hypotheses', 'hypotheses', '--references', 'short'],
      1,
      /^error: hypotheses: has 4 lines, but short has 3 lines\nLine N/,
    ],
    [['--hypotheses', 'hypotheses', '--references', 'missing'], 1, /^error: missing: there is no such file/],
    [['--hypotheses', '-', '--references', '-'], 2, /Only one of the files can be stdin/],
    [['--hypotheses', '-', '--references', write('nothing', '')], 1, /^error: stdin: has no lines/],
    [['--hypotheses', 'hypotheses'], 2, /--hypotheses requires --references\./],
    [['--hypotheses', 'hypotheses', '--references'], 2, /--hypotheses requires --references\./],
    [['stray', '--hypotheses', 'hypotheses', '--references', 'references'], 2, /Unexpected argument stray\./],
    [['--hypothesis', 'hypotheses'], 2, /Did you mean --hypotheses\?/],
    [
      ['--hypotheses', 'hypotheses', '--references', 'references', '--bleu-smoothing-value', '1'],
      2,
      /exp has no smoothing value/,
    ],
    [
      ['--hypotheses', 'hypotheses', '--references', 'references', '--bleu-max-order', '0'],
      2,
      /--bleu-max-order must be an integer of at least 1/,
    ],
    [['--hypotheses', 'hypotheses', '--references', 'references', '--bleu-tokenizer', '13b'], 2, /13a/],
  ];
  for (const [args, exitCode, message] of cases) {
    const { code, stdout, stderr } = await evaluate(args);
    assert.match(stderr, message);
    assert.equal(code, exitCode, stderr);
    assert.equal(stdout, '');
  }
});

test('text that looks tokenised is scored with a warning', async () => {
  const { code, stdout, stderr } = await evaluate(
    ['--hypotheses', '-', '--references', 'references'],
    text(HYPOTHESES.map((line) => line.replace('.', ' .'))),
  );
  assert.equal(code, 0);
  assert.match(stdout, /^BLEU/);
  assert.match(
    stderr,
    /^warning: stdin looks tokenised: 3 lines, the first of them line 1, have a space before the final full stop/,
  );
});
