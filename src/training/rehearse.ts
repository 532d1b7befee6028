import { DropoutSeeds } from '../runtime/ops/dropout.js';
import { translateLines } from '../translation/translate-lines.js';
import type { RehearsalEvent } from './events.js';
import { computeGradients } from './gradients.js';
import type { TrainingRun } from './run.js';

/** Longest dev sentences that the rehearsal translates. */
const REHEARSED_SENTENCES = 16;

/**
 * Runs the largest batch once, forwards and backwards, and decodes a few of the longest dev sentences, so that memory
 * or decoding trouble shows now and not hours later. Weights stay as they are.
 */
export async function rehearse(run: TrainingRun): Promise<RehearsalEvent> {
  const { model, config, dev, tokenizers } = run;
  const started = performance.now();
  const batch = run.batches.largestBatch();
  const { gradients, loss, negativeLogLikelihood, correct } = computeGradients(model, batch, {
    labelSmoothing: config.training.labelSmoothing,
    divisor: batch.batch,
    // Masks take memory too; update 0 is that of no real one.
    seeds: new DropoutSeeds(config.seed, 0),
  });
  for (const tensor of [...gradients, loss, negativeLogLikelihood, correct]) tensor.dispose();

  const longest = [...dev.sources].sort((a, b) => b.length - a.length).slice(0, REHEARSED_SENTENCES);
  await translateLines(longest, { model, tokenizers, options: { ...config.decoding, beamSize: 1 } });
  return {
    type: 'rehearsal',
    sentences: batch.batch,
    sourceTime: batch.sourceTime,
    targetTime: batch.targetTime,
    seconds: (performance.now() - started) / 1000,
  };
}
