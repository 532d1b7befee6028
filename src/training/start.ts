import { loadCheckpoint, type Checkpoint } from '../checkpoint/run-directory.js';
import { assertNoOtherConfig, readResolvedConfig } from '../config/save.js';
import type { Config } from '../config/schema.js';
import { configVocabularyState, hasTokenizerDirectory, tokenizerDirectory } from '../data/vocabulary.js';
import { loadTokenizers } from '../text/load.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { copyVocabulary, type TokenizerRole } from '../text/vocabulary-file.js';
import { recordedShortages } from '../text/vocabulary-shortage.js';
import type { PreparationEvent } from './open.js';
import { assertSameModel } from './resume.js';
import { assertCanBuildVocabulary, buildConfigVocabulary } from './vocabulary.js';

/** The tokenizers and weights that training starts from. */
export interface TrainingStart {
  readonly tokenizers: TokenizerPair;
  /** Pretrained weights; undefined for newly initialised ones. */
  readonly weights?: Pick<Checkpoint, 'weights' | 'directory'>;
  /** The checkpoint to resume, with the configuration it was trained with. */
  readonly resumed?: { readonly checkpoint: Checkpoint; readonly before: Config };
}

/**
 * Starts with newly initialised weights. Uses the tokenizers in the run directory, or learns new ones. Tokenizers in
 * `tokenizer.directory` are used unchanged, whatever corpora they were learned from, and copied to the run directory.
 */
export async function startFromScratch(
  config: Config,
  onEvent: (event: PreparationEvent) => void,
): Promise<TrainingStart> {
  const { runDirectory, tokenizer } = config;
  assertNoOtherConfig(runDirectory);
  const directory = tokenizerDirectory(config);
  const named = hasTokenizerDirectory(config);
  const found = await configVocabularyState(config);
  if (found.state === 'stale' && named) {
    onEvent({ type: 'vocabulary-differs', directory, reason: found.reason });
  } else if (found.state === 'missing' || found.state === 'stale') {
    await assertCanBuildVocabulary(config, found);
    onEvent({ type: 'vocabulary-needed', reason: found.reason });
    onEvent({ type: 'vocabulary-built', report: await buildConfigVocabulary(config, onEvent) });
  }
  for (const shortage of recordedShortages(directory)) onEvent({ type: 'vocabulary-short', shortage });
  if (named) copyVocabulary(directory, runDirectory, rolesOf(tokenizer));
  return { tokenizers: loadTokenizers(runDirectory, tokenizer.shared) };
}

export async function startFromLastCheckpoint(config: Config): Promise<TrainingStart> {
  const { runDirectory } = config;
  const checkpoint = await loadCheckpoint(runDirectory, 'last');
  const before = readResolvedConfig(runDirectory);
  const tokenizers = loadTokenizers(runDirectory, before.tokenizer.shared);
  assertSameModel(checkpoint, before, config, tokenizers);
  return { tokenizers, weights: checkpoint, resumed: { checkpoint, before } };
}

/** Starts with the best weights of another run of the same model, and copies its tokenizers to the run directory. */
export async function startFromRun(
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
