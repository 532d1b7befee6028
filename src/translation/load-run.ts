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

/** A trained model with all that it takes to use it. */
export interface LoadedRun {
  readonly runDirectory: string;
  /** The configuration that it was trained with. */
  readonly config: Config;
  readonly model: TrainableModel;
  readonly tokenizers: TokenizerPair;
  readonly checkpoint: Checkpoint;
  /** Disposes the model; further calls do nothing. */
  readonly close: () => void;
}

/** How a trained model is loaded. */
export interface LoadRunOptions {
  /** Precision of its matrix products; by default float32 where it was trained in float32, else `auto`. */
  readonly precision?: 'auto' | Precision | undefined;
  /** Encoders and decoders to choose from; by default those of this project. */
  readonly architecture?: Architecture | undefined;
}

/**
 * Loads a trained model: a checkpoint of a run, the tokenizers it was trained with, and its configuration.
 * TensorFlow must have been loaded. The model holds memory until `close()`.
 *
 * @throws S2sError when something is missing, damaged, or does not belong together
 */
export async function loadRun(
  runDirectory: string,
  which: WhichCheckpoint = 'best',
  options: LoadRunOptions = {},
): Promise<LoadedRun> {
  if (!existsSync(runDirectory)) {
    throw new S2sError('no-checkpoint', 'there is no such run directory', {
      place: { file: runDirectory },
      hint: 'Name the folder of a trained model, or train one first: s2s train.',
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

/** The tokenizers beside the checkpoints, or in the folder that the configuration names for them. */
function loadTokenizersOf(runDirectory: string, { tokenizer }: Config, state: CheckpointState): TokenizerPair {
  const beside = [TOKENIZER_FILES.shared, TOKENIZER_FILES.source].some((file) => existsSync(join(runDirectory, file)));
  const folder = beside ? runDirectory : (tokenizer.directory ?? runDirectory);
  // Before they are parsed: a damaged file would otherwise be reported as one to be learned again.
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
    hint: 'It was replaced or damaged. Put the file of that training back, or train again.',
  });
}

/** Precision for a trained model: as in training, as far as this machine supports it. */
function inferencePrecision({ precision }: Pick<Config, 'precision'>): 'auto' | 'float32' {
  return precision === 'float32' ? 'float32' : 'auto';
}
