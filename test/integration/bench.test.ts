import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommand } from '../support/command.js';

/** Runs a measurement and parses its report. */
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

test('a training measurement prints one line of JSON', async () => {
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
  // The PyTorch model has 11,616,064 parameters, of which 4 x (256 + 256 + 512) are the second biases of its LSTMs.
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

test('the model of a configuration is measured', async () => {
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
  // The demo shares no weights: two embeddings, bidirectional encoder, bridge, decoder, attention and output.
  assert.ok((report['parameters'] as number) < 300_000, String(report['parameters']));
});

test('several devices are measured in order, even if one fails', async () => {
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
  assert.match(stderr, /^error: cannot use --device gpu:77: /);
  assert.equal((JSON.parse(stdout) as Record<string, unknown>)['device'], 'cpu');
});

test('usage errors are reported before measuring', async () => {
  const cases: [args: string[], message: RegExp][] = [
    [['--model', 'lstm-dep'], /^error: there is no benchmark model lstm-dep\nDid you mean lstm-deep\?/],
    [['--dtype', 'float64'], /^error: Invalid value\. Option --dtype is "float64", but must be one of/],
    [['--steps', '0'], /^error: --steps must be an integer of at least 1, but is 0\./],
    [['--warmup', '-1'], /^error: --warmup must be an integer of at least 0/],
    [['--batch', 'many'], /^error: --batch must be an integer of at least 1, but is NaN\./],
    [['--decode', '--batch', '8'], /^error: --batch cannot be combined with --decode\./],
    [['--beam-size', '2'], /^error: --beam-size requires --decode\.\nAdd --decode\./],
    [['--source', 'dev.tokens'], /^error: --source requires --decode\.\nAdd --decode\./],
    [
      ['--decode', '--source', 'dev.tokens', '--sentences', '3'],
      /^error: --sentences and --source cannot be combined\./,
    ],
    [['--set', 'seed=2'], /^error: --set requires --config\./],
    [['--config', 'configs/demo.yaml', '--model', 'lstm'], /^error: --model and --config cannot be combined\./],
    [
      ['--device', 'tpu'],
      /^error: --device must be auto, cpu, gpu or gpu:N, or a comma-separated list of them, but is "tpu"\./,
    ],
    [['--device', 'cpu,'], /^error: --device must be .* but is "cpu,"\./],
    [['--device', 'cpu,cpu', '--steps', '0'], /^error: --steps must be an integer of at least 1, but is 0\.\n$/],
  ];
  await Promise.all(
    cases.map(async ([args, message]) => {
      const { code, stdout, stderr } = await runCommand(['bench', ...args]);
      assert.match(stderr, message);
      assert.deepEqual([code, stdout], [2, '']);
    }),
  );
});
