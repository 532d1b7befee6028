import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { evaluateModel, scorePairs } from '../../../src/evaluation/evaluate-model.js';
import { corpusBleu } from '../../../src/metrics/bleu.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';
import { loadRun, type LoadedRun } from '../../../src/translation/load-run.js';
import { translateLines } from '../../../src/decoding/translate-lines.js';
import { stepwiseScore } from '../../support/stepwise-score.js';
import { makeTinyRun } from '../../support/tiny-run.js';

const SOURCES = ['the dog', '', 'a quick brown fox jumps over', 'fox', '   ', 'zebras: 12'];
const TARGETS = ['dog the', 'the quick', 'over', '', 'lazy fox', 'the brown dog jumps over the fox'];

let folder: string;
let run: LoadedRun;
before(async () => {
  await loadTensorFlow({ device: 'cpu' });
  folder = await mkdtemp(join(tmpdir(), 's2s-evaluate-'));
  await makeTinyRun(join(folder, 'run'));
  run = await loadRun(join(folder, 'run'));
});
after(async () => {
  run.close();
  await rm(folder, { recursive: true });
});

async function stepwise() {
  const { source, target } = run.tokenizers;
  const [sources, targets] = [await source.encodeBatch(SOURCES), await target.encodeBatch(TARGETS)];
  return sources.map((ids, index) => stepwiseScore(run.model, ids, targets[index]!));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, value) => total + value, 0);
const close = (actual: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
/** Small batches, so that pairs are reordered and padded. */
const settings = () => ({ ...run, decoding: { ...run.config.decoding, batchTokens: 40 } });

test('perplexity and accuracy equal those of stepwise decoding, including blank lines', async () => {
  const expected = await stepwise();
  const tokens = sum(expected.map(({ logProbabilities }) => logProbabilities.length));
  const { teacherForced } = await evaluateModel({ sources: SOURCES, references: [TARGETS] }, settings());
  assert.equal(teacherForced.tokens, tokens);
  const nats = -sum(expected.flatMap(({ logProbabilities }) => logProbabilities)) / tokens;
  close(teacherForced.perplexity, Math.exp(nats), 1e-4);
  close(teacherForced.loss, nats, 1e-5);
  close(teacherForced.accuracy, sum(expected.map(({ correct }) => correct)) / tokens, 1e-12);
});

test('log-probabilities equal those of stepwise decoding, in the order of the pairs', async () => {
  const expected = await stepwise();
  const scores = await scorePairs(SOURCES, TARGETS, settings());
  assert.equal(scores.length, SOURCES.length);
  expected.forEach(({ logProbabilities }, index) => close(scores[index]!, sum(logProbabilities), 1e-4));
});

test('all lines are translated and scored against all references, without leaking tensors', async () => {
  const others = [...TARGETS].reverse();
  await evaluateModel({ sources: SOURCES, references: [TARGETS] }, settings());
  const before = tf.memory().numTensors;
  const { scores, hypotheses } = await evaluateModel({ sources: SOURCES, references: [TARGETS, others] }, settings());
  await scorePairs(SOURCES, TARGETS, settings());
  assert.equal(tf.memory().numTensors, before);
  const translations = await translateLines(SOURCES, { ...run, options: run.config.decoding });
  assert.deepEqual(
    hypotheses,
    translations.map((translation) => translation.hypotheses[0].text),
  );
  assert.deepEqual(scores.bleu, corpusBleu(hypotheses, [TARGETS, others]));
  assert.deepEqual(Object.keys(scores), ['bleu', 'chrf', 'ter']);
});

test('looping outputs and tokenised references cause warnings', async () => {
  const sources = [
    'the dog',
    'a fox',
    'over',
    'brown',
    'lazy',
    'jumps',
    'quick',
    'the fox',
    'the lazy dog',
    'a brown dog',
    'the quick fox',
    'dog',
  ];
  const references = [sources.map((line) => `${line} .`)] as const;
  // Hypotheses of one letter are similar to each other.
  const decoding = { ...run.config.decoding, maxLengthRatio: 0.001, maxLengthMargin: 1 };
  const { warnings } = await evaluateModel({ sources, references }, { ...run, decoding });
  assert.equal(warnings.length, 2);
  assert.match(warnings[0]!, /^identical output for different inputs in \d+ of 12 outputs: ".?"$/);
  assert.equal(
    warnings[1],
    'the reference text looks tokenised: 12 lines, the first of them line 1, have a space before the final full stop ' +
      '(" ."). Only scores of detokenised text are comparable.',
  );
});
