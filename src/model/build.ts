import type { ModelConfig } from '../config/schema.js';
import type { Random } from '../random.js';
import { LstmModel } from './lstm-model.js';
import type { TrainableModel } from './model.js';

/** Builds the model that a configuration describes, its weights at their start values drawn from `random`, or zero. */
export function buildModel(config: ModelConfig, sourceVocabularySize: number, targetVocabularySize: number, random: Random | undefined): TrainableModel {
  return new LstmModel(config, sourceVocabularySize, targetVocabularySize, random);
}
