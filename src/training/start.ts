import { loadCheckpoint, type Checkpoint } from '../checkpoint/run-directory.js';
import { assertNoOtherConfig, readResolvedConfig } from '../config/save.js';
import type { Config } from '../config/schema.js';
import { configVocabularyState, isTokenizerNamed, tokenizerDirectory } from '../data/vocabulary.js';
import { loadTokenizers } from '../text/load.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { copyVocabulary, type TokenizerRole } from '../text/vocabulary-file.js';
import type { PreparationEvent } from './open.js';
import { assertSameModel } from './resume.js';
import { assertBuildable, buildConfigVocabulary } from './vocabulary.js';

/** What a training starts from. */
export interface TrainingStart {
  readonly tokenizers: TokenizerPair;
  /** Weights to start from; undefined for initial ones. */
  readonly weights?: Pick<Checkpoint, 'weights' | 'directory'>;
  /** The checkpoint that is continued, with the configuration it was trained with. */
  readonly resumed?: { readonly checkpoint: Checkpoint; readonly before: Config };
}

/**
 * A start with initial weights. The tokenizers are those in the run directory, or newly learned ones; those in a folder that
 * `tokenizer.directory` names are used as they are, whatever they were learned from, and copied into the run directory.
 */
export async function newStart(config: Config, onEvent: (event: PreparationEvent) => void): Promise<TrainingStart> {
  const { runDirectory, tokenizer } = config;
  assertNoOtherConfig(runDirectory);
  const directory = tokenizerDirectory(config);
  const named = isTokenizerNamed(config);
  const found = await configVocabularyState(config);
  if (found.state === 'stale' && named) {
    onEvent({ type: 'vocabulary-differs', directory, reason: found.reason });
  } else if (found.state === 'missing' || found.state === 'stale') {
    await assertBuildable(config, found);
    onEvent({ type: 'vocabulary-needed', reason: found.reason });
    onEvent({ type: 'vocabulary-built', report: await buildConfigVocabulary(config, onEvent) });
  }
  if (named) copyVocabulary(directory, runDirectory, rolesOf(tokenizer));
  return { tokenizers: loadTokenizers(runDirectory, tokenizer.shared) };
}

/** A start from the last checkpoint of the run directory. */
export async function resumedStart(config: Config): Promise<TrainingStart> {
  const { runDirectory } = config;
  const checkpoint = await loadCheckpoint(runDirectory, 'last');
  const before = readResolvedConfig(runDirectory);
  const tokenizers = loadTokenizers(runDirectory, before.tokenizer.shared);
  assertSameModel(checkpoint, before, config, tokenizers);
  return { tokenizers, weights: checkpoint, resumed: { checkpoint, before } };
}

/** A start with the best weights of another run of the same model, whose tokenizers are copied into the run directory. */
export async function initializedStart(
  config: Config,
  run: string,
  onEvent: (event: PreparationEvent) => void,
): Promise<TrainingStart> {
  const { runDirectory } = config;
  assertNoOtherConfig(runDirectory);
  const checkpoint = await loadCheckpoint(run, 'best');
  const before = readResolvedConfig(run);
  assertSameModel(checkpoint, before, config, loadTokenizers(run, before.tokenizer.shared));
  copyVocabulary(run, runDirectory, rolesOf(before.tokenizer));
  onEvent({ type: 'initialized', run, step: checkpoint.state.step });
  return { tokenizers: loadTokenizers(runDirectory, before.tokenizer.shared), weights: checkpoint };
}

function rolesOf({ shared }: Config['tokenizer']): readonly TokenizerRole[] {
  return shared ? ['shared'] : ['source', 'target'];
}
