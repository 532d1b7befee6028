import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Log } from '../../../src/cli/log.js';
import { describePreparation, TrainingReporter } from '../../../src/cli/training-report.js';
import type { BatchOrigin } from '../../../src/data/batch-origin.js';
import { configSchema } from '../../../src/config/schema.js';
import type { FilterSummary } from '../../../src/data/summary.js';
import type { TrainingEvent, UpdateEvent } from '../../../src/training/events.js';
import { stderrOf } from './stderr.js';

const DATA = { train: [{ source: 'a', target: 'b' }], dev: [{ source: 'c', target: 'd' }] };
const START: TrainingEvent = {
  type: 'start',
  runDirectory: '/run',
  step: 0,
  parameters: 1_234_567,
  trainPairs: 29_000,
  devPairs: 10,
  stepsPerEpoch: 440,
  paddingShare: 0.047,
};
const UPDATE: UpdateEvent = {
  type: 'update',
  step: 1500,
  epoch: 2,
  report: true,
  loss: 2.5,
  perplexity: 7.389,
  learningRate: 0.001,
  gradientNorm: 1,
  sourceTokensPerSecond: 1000,
  targetTokensPerSecond: 1100,
  paddingTokensPerSecond: 50,
  elapsedSeconds: 10,
  remainingSeconds: 90,
  share: 0.1,
  residentBytes: 1,
};

function reported(
  events: readonly TrainingEvent[],
  training: object = {},
  level: 'info' | 'warn' = 'info',
  runDirectory = '/run',
): string[] {
  const reporter = new TrainingReporter(configSchema.parse({ runDirectory, data: DATA, training }), new Log(level));
  return stderrOf(() => events.forEach((event) => reporter.report(event)))
    .split('\n')
    .slice(0, -1);
}

test('start, with a warning if there is no limit', () => {
  const line = '1,234,567 parameters, 29,000 training pairs, 440 steps per epoch, 4.7 % padding';
  const place = `run directory: ${START.runDirectory}, with the resolved configuration in config.yaml`;
  for (const training of [{ maxSteps: 1 }, { maxEpochs: 1 }, { maxMinutes: 1 }, { earlyStopping: { patience: 1 } }])
    assert.deepEqual(reported([START], training), [line, place]);
  const [first, where, second, ...rest] = reported([START]);
  assert.deepEqual([first, where], [line, place]);
  assert.match(second!, /^warning: no limit is set: /);
  assert.deepEqual(rest, []);
});

test('update, as one line', () => {
  const line =
    'epoch 2 step 1,500: loss 2.5000, perplexity 7.39, lr 0.00100, ' +
    'source / target / padding tokens per second 1,000 / 1,100 / 50';
  assert.deepEqual(reported([{ ...UPDATE, report: false }, UPDATE, { ...UPDATE, remainingSeconds: undefined }]), [
    `${line}, 1 min 30 s left`,
    line,
  ]);
});

test('a skipped update lists its first batches', () => {
  const of = (batch: number): BatchOrigin => ({
    batch,
    sentences: batch,
    sourceTime: 30,
    targetTime: 28,
    longest: { file: 'train.de', line: 100 + batch, sourceTokens: 29, targetTokens: 20 },
    lines: [],
  });
  const skipped: TrainingEvent = {
    type: 'skipped',
    step: 12,
    inRow: 1,
    total: 4,
    epoch: 2,
    batch: 5,
    notFinite: 'loss',
    batches: [of(1)],
  };
  const batch = (number: number, sentences: string): string =>
    `batch ${number} of epoch 2 (${sentences} x 30 source x 28 target tokens, ` +
    `longest pair at train.de:${100 + number})`;
  const [first, second, third] = [2, 3, 4].map((number) => batch(number, `${number} sentences`));
  const counts = '(1 consecutive, 4 in total); metrics.jsonl lists all lines';
  assert.deepEqual(reported([skipped, { ...skipped, notFinite: 'gradient', batches: [2, 3, 4, 5].map(of) }]), [
    `warning: step 13 skipped: the loss of ${batch(1, '1 sentence')} is not finite ${counts}`,
    `warning: step 13 skipped: the gradient of ${first}, ${second}, ${third} and 1 more is not finite ${counts}`,
  ]);
});

test('a validation has its duration and the proportion of all validations', () => {
  const validation: TrainingEvent = {
    type: 'validation',
    step: 1500,
    epoch: 2,
    loss: 2.5,
    perplexity: 7.389,
    accuracy: 0.512,
    tokens: 9,
    bleu: 31.234,
    bleuSignature: 'nrefs:1',
    chrf: 55.5,
    samples: [],
    warnings: [],
    improved: true,
    seconds: 3.14,
    timeShare: 0.0412,
    elapsedSeconds: 300,
  };
  const scores = 'dev at step 1,500: loss 2.5000, perplexity 7.39, accuracy 51.2 %';
  const time = 'validation took 3.1 s, all validations so far 4.1 % of the training time';
  assert.deepEqual(reported([validation, { ...validation, bleu: undefined, chrf: undefined }]), [
    `${scores}, BLEU 31.23, chrF 55.50; ${time}`,
    `${scores}; ${time}`,
  ]);
});

