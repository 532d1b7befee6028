import type { Config } from '../config/schema.js';
import type { PlaceOfPair } from '../data/batch-origin.js';
import type { BatchStream } from '../data/batches.js';
import type { TrainableModel } from '../model/model.js';
import type { Optimizer } from '../optim/optimizer.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import type { Progress } from './progress.js';
import type { Reduce } from './update.js';
import type { DevSet } from './validate.js';

/** A training made ready: everything that the loop works with. */
export interface TrainingRun {
  readonly config: Config;
  readonly runDirectory: string;
  readonly tokenizers: TokenizerPair;
  readonly model: TrainableModel;
  readonly optimizer: Optimizer;
  /** Training batches, already at the position to go on from. */
  readonly batches: BatchStream;
  /** Hash of what their order hangs on, see `batchOrder`. */
  readonly order: string;
  /** Sums gradients over the workers of a distributed training; undefined for a single worker. */
  readonly reduce: Reduce | undefined;
  readonly dev: DevSet;
  readonly trainPairs: number;
  /** Where the pairs of the training batches stand. */
  readonly placeOf: PlaceOfPair;
  /** Share of padded positions in the first epoch, 0 to 1. */
  readonly paddingShare: number;
  /** Where this session starts. */
  readonly progress: Progress;
  /** Share of the whole training done before this session, 0 to 1; undefined without limits. */
  readonly startShare: number | undefined;
  /**
   * Stops the thread that makes batches, disposes model and optimiser, and unlocks the run directory. Call it when the
   * training has ended, in whatever way; further calls do nothing. What the training saved stays.
   */
  readonly close: () => Promise<void>;
}

/** Updates of one pass over the training data. */
export function stepsPerEpoch({ batches, config }: Pick<TrainingRun, 'batches' | 'config'>): number {
  return Math.ceil(batches.batchesInEpoch(0) / config.training.batch.accumulate);
}

/** Passes completed over the training data. */
export function completedEpochs({ batches }: Pick<TrainingRun, 'batches'>): number {
  const { epoch, batch } = batches.position;
  return batch >= batches.batchesInEpoch(epoch) ? epoch + 1 : epoch;
}
