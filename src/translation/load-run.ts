import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WhichCheckpoint } from '../checkpoint/checkpoint-index.js';
import { loadCheckpoint, type Checkpoint } from '../checkpoint/run-directory.js';
import type { CheckpointState } from '../checkpoint/state.js';
import { assignWeights } from '../checkpoint/weights.js';
import { readResolvedConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { S2sError } from '../errors.js';
import { buildModel, type Architecture } from '../model/build.js';
import type { TrainableModel } from '../model/model.js';
import type { Precision } from '../runtime/policy.js';
import { policyFor } from '../runtime/tensorflow.js';
import { loadTokenizers, TOKENIZER_FILES } from '../text/load.js';
import type { TokenizerPair } from '../text/tokenizer.js';

/** A trained model with its tokenizers and configuration. */
export interface LoadedRun {
  readonly runDirectory: string;
  /** The configuration that the model was trained with. */
  readonly config: Config;
  readonly model: TrainableModel;
  readonly tokenizers: TokenizerPair;
  readonly checkpoint: Checkpoint;
  /** Disposes the model. Further calls have no effect. */
  readonly close: () => void;
}

export interface LoadRunOptions {
  /** Dtype of matrix products. Default: float32 if the model was trained in float32, else `auto`. */
  readonly precision?: 'auto' | Precision | undefined;
  /** Builds encoder and decoder. Default: those of this project. */
  readonly architecture?: Architecture | undefined;
}

/**
 * Loads a trained model from a run directory: a checkpoint, its tokenizers and its configuration. Call `loadTensorFlow`
 * first, and `close()` to free the memory of the model.
 *
 * @throws S2sError if a file is missing or damaged, or if the files do not match each other
 */
export async function loadRun(
  runDirectory: string,
  which: WhichCheckpoint = 'best',
  options: LoadRunOptions = {},
): Promise<LoadedRun> {
  if (!existsSync(runDirectory)) {
    throw new S2sError('no-checkpoint', 'this run directory does not exist', {
      place: { file: runDirectory },
      hint: 'Pass the run directory of a trained model, or train one first: s2s train.',
    });
  }
  const checkpoint = await loadCheckpoint(runDirectory, which);
  const config = readResolvedConfig(runDirectory);
  const { state, weights, directory } = checkpoint;
  const tokenizers = loadTokenizersOf(runDirectory, config, state);
  const vocabulary = { source: tokenizers.source.vocabularySize, target: tokenizers.target.vocabularySize };
  const policy = policyFor(options.precision ?? inferencePrecision(config));
  const model = buildModel(state.model, vocabulary, { random: undefined, policy, architecture: options.architecture });
  try {
    assignWeights(model, weights, directory);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return { runDirectory, config, model, tokenizers, checkpoint, close: () => model.dispose() };
}

/** Loads the tokenizers from the run directory, or from `tokenizer.directory` if there are none. */
function loadTokenizersOf(runDirectory: string, { tokenizer }: Config, state: CheckpointState): TokenizerPair {
  const files = [TOKENIZER_FILES.shared, TOKENIZER_FILES.source];
  const hasCopy = files.some((file) => existsSync(join(runDirectory, file)));
  const folder = hasCopy ? runDirectory : (tokenizer.directory ?? runDirectory);
  // Checked before parsing, whose hint for a damaged file is to learn the tokenizer again.
  for (const side of ['source', 'target'] as const) {
    assertSameTokenizer(join(folder, TOKENIZER_FILES[tokenizer.shared ? 'shared' : side]), side, state);
  }
  return loadTokenizers(folder, tokenizer.shared);
}

function assertSameTokenizer(file: string, side: 'source' | 'target', { step, tokenizers }: CheckpointState): void {
  // `loadTokenizers` reports a missing file.
  if (!existsSync(file)) return;
  const fingerprint = createHash('sha256').update(readFileSync(file, 'utf8')).digest('hex');
  if (fingerprint === tokenizers[side].fingerprint) return;
  const problem = `the ${side} tokenizer is not the one that the checkpoint of step ${step} was trained with`;
  throw new S2sError('tokenizer-changed', problem, {
    place: { file },
    hint: 'It was replaced or damaged. Restore the file that the model was trained with, or train again.',
  });
}

/** The precision of training, if this machine supports it. */
function inferencePrecision({ precision }: Pick<Config, 'precision'>): 'auto' | 'float32' {
  return precision === 'float32' ? 'float32' : 'auto';
}
