import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommand } from '../support/command.js';

/** The one line that a measurement prints. */
async function measure(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await runCommand([
    'bench',
    '--device',
    'cpu',
    '--steps',
    '1',
    '--warmup',
    '0',
    ...args,
  ]);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^\{.*\}\n$/);
  return JSON.parse(stdout) as Record<string, unknown>;
}

test('a training measurement prints one line of JSON with what the peers print, and more', async () => {
  const report = await measure('--batch', '2');
  const keys = [
    'system',
    'model',
    'dtype',
    'device',
    'parameters',
    'seconds_per_step',
    'target_tokens_per_second',
    'gigaflops_per_second',
    'matmul_gigaflops_per_second',
    'share_of_matmul_rate',
    'peak_resident_megabytes',
  ];
  assert.deepEqual(Object.keys(report), keys);
  assert.deepEqual([report['model'], report['dtype'], report['device']], ['lstm', 'float32', 'cpu']);
  // The peer's model of 11,616,064 weights less the second bias of its three LSTMs, 4 x (256 + 256 + 512).
  assert.equal(report['parameters'], 11_616_064 - 4096);
  for (const key of keys.slice(5)) assert.ok((report[key] as number) > 0, key);
});

test('a decoding measurement prints one line of JSON', async () => {
  const report = await measure('--decode', '--model', 'lstm-deep', '--sentences', '3', '--beam-size', '2');
  assert.deepEqual(Object.keys(report), [
    'system',
    'model',
    'dtype',
    'device',
    'parameters',
    'beam_size',
    'sentences',
    'sentences_per_second',
    'target_tokens_per_second',
    'peak_resident_megabytes',
  ]);
  assert.deepEqual([report['model'], report['beam_size'], report['sentences']], ['lstm-deep', 2, 3]);
});

test('a configuration is measured as it stands', async () => {
  const report = await measure(
    '--config',
    'configs/demo.yaml',
    '--set',
    'model.embeddingSize=32',
    '--set',
    'model.encoder.hiddenSize=16',
    '--set',
    'model.decoder.hiddenSize=24',
    '--set',
    'precision=bfloat16',
    '--batch',
    '2',
  );
  assert.deepEqual([report['model'], report['dtype']], ['demo.yaml', 'bfloat16']);
  // The demo shares no weights: two embeddings, two directions, bridge, decoder, attention and output of these sizes.
  assert.ok((report['parameters'] as number) < 300_000, String(report['parameters']));
});

test('several devices are measured one after the other, and one that fails keeps none of the others', async () => {
  const { code, stdout, stderr } = await runCommand([
    'bench',
    '--batch',
    '1',
    '--steps',
    '1',
    '--warmup',
    '0',
    '--device',
    'gpu:77,cpu',
  ]);
  assert.equal(code, 1);
  assert.match(stderr, /^error: --device gpu:77 was asked for/);
  assert.equal((JSON.parse(stdout) as Record<string, unknown>)['device'], 'cpu');
});

test('mistakes are told before anything is measured', async () => {
  const mistakes: [args: string[], said: RegExp][] = [
    [['--model', 'lstm-dep'], /^error: There is no model lstm-dep to measure\.\nDid you mean lstm-deep\?/],
    [['--model', 'transformer'], /^error: There is no Transformer in s2s yet/],
    [['--dtype', 'float64'], /^error: Invalid values: .*dtype/],
    [['--steps', '0'], /^error: --steps must be a whole number of at least 1, but is 0\./],
    [['--warmup', '-1'], /^error: --warmup must be a whole number of at least 0/],
    [['--batch', 'many'], /^error: --batch must be a whole number of at least 1, but is NaN\./],
    [['--decode', '--batch', '8'], /^error: --batch is for training steps, not for --decode\./],
    [['--beam-size', '2'], /^error: --beam-size is for translating, not for training steps\.\nAdd --decode\./],
    [['--source', 'dev.tokens'], /^error: --source is for translating, not for training steps\.\nAdd --decode\./],
    [
      ['--decode', '--source', 'dev.tokens', '--sentences', '3'],
      /^error: --sentences and --source both say what to translate\./,
    ],
    [['--set', 'seed=2'], /^error: --set changes a configuration, and none was given\./],
    [['--config', 'configs/demo.yaml', '--model', 'lstm'], /^error: --model and --config both say what to measure\./],
    [
      ['--device', 'tpu'],
      /^error: --device must be auto, cpu, gpu or gpu:N, or several of them with commas between, but is "tpu"\./,
    ],
    [['--device', 'cpu,'], /^error: --device must be .* but is "cpu,"\./],
    [['--device', 'cpu,cpu', '--steps', '0'], /^error: --steps must be a whole number of at least 1, but is 0\.\n$/],
  ];
  await Promise.all(
    mistakes.map(async ([args, said]) => {
      const { code, stdout, stderr } = await runCommand(['bench', ...args]);
      assert.match(stderr, said);
      assert.deepEqual([code, stdout], [2, '']);
    }),
  );
});
