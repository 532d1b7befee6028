import { configSchema, type ModelConfig } from '../config/schema.js';
import { shapeOf, type Batch } from '../data/batch.js';
import { S2sError } from '../errors.js';
import { buildModel } from '../model/build.js';
import { INITIAL_LOSS_SCALE } from '../optim/loss-scale.js';
import { Optimizer } from '../optim/optimizer.js';
import { Random } from '../random.js';
import type { ComputePolicy } from '../runtime/policy.js';
import { update } from '../training/update.js';
import { EOS } from '../vocab/special.js';
import { matmulRate } from './matmul-rate.js';
import type { BatchShape } from './models.js';
import { median, peakResidentMegabytes, reportHead, rounded, type ReportHead } from './report.js';

export interface TrainingBenchmark {
  /** Name of the model in the report. */
  readonly name: string;
  readonly config: ModelConfig;
  readonly shape: BatchShape;
  /** Timed steps. */
  readonly steps: number;
  /** Steps before the timed ones. */
  readonly warmup: number;
  readonly seed: number;
  readonly policy: ComputePolicy;
  /** The requested device, for the report. */
  readonly device: string;
}

export interface TrainingReport extends ReportHead {
  /** Median of the timed steps. */
  readonly seconds_per_step: number;
  readonly target_tokens_per_second: number;
  /** GFLOP/s: operations of the matrix products of a step (`model.flops`), divided by the time of the whole step. */
  readonly gigaflops_per_second: number;
  /** GFLOP/s of one large matrix product in the same precision: the best measured before and after the steps. */
  readonly matmul_gigaflops_per_second: number;
  /** Ratio of the two rates above. */
  readonly share_of_matmul_rate: number;
  readonly peak_resident_megabytes: number;
}

/** Must equal the settings of bench/peer_pytorch.py. */
const TRAINING = configSchema.shape.training.parse({
  clipNorm: 1,
  labelSmoothing: 0.1,
  optimizer: { name: 'adam', learningRate: 1e-3 },
});

/**
 * Measures the speed of training steps (forward, loss, backward, clipping and optimiser) on a batch of random ids
 * without padding. Call `loadTensorFlow` first.
 *
 * @throws S2sError `not-finite` if loss, perplexity or gradient of a step is not finite, which makes its time
 *   meaningless
 */
export async function timeTraining({
  name,
  config,
  shape,
  steps,
  warmup,
  seed,
  policy,
  device,
}: TrainingBenchmark): Promise<TrainingReport> {
  const lossFactor = policy.precision === 'float16' ? INITIAL_LOSS_SCALE.factor : 1;
  const rateBefore = matmulRate(policy);
  const model = buildModel(
    config,
    { source: shape.sourceVocabulary, target: shape.targetVocabulary },
    { random: new Random(seed), policy },
  );
  const optimizer = new Optimizer(
    TRAINING.optimizer,
    model.parameters.names.map((parameter) => ({ name: parameter, weights: model.parameters.storedTensor(parameter) })),
  );
  const batch = fullBatch(shape, new Random(seed).derive('batch'));
  try {
    const seconds: number[] = [];
    for (let number = 1; number <= warmup + steps; number++) {
      const start = performance.now();
      const { applied } = await update(model, optimizer, [batch], {
        training: TRAINING,
        seed,
        update: number,
        learningRate: TRAINING.optimizer.learningRate,
        lossFactor,
      });
      if (!applied)
        throw new S2sError('not-finite', `loss, perplexity or gradient of benchmark step ${number} is not finite`);
      if (number > warmup) seconds.push((performance.now() - start) / 1000);
    }
    const step = median(seconds);
    const peak = peakResidentMegabytes();
    const rate = Math.max(rateBefore, matmulRate(policy));
    const achieved = model.flops(shapeOf(batch)) / step / 1e9;
    return {
      ...reportHead(name, model.parameters, device),
      seconds_per_step: rounded(step),
      target_tokens_per_second: rounded((shape.batch * shape.targetTime) / step),
      gigaflops_per_second: rounded(achieved),
      matmul_gigaflops_per_second: rounded(rate),
      share_of_matmul_rate: rounded(achieved / rate),
      peak_resident_megabytes: peak,
    };
  } finally {
    model.dispose();
    optimizer.dispose();
  }
}

/** A batch without padding, of random ids above the special tokens. */
function fullBatch(
  { batch, sourceTime, targetTime, sourceVocabulary, targetVocabulary }: BatchShape,
  random: Random,
): Batch {
  const ids = (count: number, vocabulary: number): Int32Array =>
    Int32Array.from({ length: count }, () => EOS + 1 + random.integer(vocabulary - EOS - 1));
  return {
    batch,
    sourceTime,
    targetTime,
    source: ids(batch * sourceTime, sourceVocabulary),
    decoderInput: ids(batch * targetTime, targetVocabulary),
    labels: ids(batch * targetTime, targetVocabulary),
    sourceLengths: new Int32Array(batch).fill(sourceTime),
    targetLengths: new Int32Array(batch).fill(targetTime),
    indices: Int32Array.from({ length: batch }, (_, index) => index),
  };
}
