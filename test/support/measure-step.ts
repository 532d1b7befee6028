import { readFileSync, writeFileSync } from 'node:fs';
import { shapeOf, type Batch, type BatchShape } from '../../src/data/batch.js';
import { buildModel } from '../../src/model/build.js';
import { Random } from '../../src/random.js';
import { DropoutSeeds } from '../../src/runtime/ops/dropout.js';
import { loadTensorFlow, policyFor } from '../../src/runtime/tensorflow.js';
import { computeGradients } from '../../src/training/gradients.js';
import { tinyModel } from './models.js';

/*
 * A program that prints the peak growth of resident memory in a training step in bytes, and the estimate of the model.
 * Its argument is JSON: model settings, the size of both vocabularies, and the batch shape. One process measures one
 * shape, because freed memory is not always returned to the system. Linux only.
 */
const {
  model: settings,
  vocabularySize,
  shape,
} = JSON.parse(process.argv[2]!) as { model: Record<string, unknown>; vocabularySize: number; shape: BatchShape };
await loadTensorFlow({ device: 'cpu' });
const model = buildModel(
  tinyModel(settings),
  { source: vocabularySize, target: vocabularySize },
  { random: new Random(1), policy: policyFor() },
);
step(fullBatch({ sentences: 2, sourceTime: 3, targetTime: 3 }));
const batch = fullBatch(shape);
// Resets the peak value.
writeFileSync('/proc/self/clear_refs', '5');
const before = statusBytes('VmRSS');
step(batch);
process.stdout.write(
  JSON.stringify({ measured: statusBytes('VmHWM') - before, estimate: model.memory(shapeOf(batch)) }),
);

function statusBytes(name: string): number {
  return 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))![1]);
}

function step(given: Batch): void {
  const { gradients, loss, negativeLogLikelihood, correct } = computeGradients(model, given, {
    labelSmoothing: 0.1,
    divisor: given.batch,
    seeds: new DropoutSeeds(1, 0),
  });
  for (const tensor of [...gradients, loss, negativeLogLikelihood, correct]) tensor.dispose();
  model.parameters.release();
}

function fullBatch({ sentences, sourceTime, targetTime }: BatchShape): Batch {
  const ids = (count: number): Int32Array =>
    Int32Array.from({ length: count }, (_, index) => 4 + ((index * 7919) % (vocabularySize - 4)));
  return {
    batch: sentences,
    sourceTime,
    targetTime,
    source: ids(sentences * sourceTime),
    decoderInput: ids(sentences * targetTime),
    labels: ids(sentences * targetTime),
    sourceLengths: new Int32Array(sentences).fill(sourceTime),
    targetLengths: new Int32Array(sentences).fill(targetTime),
    indices: Int32Array.from({ length: sentences }, (_, index) => index),
  };
}
