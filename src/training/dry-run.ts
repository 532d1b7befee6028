import type { BatchShape } from '../data/batch.js';
import type { Place } from '../errors.js';
import { evaluateLoss } from '../loss/evaluate.js';
import { reportingOutOfMemory } from '../loss/batch-memory.js';
import type { Task } from '../runtime/out-of-memory.js';
import { DropoutSeeds } from '../runtime/ops/dropout.js';
import { translateLines } from '../decoding/translate-lines.js';
import type { DryRunEvent } from './events.js';
import { computeGradients } from './gradients.js';
import type { TrainingRun } from './run.js';
import { largestDevBatch, type DevSet } from './validate.js';

/**
 * Dry run before the first update: computes the gradients of the largest training batch, the loss of the largest dev
 * batch, and greedy translations of two full batches, of the longest and of the shortest dev sentences (the most
 * hypotheses). Running out of memory or failing to decode is thus reported at the start instead of hours later.
 * Weights, optimiser and batch position do not change.
 *
 * @throws S2sError `out-of-memory`
 */
export async function dryRun(run: TrainingRun): Promise<DryRunEvent> {
  const { model, config, dev, tokenizers } = run;
  const started = performance.now();
  const memory = (shape: BatchShape): number => model.memory(shape);
  const batch = run.batches.largestBatch(memory);
  reportingOutOfMemory(
    batch,
    { name: 'the dry run of the largest batch', remedy: 'training', placeOf: run.placeOf },
    () => {
      const { gradients, loss, negativeLogLikelihood, correct } = computeGradients(model, batch, {
        labelSmoothing: config.training.labelSmoothing,
        divisor: batch.batch,
        // Dropout masks take memory too. Real updates are numbered from 1.
        seeds: new DropoutSeeds(config.seed, 0),
      });
      for (const tensor of [...gradients, loss, negativeLogLikelihood, correct]) tensor.dispose();
    },
    memory,
  );

  const task: Task = { name: 'the dry run of the largest dev batch', remedy: 'validation', placeOf: dev.placeOf };
  evaluateLoss(model, [largestDevBatch(dev, config, memory)], config.training.labelSmoothing, task);
  // An untrained model rarely predicts </s>: a shorter limit saves time and needs the same memory.
  const options = { ...config.decoding, beamSize: 1, maxLengthRatio: 1 };
  const chosen = longestAndShortest(dev, config.decoding.batchTokens);
  const placeOf = (index: number): Place => dev.placeOf(chosen[index]!);
  await translateLines(
    chosen.map((pair) => dev.sources[pair]!),
    { model, tokenizers, options, task: { ...task, placeOf } },
  );
  return {
    type: 'dry-run',
    sentences: batch.batch,
    sourceTime: batch.sourceTime,
    targetTime: batch.targetTime,
    seconds: (performance.now() - started) / 1000,
  };
}

/** Indices of the longest and of the shortest dev sources, each enough to fill a batch of `batchTokens` tokens. */
function longestAndShortest({ corpus, sources }: DevSet, batchTokens: number): number[] {
  const order = [...sources.keys()].sort((a, b) => corpus.sourceLength(b) - corpus.sourceLength(a));
  const filling = (indices: readonly number[]): number[] => {
    let tokens = 0;
    return indices.filter((index) => {
      const fits = tokens < batchTokens;
      tokens += corpus.sourceLength(index) + 1;
      return fits;
    });
  };
  return [...new Set([...filling(order), ...filling([...order].reverse())])];
}
