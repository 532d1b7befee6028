import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sameLines } from '../../bench/table.mjs';
import { Random } from '../../src/random.js';
import { loadTensorFlow } from '../../src/runtime/tensorflow.js';
import { EOS } from '../../src/vocab/special.js';
import { runCommand } from '../support/command.js';
import { findPython } from '../support/python.js';
import { makeTinyRun } from '../support/tiny-run.js';

const folder = mkdtempSync(join(tmpdir(), 's2s-ctranslate2-'));
after(() => rmSync(folder, { recursive: true }));

const found = findPython('CTranslate2');
const skip = 'missing' in found ? found.missing : false;
const python = 'missing' in found ? '' : found.python;

const LAYERS = { type: 'transformer', hiddenSize: 32, heads: 4, feedForwardSize: 48 } as const;

/** Post-norm with one table for source, target and output, and pre-norm with three tables. */
const MODELS = {
  'post-norm': {
    embeddingSize: 32,
    shareEmbeddings: true,
    tieTargetEmbeddings: true,
    encoder: { ...LAYERS, layers: 2, normPosition: 'post', activation: 'swish' },
    decoder: { ...LAYERS, layers: 1, normPosition: 'post', activation: 'swish' },
  },
  'pre-norm': {
    embeddingSize: 32,
    shareEmbeddings: false,
    tieTargetEmbeddings: false,
    encoder: { ...LAYERS, layers: 1, normPosition: 'pre', activation: 'relu' },
    decoder: { ...LAYERS, layers: 2, normPosition: 'pre', activation: 'relu' },
  },
} as const;

/** Output bias of `</s>` with which translations of the random weights end after some tokens. */
const END_BIAS = { 'post-norm': 2, 'pre-norm': -2 } as const;

/** Weights without equal values, with which translations end and have no special tokens, as those of trained models. */
function trainedWeights(endBias: number): (name: string, initial: Float32Array) => Float32Array {
  return (name, initial) => {
    const random = new Random(1).derive(name);
    const weights = initial.map((weight) => weight + 0.2 * random.normal());
    if (name === 'output.bias') weights.fill(-30, 0, EOS).fill(endBias, EOS, EOS + 1);
    return weights;
  };
}

interface Measured {
  readonly mean_log_probability: number;
  readonly sentences: number;
  readonly parameters: number;
  readonly sentences_per_second: number;
}

describe('CTranslate2 translates with the weights of s2s', { skip }, () => {
  const source = join(folder, 'source');

  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
    const characters = [...'thequickbrownfox'];
    const random = new Random(2);
    const lines = Array.from({ length: 20 }, () => {
      const tokens = Array.from({ length: 12 }, () => characters[random.integer(characters.length)]!);
      // A token that is not in the vocabulary is <unk> in both programs.
      return ['▁', ...tokens, 'é'].join(' ');
    });
    writeFileSync(source, `${lines.join('\n')}\n\n`);
  });

  for (const [name, model] of Object.entries(MODELS)) {
    test(`${name}: equal hypotheses and log-probabilities, greedy and with a beam`, async () => {
      const run = join(folder, name);
      // A random model may repeat itself to the limit. CTranslate2 ranks that with translations that end in </s>, s2s
      // does not; with these settings it never wins.
      const decoding = { lengthPenalty: 0.2, maxLengthMargin: 100 };
      await makeTinyRun(run, model, 1, { change: trainedWeights(END_BIAS[name as keyof typeof MODELS]), decoding });
      for (const beam of ['1', '4']) {
        const options = ['--decode', '--model', run, '--source', source, '--beam-size', beam, '--steps', '1'];
        const [our, their] = ['ours', 'theirs'].map((file) => join(folder, file)) as [string, string];
        const s2s = await runCommand(['bench', ...options, '--warmup', '0', '--output', our, '--device', 'cpu']);
        assert.deepEqual([s2s.code, s2s.stderr], [0, '']);
        const script = ['bench/peer_ctranslate2.py', ...options, '--warmup', '0', '--output', their];
        const peer = spawnSync(python, script, { encoding: 'utf8' });
        assert.equal(peer.status, 0, peer.stderr);
        const [ours, theirs] = [s2s.stdout, peer.stdout].map((text) => JSON.parse(text) as Measured) as [
          Measured,
          Measured,
        ];
        assert.deepEqual([ours.sentences, theirs.sentences], [20, 20]);
        assert.equal(theirs.parameters, ours.parameters);
        const [translations, others] = [our, their].map((file) => readFileSync(file, 'utf8')) as [string, string];
        assert.equal(sameLines(translations, others), 1, `beam ${beam}:\n${translations}\n${others}`);
        // Not always the same, which a model with damaged weights could give too.
        assert.ok(new Set(translations.split('\n')).size > 3, translations);
        const difference = Math.abs(ours.mean_log_probability / theirs.mean_log_probability - 1);
        assert.ok(difference < 2e-6, `beam ${beam}: ${ours.mean_log_probability}, ${theirs.mean_log_probability}`);
      }
    });
  }

  test('what cannot be converted is refused with the setting', async () => {
    const run = join(folder, 'gelu');
    const { encoder, decoder } = MODELS['post-norm'];
    await makeTinyRun(run, { ...MODELS['post-norm'], encoder: { ...encoder, activation: 'gelu' }, decoder });
    const options = ['--decode', '--model', run, '--source', source];
    const { status, stderr } = spawnSync(python, ['bench/peer_ctranslate2.py', ...options], { encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^error: CTranslate2 cannot run this model: model\.encoder\.activation must be relu or swish, but is gelu$/m,
    );
  });
});

test('without a run directory or a text, bench names what is missing', async () => {
  const cases: [args: string[], message: RegExp][] = [
    [['--decode', '--model', 'lstm', '--output', 'x'], /^error: --output requires a trained model\./],
    [['--decode', '--model', 'no/such/run'], /^error: there is no benchmark model no\/such\/run\n.*run directories/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await runCommand(['bench', ...args]);
    assert.match(stderr, message);
    assert.equal(code, 2);
  }
});
