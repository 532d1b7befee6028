import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import type { UpdateEvent } from '../../../src/training/events.js';
import { MetricsLog } from '../../../src/training/metrics-log.js';
import { INITIAL_PROGRESS } from '../../../src/training/progress.js';
import { TensorBoardLog } from '../../../src/training/tensorboard.js';

const folder = mkdtempSync(join(tmpdir(), 's2s-metrics-'));
after(() => rmSync(folder, { recursive: true }));
before(async () => {
  await loadTensorFlow({ device: 'cpu' });
});

const updated = (step: number, report = true): UpdateEvent => ({
  type: 'update',
  step,
  epoch: 1,
  report,
  loss: 2.5,
  perplexity: 12,
  learningRate: 0.001,
  gradientNorm: 0.7,
  sourceTokensPerSecond: 100,
  targetTokensPerSecond: 90,
  paddingTokensPerSecond: 10,
  elapsedSeconds: 3,
  remainingSeconds: 4,
  share: 0.5,
  residentBytes: 1000,
});
const validated = {
  type: 'validation',
  step: 4,
  epoch: 1,
  loss: 2,
  perplexity: 7,
  accuracy: 0.5,
  tokens: 9,
  bleu: 10,
  bleuSignature: 'nrefs:1',
  chrf: 20,
  samples: [],
  warnings: [],
  improved: true,
  seconds: 1,
  timeShare: 0.25,
  elapsedSeconds: 4,
} as const;
const origin = {
  batch: 3,
  sentences: 2,
  sourceTime: 5,
  targetTime: 6,
  longest: { file: 'train.a', line: 9, sourceTokens: 4, targetTokens: 5 },
  lines: [{ file: 'train.a', lines: [7, 9] }],
} as const;
const skipped = (step: number, total: number) =>
  ({ type: 'skipped', step, inRow: 1, total, epoch: 1, batch: 3, notFinite: 'loss', batches: [origin] }) as const;

function rowsOf(): Record<string, unknown>[] {
  return readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('rows of a run, and the rows that a resume deletes', async () => {
  const log = new MetricsLog(folder);
  await log.rewind(INITIAL_PROGRESS);
  assert.equal(existsSync(join(folder, 'metrics.jsonl')), false, 'nothing is made of nothing');

  await log.append({ type: 'checkpoint', step: 2, best: true });
  for (const event of [updated(2), updated(3, false), updated(4), validated, skipped(4, 1), skipped(4, 2), updated(6)])
    await log.append(event);
  await log.append({
    type: 'stopped',
    reason: 'interrupted',
    step: 6,
    epoch: 1,
    savedStep: 4,
    best: undefined,
    skipped: 2,
    elapsedSeconds: 9,
  });
  const all = rowsOf();
  assert.deepEqual(
    all.map(({ type, step }) => [type, step]),
    [
      ['update', 2],
      ['update', 4],
      ['validation', 4],
      ['skipped', 4],
      ['skipped', 4],
      ['update', 6],
      ['stopped', 6],
    ],
  );
  assert.deepEqual(Object.keys(all[0]!), [
    'type',
    'step',
    'epoch',
    'loss',
    'perplexity',
    'learningRate',
    'gradientNorm',
    'sourceTokensPerSecond',
    'targetTokensPerSecond',
    'paddingTokensPerSecond',
    'elapsedSeconds',
    'residentBytes',
  ]);
  assert.deepEqual(all[2], {
    type: 'validation',
    step: 4,
    epoch: 1,
    loss: 2,
    perplexity: 7,
    accuracy: 0.5,
    bleu: 10,
    bleuSignature: 'nrefs:1',
    chrf: 20,
    improved: true,
    seconds: 1,
    timeShare: 0.25,
    elapsedSeconds: 4,
  });

  assert.deepEqual(all[3], skipped(4, 1), 'with the lines of its batch');

  appendFileSync(join(folder, 'metrics.jsonl'), '{"type":"update","step":1,"lo');
  // The checkpoint of step 4 was saved between the two skipped updates after that step.
  assert.equal(await log.rewind({ ...INITIAL_PROGRESS, step: 4, nonFinite: { total: 1, inRow: 1 } }), 0);
  assert.deepEqual(rowsOf(), all.slice(0, 4));
  const file = join(folder, 'metrics.jsonl');
  writeFileSync(
    file,
    readFileSync(file, 'utf8')
      .replace('"type":"validation"', '"type":"valid\0tion')
      .replace('{"type":"skipped"', '}"type":"skipped"'),
  );
  assert.equal(
    await log.rewind({ ...INITIAL_PROGRESS, step: 4, nonFinite: { total: 1, inRow: 1 } }),
    2,
    'damaged lines',
  );
  assert.deepEqual(rowsOf(), all.slice(0, 2));
  await log.append(updated(6));
  assert.deepEqual(
    rowsOf().map(({ step }) => step),
    [2, 4, 6],
  );
  assert.deepEqual(readdirSync(folder), ['metrics.jsonl']);
});

test('TensorBoard event files contain the scalars of updates and validations', () => {
  const board = new TensorBoardLog(folder);
  for (const event of [updated(2), updated(3, false), validated, skipped(4, 1)]) board.append(event);
  board.close();
  const [file, ...others] = readdirSync(join(folder, 'tensorboard'));
  assert.match(file!, /tfevents/);
  assert.deepEqual(others, []);
  const events = readEvents(readFileSync(join(folder, 'tensorboard', file!)));
  const tags = events.flatMap((record) => /(?:train|dev)\/[a-z_]+/.exec(record.toString('latin1')) ?? []).map(String);
  assert.deepEqual(tags, [
    'train/loss',
    'train/perplexity',
    'train/learning_rate',
    'train/gradient_norm',
    'train/target_tokens_per_second',
    'dev/loss',
    'dev/perplexity',
    'dev/accuracy',
    'dev/bleu',
    'dev/chrf',
  ]);
});

/** Records of a TFRecord file: length (8 bytes, little endian), checksum of it (4), data, checksum of these (4). */
function readEvents(file: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let offset = 0; offset < file.length;) {
    const length = Number(file.readBigUInt64LE(offset));
    records.push(file.subarray(offset + 12, offset + 12 + length));
    offset += 12 + length + 4;
  }
  return records;
}