test('the end: what was saved, and how to continue', () => {
  const stopped: TrainingEvent = {
    type: 'stopped',
    reason: 'interrupted',
    step: 20,
    epoch: 1,
    savedStep: 20,
    best: { metric: 'bleu', value: 31.234, step: 10 },
    skipped: 2,
    elapsedSeconds: 75,
  };
  const model = 'the model is in /run; translate with: s2s translate --model /run < input.txt';
  assert.deepEqual(reported([stopped]), [
    'stopped at step 20 after 1 min 15 s: interrupted; 2 steps skipped',
    'best bleu on dev: 31.23 at step 10',
    'to resume the training, run the same command with --resume',
    model,
  ]);
  assert.match(
    reported([stopped], {}, 'info', '/my run').join(),
    /the model is in \/my run; translate with: s2s translate --model '\/my run' < input\.txt$/,
  );
  const unsaved = { ...stopped, savedStep: undefined, best: undefined, skipped: 0 };
  assert.deepEqual(reported([{ ...unsaved, step: 0 }]).slice(1), [
    'warning: no checkpoint was saved: there was no update',
  ]);
  assert.deepEqual(reported([unsaved]).slice(1), [
    'warning: no checkpoint was saved: the training had diverged at step 20',
  ]);
  assert.match(
    reported([{ ...stopped, savedStep: 10 }], {}, 'warn').join(),
    /^warning: the last checkpoint is from step 10: the training had diverged at step 20$/,
  );
});

test('data: dropped pairs by reason, with the longest pair of each reason and of the kept pairs', () => {
  const place = (line: number, sourceTokens: number, targetTokens: number) => ({
    file: 'train.de',
    line,
    sourceTokens,
    targetTokens,
  });
  const summary: FilterSummary = {
    read: 2000,
    kept: 1997,
    dropped: {
      longLine: 0,
      invalidUtf8: 0,
      heldOut: 0,
      sameAsHeldOut: 0,
      emptySource: 1,
      emptyTarget: 0,
      sourceTooLong: 2,
      targetTooLong: 0,
      lengthRatio: 0,
    },
    examples: [
      { reason: 'sourceTooLong', ...place(7, 1200, 90) },
      { reason: 'sourceTooLong', ...place(3, 120, 90) },
      { reason: 'emptySource', ...place(5, 0, 4) },
    ],
    longest: place(11, 98, 77),
    sourceTokens: 9,
    targetTokens: 9,
    sourceUnknownRate: 0,
    targetUnknownRate: 0.005,
    oddCharacters: [],
    shiftedRows: [],
    empty: 0,
  };
  const lines = (event: FilterSummary, fromCache: boolean) =>
    stderrOf(() =>
      describePreparation({ type: 'loaded', split: 'train', summary: event, fromCache, elapsedMs: 1 }, new Log('info')),
    )
      .split('\n')
      .slice(0, -1);
  assert.deepEqual(lines(summary, false), [
    'train: 1,997 of 2,000 pairs; dropped 1 empty source, 2 source too long',
    '  longest dropped for empty source: train.de:5 (0 source, 4 target tokens)',
    '  longest dropped for source too long: train.de:7 (1,200 source, 90 target tokens)',
    '  longest kept: train.de:11 (98 source, 77 target tokens)',
    '  unknown tokens: 0.0 % of the source, 0.5 % of the target',
  ]);
  const nothing = {
    ...summary,
    kept: 2000,
    dropped: { ...summary.dropped, emptySource: 0, sourceTooLong: 0 },
    examples: [],
    longest: undefined,
  };
  assert.deepEqual(lines(nothing, true), [
    'train: 2,000 of 2,000 pairs (from the cache)',
    '  unknown tokens: 0.0 % of the source, 0.5 % of the target',
  ]);
  assert.equal(
    lines({ ...nothing, empty: 2 }, true)[1],
    'warning: 2 pairs with an empty side in train: included in all scores',
  );
  assert.equal(
    lines({ ...nothing, empty: 1 }, true)[1],
    'warning: 1 pair with an empty side in train: included in all scores',
  );
});

test('preparation: why a vocabulary is built, and where a training resumes', () => {
  const log = new Log('info');
  const lines = stderrOf(() => {
    describePreparation({ type: 'nothing-to-resume' }, log);
    describePreparation({ type: 'vocabulary-needed', reason: 'there is none' }, log);
    describePreparation({ type: 'resumed', step: 1200, changes: [], restartedEpoch: true }, log);
  });
  assert.equal(
    lines,
    'no checkpoint to resume from: starting a new training\nbuilding the vocabulary: there is none\n' +
      'resuming at step 1,200\n' +
      'warning: the order of the batches has changed: training continues with the next epoch\n',
  );
});
