import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadCheckpoint, loadOptimizer, saveCheckpoint } from '../../../src/checkpoint/run-directory.js';
import { formatPlace, S2sError } from '../../../src/errors.js';
import { Random } from '../../../src/random.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { loadRun } from '../../../src/translation/load-run.js';
import { translateLines } from '../../../src/decoding/translate-lines.js';
import { makeTinyRun } from '../../support/tiny-run.js';

const MUTATIONS_PER_FILE = 50;

let folder: string;
let run: string;
before(async () => {
  await loadTensorFlow({ device: 'cpu' });
  folder = mkdtempSync(join(tmpdir(), 's2s-damaged-'));
  run = join(folder, 'run');
  await makeTinyRun(run);
  const best = await loadCheckpoint(run);
  // A second checkpoint with permuted weights and with moments, to detect a wrong choice.
  const weights = new Map(
    [...best.weights].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.toReversed() }]),
  );
  const retention = { selection: { metric: 'bleu', better: 'higher' }, keepLast: 2, keepBest: 1 } as const;
  await saveCheckpoint(
    run,
    { weights, optimizer: weights, state: { ...best.state, step: 12 }, scores: { bleu: 0.5 } },
    retention,
  );
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Everything that a run produces, as text: translations by the best checkpoint, and the state that a resume loads. */
async function use(): Promise<string> {
  const { model, tokenizers, config, checkpoint } = await loadRun(run);
  try {
    const lines = await translateLines(['the quick dog', 'a fox jumps', 'lazy'], {
      model,
      tokenizers,
      options: config.decoding,
    });
    const last = await loadCheckpoint(run, 'last');
    const moments = [...(await loadOptimizer(last))].map(([name, { data }]) => [
      name,
      createHash('sha256').update(data).digest('hex'),
    ]);
    return JSON.stringify([lines, checkpoint.state, last.state, moments, config]);
  } finally {
    model.dispose();
  }
}

/** Damaged copies of a file, each with a description. */
function mutate(bytes: Buffer, random: Random): { damaged: Buffer; how: string } {
  const at = random.integer(bytes.length);
  const length = Math.min(1 + random.integer(64), bytes.length - at);
  const [head, range, tail] = [bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at + length)];
  const noise = Buffer.from(Array.from({ length }, () => random.integer(256)));
  const mutations: Record<string, () => Buffer> = {
    'flipped bit': () =>
      Buffer.concat([head, Buffer.from([bytes[at]! ^ (1 << random.integer(8))]), bytes.subarray(at + 1)]),
    'changed digit': () => {
      const digits = [...bytes.keys()].filter((i) => bytes[i]! >= 48 && bytes[i]! <= 57);
      const copy = Buffer.from(bytes);
      copy[digits[random.integer(digits.length)]!] = 48 + random.integer(10);
      return copy;
    },
    truncated: () => head,
    removed: () => Buffer.concat([head, tail]),
    zeros: () => Buffer.concat([head, Buffer.alloc(length), tail]),
    noise: () => Buffer.concat([head, noise, tail]),
    inserted: () => Buffer.concat([head, noise, range, tail]),
    doubled: () => Buffer.concat([head, range, range, tail]),
    'swapped blocks': () => {
      const size = 4 * (1 + random.integer(Math.max(1, Math.min(16, Math.floor(bytes.length / 8)))));
      const [a, b] = [random.integer(bytes.length - size), random.integer(bytes.length - size)];
      const copy = Buffer.from(bytes);
      bytes.copy(copy, a, b, b + size);
      bytes.copy(copy, b, a, a + size);
      return copy;
    },
  };
  const names = Object.keys(mutations);
  const how = names[random.integer(names.length)]!;
  return { damaged: mutations[how]!(), how: `${how} at ${at}` };
}

test('a damaged file is reported, or does not change any translation', async () => {
  const expected = await use();
  const random = new Random(2024);
  const step = (number: number, file: string): string => join('checkpoints', `step-000000${number}`, file);
  const checkpointFiles = ['model.safetensors', 'optimizer.safetensors', 'state.json'];
  const files = [
    'config.yaml',
    'tokenizer.json',
    join('checkpoints', 'index.json'),
    ...checkpointFiles.flatMap((file) => [step(10, file), step(12, file)]),
  ];
  const count = { same: 0, refused: 0 };
  for (const name of files) {
    const file = join(run, name);
    const intact = readFileSync(file);
    for (let i = 0; i < MUTATIONS_PER_FILE; i++) {
      const { damaged, how } = mutate(intact, random);
      if (damaged.equals(intact)) continue;
      writeFileSync(file, damaged);
      const result = await use().catch((error: unknown) => error);
      if (result instanceof S2sError) {
        const text = `${formatPlace(result.place)}: ${result.message}`;
        assert.ok(text.includes(basename(file)), `${name}, ${how}: the file is not named: ${text}`);
        assert.ok(text.length < 2000 && !/\n +at /.test(text), `${name}, ${how}: ${text}`);
        count.refused++;
      } else {
        // assert.equal would print both texts.
        assert.ok(result === expected, `${name}, ${how}: used without an error, with another result`);
        count.same++;
      }
    }
    writeFileSync(file, intact);
  }
  assert.ok((await use()) === expected);
  assert.ok(count.refused + count.same >= 400 && count.refused > count.same, JSON.stringify(count));
  assert.deepEqual(readdirSync(join(run, 'checkpoints')).sort(), ['index.json', 'step-00000010', 'step-00000012']);
});
