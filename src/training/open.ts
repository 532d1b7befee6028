import type { Choice } from '../auto/choices.js';
import { readIndex } from '../checkpoint/checkpoint-index.js';
import { lockRunDirectory } from '../checkpoint/lock.js';
import { assignWeights } from '../checkpoint/weights.js';
import { Cleanup } from '../cleanup.js';
import { saveResolvedConfig } from '../config/save.js';
import type { LoadedConfig } from '../config/file-schema.js';
import type { Config } from '../config/schema.js';
import { placesOf } from '../data/batch-origin.js';
import { prepareHeldOut } from '../data/held-out.js';
import { loadTrainingData, type DataEvent } from '../data/load.js';
import { BatchPrefetcher } from '../data/prefetch.js';
import { assertTrainingFiles } from '../data/training-files.js';
import { S2sError } from '../errors.js';
import { buildModel, type Architecture } from '../model/build.js';
import { INITIAL_LOSS_SCALE } from '../optim/loss-scale.js';
import { Optimizer } from '../optim/optimizer.js';
import { Random } from '../random.js';
import { loadedRuntime, policyFor } from '../runtime/tensorflow.js';
import type { VocabularyEvent, VocabularyReport } from '../text/build.js';
import type { VocabularyShortage } from '../text/vocabulary-shortage.js';
import { progressShare } from './limits.js';
import { chooseDevScoring, type DevScoring } from './dev-scoring.js';
import { INITIAL_PROGRESS } from './progress.js';
import { batchOrder, resumePosition, settingChanges, type SettingChange } from './resume.js';
import { completedEpochs, stepsPerEpoch, type TrainingRun } from './run.js';
import { restoreOptimizer, restoreProgress } from './save.js';
import { chooseSettings, resumedSettings, withExistingVocabulary, withModelOf } from './settings.js';
import { startFromRun, startFromScratch, startFromLastCheckpoint, type TrainingStart } from './start.js';
import type { Reduce } from './update.js';

/**
 * What to start training from: newly initialised weights (`new`), the last checkpoint in the run directory (`resume`;
 * the same as `new` without checkpoints), or the best checkpoint of another run, whose tokenizers are copied.
 */
export type StartFrom = 'new' | 'resume' | { readonly run: string };

export interface OpenOptions {
  /** Default: `new`. */
  readonly start?: StartFrom;
  readonly onEvent?: (event: PreparationEvent) => void;
  /** Builds encoder and decoder. Default: those of this project. */
  readonly architecture?: Architecture;
  /** All-reduce over the workers of distributed training; undefined for a single worker. */
  readonly reduce?: Reduce;
}

/** Emitted by `openTraining` while it prepares a training run. */
export type PreparationEvent =
  | DataEvent
  | VocabularyEvent
  | { readonly type: 'vocabulary-needed'; readonly reason: string }
  | { readonly type: 'vocabulary-built'; readonly report: VocabularyReport }
  | { readonly type: 'vocabulary-short'; readonly shortage: VocabularyShortage }
  | { readonly type: 'vocabulary-differs'; readonly directory: string; readonly reason: string }
  | { readonly type: 'tokenizer-notices'; readonly directory: string; readonly notices: readonly string[] }
  | ({ readonly type: 'dev-scoring' } & Pick<DevScoring, 'metric' | 'bleuTokenizer' | 'notes' | 'warnings'>)
  | { readonly type: 'settings-chosen'; readonly choices: readonly Choice[]; readonly counted: boolean }
  | { readonly type: 'nothing-to-resume' }
  | { readonly type: 'initialized'; readonly run: string; readonly step: number }
  | {
      readonly type: 'resumed';
      readonly step: number;
      readonly changes: readonly SettingChange[];
      readonly restartedEpoch: boolean;
    };

/**
 * Prepares a training run: chooses the settings that are `auto`, learns or loads the vocabulary, encodes the data, and
 * builds the model and the optimiser. A resumed run keeps the settings that were chosen at its start.
 * Call `loadTensorFlow` first. Call `close()` on the result to unlock the run directory, free the memory of model and
 * optimiser and stop the data loader thread. If this function throws, it has released everything.
 *
 * @throws S2sError `run-directory-locked` if another process trains in the run directory; `run-exists` if it contains a
 *   training run and `start` is not `resume`; `run-differs` if the checkpoint to start from has another model or
 *   vocabulary; `config-foreign`, `tokenizer-foreign` or `tokenizer-kept` if files would be overwritten that s2s did
 *   not write or that another run may need; and the errors of reading text, data and checkpoints
 */
export async function openTraining(config: LoadedConfig, options: OpenOptions = {}): Promise<TrainingRun> {
  const cleanup = new Cleanup();
  try {
    return await open(config, options, cleanup);
  } catch (error) {
    // The first error is the cause; an error of the clean-up would hide it.
    await cleanup.run().catch(() => undefined);
    throw error;
  }
}

