import type { BatchShape } from '../data/batch.js';
import type { Place } from '../errors.js';
import { evaluateLoss } from '../loss/evaluate.js';
import { withBatchInMemory } from '../loss/batch-memory.js';
import type { Task } from '../runtime/out-of-memory.js';
import { DropoutSeeds } from '../runtime/ops/dropout.js';
import { translateLines } from '../decoding/translate-lines.js';
import type { RehearsalEvent } from './events.js';
import { computeGradients } from './gradients.js';
import type { TrainingRun } from './run.js';
import { largestDevBatch, type DevSet } from './validate.js';

/**
 * Runs the batch that needs the most memory once, forward and backward, then what a validation computes at its largest: dev
 * pairs under teacher forcing, and a full batch of the longest and of the shortest sentences (the most hypotheses) translated. So
 * memory or decoding trouble shows now and not hours later, and memory grows no more afterwards. Weights stay as they are.
 *
 * @throws S2sError `out-of-memory`
 */
export async function rehearse(run: TrainingRun): Promise<RehearsalEvent> {
  const { model, config, dev, tokenizers } = run;
  const started = performance.now();
  const memory = (shape: BatchShape): number => model.memory(shape);
  const batch = run.batches.largestBatch(memory);
  withBatchInMemory(
    batch,
    { name: 'the rehearsal of the largest batch', remedy: 'training', placeOf: run.placeOf },
    () => {
      const { gradients, loss, negativeLogLikelihood, correct } = computeGradients(model, batch, {
        labelSmoothing: config.training.labelSmoothing,
        divisor: batch.batch,
        // Masks take memory too; update 0 is that of no real one.
        seeds: new DropoutSeeds(config.seed, 0),
      });
      for (const tensor of [...gradients, loss, negativeLogLikelihood, correct]) tensor.dispose();
    },
    memory,
  );

  const task: Task = { name: 'the rehearsal of the largest dev batch', remedy: 'validation', placeOf: dev.placeOf };
  evaluateLoss(model, [largestDevBatch(dev, config, memory)], config.training.labelSmoothing, task);
  // An untrained model does not end its sentences: a shorter limit saves time, and memory does not depend on it.
  const options = { ...config.decoding, beamSize: 1, maxLengthRatio: 1 };
  const chosen = extremes(dev, config.decoding.batchTokens);
  const placeOf = (index: number): Place => dev.placeOf(chosen[index]!);
  await translateLines(
    chosen.map((pair) => dev.sources[pair]!),
    { model, tokenizers, options, task: { ...task, placeOf } },
  );
  return {
    type: 'rehearsal',
    sentences: batch.batch,
    sourceTime: batch.sourceTime,
    targetTime: batch.targetTime,
    seconds: (performance.now() - started) / 1000,
  };
}

/** The pairs with the longest and the shortest dev sentences, of each enough to fill a batch of so many tokens. */
function extremes({ corpus, sources }: DevSet, batchTokens: number): number[] {
  const order = [...sources.keys()].sort((a, b) => corpus.sourceLength(b) - corpus.sourceLength(a));
  const filling = (indices: readonly number[]): number[] => {
    let tokens = 0;
    return indices.filter((index) => {
      const isIn = tokens < batchTokens;
      tokens += corpus.sourceLength(index) + 1;
      return isIn;
    });
  };
  return [...new Set([...filling(order), ...filling([...order].reverse())])];
}
