import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { saveCheckpoint } from '../../src/checkpoint/run-directory.js';
import { CHECKPOINT_VERSION } from '../../src/checkpoint/state.js';
import { saveResolvedConfig } from '../../src/config/save.js';
import type { ConfigInput } from '../../src/config/file-schema.js';
import { configSchema } from '../../src/config/schema.js';
import { buildModel } from '../../src/model/build.js';
import { Random } from '../../src/random.js';
import { policyFor } from '../../src/runtime/tensorflow.js';
import { learnTokenizer, TextCounter } from '../../src/text/learn.js';
import { loadTokenizers } from '../../src/text/load.js';

/**
 * Creates a run directory with a small randomly initialised model and characters as tokens.
 *
 * @param options.change returns the weights of a parameter, given its initial ones
 */
export async function makeTinyRun(
  runDirectory: string,
  model: ConfigInput['model'] = {},
  seed = 1,
  {
    change = (_, initial) => initial,
    decoding = {},
  }: {
    readonly change?: (name: string, initial: Float32Array) => Float32Array;
    readonly decoding?: ConfigInput['decoding'];
  } = {},
): Promise<void> {
  const config = configSchema.parse({
    runDirectory,
    precision: 'float32',
    data: {
      train: [{ source: '/nowhere/train.a', target: '/nowhere/train.b' }],
      dev: [{ source: '/nowhere/dev.a', target: '/nowhere/dev.b' }],
    },
    tokenizer: { type: 'char', size: 40 },
    model: { embeddingSize: 8, encoder: { hiddenSize: 8 }, decoder: { hiddenSize: 8 }, initialization: 1, ...model },
    decoding: { beamSize: 3, maxLengthRatio: 1, maxLengthMargin: 2, ...decoding },
  });
  await mkdir(runDirectory, { recursive: true });
  saveResolvedConfig(config, runDirectory);
  const text = new TextCounter();
  text.add('the quick brown fox jumps over the lazy dog');
  await writeFile(join(runDirectory, 'tokenizer.json'), learnTokenizer(text, config.tokenizer).json);
  const { source, target } = loadTokenizers(runDirectory, true);
  const built = buildModel(
    config.model,
    { source: source.vocabularySize, target: target.vocabularySize },
    { random: new Random(seed), policy: policyFor() },
  );
  const values = await built.parameters.values();
  built.dispose();
  await saveCheckpoint(
    runDirectory,
    {
      weights: new Map(
        [...values].map(([name, { shape, data }]) => [
          name,
          { dtype: 'F32' as const, shape, data: change(name, data) },
        ]),
      ),
      optimizer: new Map(),
      state: {
        version: CHECKPOINT_VERSION,
        step: 10,
        epoch: 0,
        position: { epoch: 0, batch: 10 },
        seed: 1,
        best: null,
        patience: 0,
        plateau: { waited: 0, decays: 0 },
        nonFinite: { total: 0, inRow: 0 },
        elapsedSeconds: 1,
        tokenizers: {
          source: { fingerprint: source.fingerprint, vocabularySize: source.vocabularySize },
          target: { fingerprint: target.fingerprint, vocabularySize: target.vocabularySize },
        },
        model: config.model,
      },
      scores: { bleu: 1 },
    },
    { selection: { metric: 'bleu', better: 'higher' }, keepLast: 1, keepBest: 1 },
  );
}
