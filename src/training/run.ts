import type { Config } from '../config/schema.js';
import type { PlaceOfPair } from '../data/batch-origin.js';
import type { BatchStream } from '../data/batches.js';
import type { TrainableModel } from '../model/model.js';
import type { Optimizer } from '../optim/optimizer.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import type { Progress } from './progress.js';
import type { Reduce } from './update.js';
import type { DevSet } from './validate.js';

/** A prepared training run, from `openTraining`. */
export interface TrainingRun {
  readonly config: Config;
  readonly runDirectory: string;
  readonly tokenizers: TokenizerPair;
  readonly model: TrainableModel;
  readonly optimizer: Optimizer;
  /** Training batches, positioned at the next one. */
  readonly batches: BatchStream;
  /** Hash of everything that determines the order of the batches, see `batchOrder`. */
  readonly order: string;
  /** All-reduce over the workers of distributed training; undefined for a single worker. */
  readonly reduce: Reduce | undefined;
  readonly dev: DevSet;
  readonly trainPairs: number;
  /** File and line of a training pair, for messages. */
  readonly placeOf: PlaceOfPair;
  /** Proportion of padding in the batches of the first epoch, 0 to 1. */
  readonly paddingShare: number;
  /** Progress at the start of this session. */
  readonly progress: Progress;
  /** Progress towards the first limit at the start of this session, 0 to 1; undefined without limits. */
  readonly startShare: number | undefined;
  /**
   * Stops the data loader thread, disposes model and optimiser, and unlocks the run directory. Must be called after
   * training, also after an error; further calls have no effect. Saved checkpoints are kept.
   */
  readonly close: () => Promise<void>;
}

export function stepsPerEpoch({ batches, config }: Pick<TrainingRun, 'batches' | 'config'>): number {
  return Math.ceil(batches.batchesInEpoch(0) / config.training.batch.accumulate);
}

export function completedEpochs({ batches }: Pick<TrainingRun, 'batches'>): number {
  const { epoch, batch } = batches.position;
  return batch >= batches.batchesInEpoch(epoch) ? epoch + 1 : epoch;
}
