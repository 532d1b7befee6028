import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { configSchema } from '../../../src/config/schema.js';
import { translateBatch } from '../../../src/decoding/search.js';
import { buildModel } from '../../../src/model/build.js';
import type { TrainableModel } from '../../../src/model/model.js';
import { Optimizer } from '../../../src/optim/optimizer.js';
import { Random } from '../../../src/random.js';
import { loadTensorFlow, policyFor } from '../../../src/runtime/tensorflow.js';
import { update } from '../../../src/training/update.js';
import { EOS } from '../../../src/vocab/special.js';
import { batchOf, tinyModel } from '../../support/models.js';

const VOCABULARY = 14;
const LONGEST = 5;

/** Random sentences of ids, each with the result of a function. */
function pairsOf(
  count: number,
  random: Random,
  translate: (ids: number[]) => number[],
): { source: number[]; target: number[] }[] {
  return Array.from({ length: count }, () => {
    const source = Array.from({ length: 1 + random.integer(LONGEST) }, () => 4 + random.integer(VOCABULARY - 4));
    return { source, target: translate([...source]) };
  });
}

/** Accuracy of greedy decoding: proportion of target tokens predicted at their position. */
async function accuracyOf(
  model: TrainableModel,
  pairs: readonly { source: number[]; target: number[] }[],
): Promise<number> {
  const translated = await translateBatch(
    model,
    pairs.map(({ source }) => [...source, EOS]),
    { beamSize: 1, lengthPenalty: 0, maxLengthRatio: 1, maxLengthMargin: 2 },
  );
  let right = 0;
  let all = 0;
  for (const [row, { target }] of pairs.entries()) {
    const tokens = translated[row]![0]!.tokens;
    all += Math.max(target.length, tokens.length);
    right += target.filter((id, place) => tokens[place] === id).length;
  }
  return right / all;
}

const TASKS = {
  'copy, with attention': { translate: (ids: number[]) => ids, inputFeeding: false, maxUpdates: 800 },
  'reverse, with input feeding': { translate: (ids: number[]) => ids.reverse(), inputFeeding: true, maxUpdates: 800 },
};

describe('a tiny model learns to', () => {
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
  });

  for (const [name, { translate, inputFeeding, maxUpdates }] of Object.entries(TASKS)) {
    test(name, async () => {
      const random = new Random(1);
      const model = buildModel(
        tinyModel({
          embeddingSize: 24,
          encoder: { layers: 1, hiddenSize: 32, bidirectional: true },
          decoder: { layers: 1, hiddenSize: 32, inputFeeding },
          initialization: 0.1,
        }),
        { source: VOCABULARY, target: VOCABULARY },
        { random: new Random(2), policy: policyFor() },
      );
      const training = configSchema.shape.training.parse({ labelSmoothing: 0, optimizer: { learningRate: 0.01 } });
      const optimizer = new Optimizer(
        training.optimizer,
        model.parameters.names.map((parameter) => ({
          name: parameter,
          weights: model.parameters.storedTensor(parameter),
        })),
      );
      // Overlap with the training data is negligible: there are more than 100,000 possible sentences.
      const unseen = pairsOf(200, new Random(3), translate);
      const untrained = await accuracyOf(model, unseen);
      assert.ok(untrained < 0.3, `${untrained} before training`);
      let accuracy = untrained;
      for (let number = 1; number <= maxUpdates && accuracy <= 0.95; number++) {
        await update(model, optimizer, [batchOf(pairsOf(64, random, translate))], {
          training,
          seed: 1,
          update: number,
          learningRate: 0.01,
        });
        if (number % 50 === 0) accuracy = await accuracyOf(model, unseen);
      }
      assert.ok(accuracy > 0.95, `${accuracy} after training`);
      model.dispose();
      optimizer.dispose();
    });
  }
});
