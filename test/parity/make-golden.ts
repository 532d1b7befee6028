import { loadTensorFlow } from '../../src/runtime/tensorflow.js';
import { findPython } from '../support/python.js';
import { BATCH_KINDS, randomCase } from './cases.js';
import { randomRecurrentModel } from './recurrent-cases.js';
import { randomTransformer } from './transformer-models.js';
import { GOLDEN_FOLDER, runReference, writeRequest } from './reference.js';

/*
 * Regenerates the golden values of the parity test: npm run build && node dist/test/parity/make-golden.js
 */

const { noTarget, oneToken, ragged, hiddenPadding } = BATCH_KINDS;

await loadTensorFlow({ device: 'cpu' });
const found = findPython('PyTorch');
if ('missing' in found) throw new Error(found.missing);
// Seed 11 takes the place of seed 3, of which rounding to bfloat16 changes one gradient by more than half.
const TRANSFORMER_SEEDS = [0, 1, 2, 11, 4, 5];
const sizes = { hidden: [4, 6], vocabulary: [8], batches: [noTarget!, oneToken!, ragged!, hiddenPadding!] };
await writeRequest(GOLDEN_FOLDER, [
  ...[0, 1, 2, 3, 4, 5].map((seed) => randomCase(seed, sizes)),
  ...[0, 1, 2, 3, 4].map((seed) =>
    randomCase(seed, { ...sizes, hidden: [4], batches: [ragged!] }, randomRecurrentModel),
  ),
  ...TRANSFORMER_SEEDS.map((seed) => randomCase(seed, { ...sizes, batches: [noTarget!, ragged!] }, randomTransformer)),
]);
runReference(found.python, GOLDEN_FOLDER);
