import { readIndex } from '../checkpoint/checkpoint-index.js';
import { lockRunDirectory } from '../checkpoint/lock.js';
import { assignWeights } from '../checkpoint/weights.js';
import { Cleanup } from '../cleanup.js';
import { saveResolvedConfig } from '../config/save.js';
import type { Config } from '../config/schema.js';
import { placesOf } from '../data/batch-origin.js';
import { loadTrainingData, type DataEvent } from '../data/load.js';
import { BatchPrefetcher } from '../data/prefetch.js';
import { S2sError } from '../errors.js';
import { buildModel, type Architecture } from '../model/build.js';
import { FIRST_LOSS_SCALE } from '../optim/loss-scale.js';
import { Optimizer } from '../optim/optimizer.js';
import { Random } from '../random.js';
import { policyFor } from '../runtime/tensorflow.js';
import type { VocabularyEvent, VocabularyReport } from '../text/build.js';
import { progressShare } from './limits.js';
import { START } from './progress.js';
import { batchOrder, resumePosition, settingChanges, type SettingChange } from './resume.js';
import { completedEpochs, stepsPerEpoch, type TrainingRun } from './run.js';
import { restoreOptimizer, restoreProgress } from './save.js';
import { initializedStart, newStart, resumedStart, type TrainingStart } from './start.js';
import type { Reduce } from './update.js';

/**
 * From what a training starts: initial weights (`new`), the last checkpoint of its own run directory (`resume`; a new training
 * where there is none), or the best weights of another run, whose tokenizers it takes over.
 */
export type StartFrom = 'new' | 'resume' | { readonly run: string };

/** How a training is opened. */
export interface OpenOptions {
  /** `new` by default. */
  readonly start?: StartFrom;
  readonly onEvent?: (event: PreparationEvent) => void;
  /** Encoders and decoders to choose from; by default those of this project. */
  readonly architecture?: Architecture;
  /** Sums gradients over the workers of a distributed training; undefined for a single worker. */
  readonly reduce?: Reduce;
}

/** What happens before a training starts. */
export type PreparationEvent =
  | DataEvent
  | VocabularyEvent
  | { readonly type: 'vocabulary-needed'; readonly reason: string }
  | { readonly type: 'vocabulary-built'; readonly report: VocabularyReport }
  | { readonly type: 'vocabulary-differs'; readonly directory: string; readonly reason: string }
  | { readonly type: 'tokenizer-notices'; readonly directory: string; readonly notices: readonly string[] }
  | { readonly type: 'nothing-to-resume' }
  | { readonly type: 'initialized'; readonly run: string; readonly step: number }
  | {
      readonly type: 'resumed';
      readonly step: number;
      readonly changes: readonly SettingChange[];
      readonly restartedEpoch: boolean;
    };

/**
 * Opens a training: vocabulary, data, model and optimiser. TensorFlow must have been loaded. The run directory is locked, and
 * memory and threads are held, until `close()`; when this function fails, nothing stays locked or held.
 *
 * @throws S2sError `run-directory-locked` when another training uses the run directory; `run-exists` when it holds a training
 *   that is not resumed; `run-differs` when the checkpoint to start from has another model or vocabulary; `config-foreign`,
 *   `tokenizer-foreign` or `tokenizer-kept` when files are in the way that s2s did not write or that a run may need; and what
 *   reading text, data and checkpoints throws
 */
export async function openTraining(config: Config, options: OpenOptions = {}): Promise<TrainingRun> {
  const cleanup = new Cleanup();
  try {
    return await open(config, options, cleanup);
  } catch (error) {
    // The user needs the reason for the failure, not that of a failed clean-up.
    await cleanup.run().catch(() => undefined);
    throw error;
  }
}

async function open(
  config: Config,
  { start: from = 'new', onEvent = () => undefined, architecture, reduce }: OpenOptions,
  cleanup: Cleanup,
): Promise<TrainingRun> {
  const { runDirectory } = config;
  const lock = await lockRunDirectory(runDirectory);
  cleanup.add(() => lock.release());
  const start = await startOf(config, from, onEvent);
  const { tokenizers } = start;
  // A resumed run writes its settings with its first checkpoint: until then the last checkpoint belongs to the old settings.
  if (start.resumed === undefined) saveResolvedConfig(config, runDirectory);

  const notices = [...new Set([...tokenizers.source.notices, ...tokenizers.target.notices])];
  if (notices.length > 0) onEvent({ type: 'tokenizer-notices', directory: runDirectory, notices });

  const { train, dev } = await loadTrainingData(config, tokenizers, onEvent);
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
  let saved = START;
  if (start.resumed !== undefined) {
    const { checkpoint, before } = start.resumed;
    await restoreOptimizer({ optimizer }, checkpoint);
    const resumed = resumePosition(checkpoint.state.position, checkpoint.state.order, order);
    ({ position } = resumed);
    saved = await restoreProgress(config, checkpoint.state);
    const changes = settingChanges(before, config);
    onEvent({ type: 'resumed', step: checkpoint.state.step, changes, restartedEpoch: resumed.restarted });
  }
  const batches = await BatchPrefetcher.open(train.corpus, batchOptions, { position });
  cleanup.add(() => batches.close());
  const inFloat16 = policy.precision === 'float16';
  const progress = { ...saved, lossScale: inFloat16 ? (saved.lossScale ?? FIRST_LOSS_SCALE) : undefined };
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
      placeOf: placesOf(dev.corpus, config.data.dev),
    },
    trainPairs: train.corpus.size,
    placeOf: placesOf(train.corpus, config.data.train),
    paddingShare: batches.statistics.paddingShare,
    progress,
    startShare: progressShare(config.training, extent, stepsPerEpoch({ batches, config })),
    close: () => cleanup.run(),
  };
}

async function startOf(
  config: Config,
  from: StartFrom,
  onEvent: (event: PreparationEvent) => void,
): Promise<TrainingStart> {
  const { runDirectory } = config;
  const last = (await readIndex(runDirectory)).checkpoints.at(-1);
  if (from === 'resume') {
    if (last !== undefined) return resumedStart(config);
    onEvent({ type: 'nothing-to-resume' });
    return newStart(config, onEvent);
  }
  if (last !== undefined) {
    throw new S2sError('run-exists', `there is a training here already, at step ${last.step}.`, {
      place: { file: runDirectory },
      hint: 'Continue it with --resume, or start another one with --run-dir DIR.',
      exitCode: 2,
    });
  }
  return from === 'new' ? newStart(config, onEvent) : initializedStart(config, from.run, onEvent);
}