async function open(
  given: LoadedConfig,
  { start: startFrom = 'new', onEvent = () => undefined, architecture, reduce }: OpenOptions,
  cleanup: Cleanup,
): Promise<TrainingRun> {
  const { runDirectory } = given;
  await assertTrainingFiles(given);
  const lock = await lockRunDirectory(runDirectory);
  cleanup.add(() => lock.release());
  const { config, start } = await chooseStart(given, startFrom, onEvent);
  const { tokenizers } = start;
  // A resumed run saves its configuration with its first checkpoint: the existing one belongs to the old configuration.
  if (start.resumed === undefined) saveResolvedConfig(config, runDirectory);

  const notices = [...new Set([...tokenizers.source.notices, ...tokenizers.target.notices])];
  if (notices.length > 0) onEvent({ type: 'tokenizer-notices', directory: runDirectory, notices });

  const { train, dev } = await loadTrainingData(config, tokenizers, onEvent);
  const scoring = chooseDevScoring(dev.targets, tokenizers.target, config.training);
  const { metric, bleuTokenizer, notes, warnings } = scoring;
  onEvent({ type: 'dev-scoring', metric, bleuTokenizer, notes, warnings });
  const vocabulary = { source: tokenizers.source.vocabularySize, target: tokenizers.target.vocabularySize };
  const policy = policyFor(config.precision);
  const model = buildModel(config.model, vocabulary, {
    random: new Random(config.seed).derive('weights'),
    policy,
    architecture,
  });
  cleanup.add(() => model.dispose());
  const optimizer = new Optimizer(
    config.training.optimizer,
    model.parameters.names.map((name) => ({ name, weights: model.parameters.storedTensor(name) })),
  );
  cleanup.add(() => optimizer.dispose());
  if (start.weights !== undefined) assignWeights(model, start.weights.weights, start.weights.directory);

  const { size, unit } = config.training.batch;
  const batchOptions = { seed: config.seed, size, unit, ranges: train.ranges };
  const order = batchOrder(train.corpus, batchOptions);
  let position = { epoch: 0, batch: 0 };
  let saved = INITIAL_PROGRESS;
  if (start.resumed !== undefined) {
    const { checkpoint, before } = start.resumed;
    await restoreOptimizer({ optimizer }, checkpoint);
    const resumed = resumePosition(checkpoint.state.position, checkpoint.state.order, order);
    ({ position } = resumed);
    saved = await restoreProgress(config, checkpoint.state, metric);
    const changes = settingChanges(before, config);
    onEvent({ type: 'resumed', step: checkpoint.state.step, changes, restartedEpoch: resumed.restarted });
  }
  const batches = await BatchPrefetcher.open(train.corpus, batchOptions, { position });
  cleanup.add(() => batches.close());
  const inFloat16 = policy.precision === 'float16';
  const progress = { ...saved, lossScale: inFloat16 ? (saved.lossScale ?? INITIAL_LOSS_SCALE) : undefined };
  const { step, elapsedSeconds, waited } = progress;
  const extent = { step, epochs: completedEpochs({ batches }), elapsedSeconds, waited };
  return {
    config,
    runDirectory,
    tokenizers,
    model,
    optimizer,
    batches,
    order,
    reduce,
    dev: {
      corpus: dev.corpus,
      sources: dev.sources,
      references: dev.targets,
      scoring,
      placeOf: placesOf(dev.corpus, dev.corpora),
    },
    trainPairs: train.corpus.size,
    placeOf: placesOf(train.corpus, config.data.train),
    paddingShare: batches.statistics.paddingShare,
    progress,
    startShare: progressShare(config.training, extent, stepsPerEpoch({ batches, config })),
    close: () => cleanup.run(),
  };
}

/** The settings of the run, and the tokenizers and weights that it starts from. */
async function chooseStart(
  given: LoadedConfig,
  startFrom: StartFrom,
  onEvent: (event: PreparationEvent) => void,
): Promise<{ config: Config; start: TrainingStart }> {
  const { runDirectory } = given;
  const last = (await readIndex(runDirectory)).checkpoints.at(-1);
  if (last !== undefined && startFrom === 'resume') {
    const config = resumedSettings(given);
    return { config, start: await startFromLastCheckpoint(config) };
  }
  if (last !== undefined) {
    throw new S2sError('run-exists', `this directory already contains a training run, at step ${last.step}`, {
      place: { file: runDirectory },
      hint: 'Continue it with --resume, or choose another directory with --run-dir DIR.',
      exitCode: 2,
    });
  }
  // A resumed training has the pairs that its run was started with.
  await prepareHeldOut(given);
  if (startFrom === 'resume') onEvent({ type: 'nothing-to-resume' });
  const isNew = startFrom === 'new' || startFrom === 'resume';
  const partial = isNew ? withExistingVocabulary(given) : withModelOf(given, startFrom.run);
  const { config, choices, counted } = await chooseSettings(partial, loadedRuntime()?.kind ?? 'cpu', {
    fineTuning: !isNew,
  });
  if (choices.length > 0) onEvent({ type: 'settings-chosen', choices, counted });
  const start = isNew ? startFromScratch(config, onEvent) : startFromRun(config, startFrom.run, onEvent);
  return { config, start: await start };
}
