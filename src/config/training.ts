import { z } from 'zod';
import type { BleuTokenizer } from '../metrics/tokenizers.js';

const count = () => z.int().min(1);
const probability = () => z.number().min(0).lt(1);

const batch = z.strictObject({
  size: count().default(2048).describe('Batch size in `unit`s.'),
  unit: z
    .enum(['tokens', 'sentences'])
    .default('tokens')
    .describe('Unit of `size`: target tokens (including padding) or sentence pairs.'),
  accumulate: count().default(1).describe('Number of batches whose gradients are accumulated per update.'),
});

const optimizer = z.strictObject({
  name: z.enum(['adam', 'adamw', 'sgd']).default('adam').describe('Optimiser.'),
  learningRate: z.number().positive().default(0.001).describe('Base learning rate, before the schedule.'),
  beta1: probability().default(0.9).describe('Exponential decay rate of the first moment (adam, adamw).'),
  beta2: probability().default(0.999).describe('Exponential decay rate of the second moment (adam, adamw).'),
  epsilon: z
    .number()
    .positive()
    .default(1e-8)
    .describe('Constant added to the square root of the second moment (adam, adamw).'),
  weightDecay: z.number().min(0).default(0).describe('Decoupled weight decay (adamw).'),
  momentum: probability().default(0).describe('Momentum (sgd).'),
});

const schedule = z.strictObject({
  name: z
    .enum(['constant', 'inverse-sqrt', 'step', 'exponential', 'plateau'])
    .default('constant')
    .describe(
      'Learning rate schedule: constant; inverse square root of the update after warm-up (inverse-sqrt); ' +
        'multiplied by `factor` every `interval` updates from `start` (step); the same decay, spread evenly over the ' +
        'updates (exponential); multiplied by `factor` when the validation score stops improving (plateau).',
    ),
  warmupSteps: z.int().min(0).default(0).describe('Number of updates of linear warm-up from zero (all schedules).'),
  start: z.int().min(0).default(0).describe('Update at which the decay starts (step, exponential).'),
  interval: count().default(1000).describe('Number of updates per decay by `factor` (step, exponential).'),
  factor: z.number().gt(0).lt(1).default(0.5).describe('Decay factor (step, exponential, plateau).'),
  patience: z
    .int()
    .min(0)
    .default(1)
    .describe(
      'Number of validations without improvement that are tolerated before a decay (plateau), counted as for ' +
        'earlyStopping.patience.',
    ),
  minimumLearningRate: z.number().min(0).default(0).describe('Lower bound of the learning rate.'),
});

const validation = z.strictObject({
  every: count().default(1).describe('Validation interval in `unit`s.'),
  unit: z.enum(['steps', 'epochs']).default('epochs').describe('Unit of `every`: updates or epochs.'),
  bleu: z
    .boolean()
    .default(true)
    .describe('Whether to translate the dev set with greedy search and compute BLEU and chrF.'),
  bleuTokenizer: z
    .enum(['auto', '13a', 'intl', 'zh', 'char', 'none'] satisfies readonly ('auto' | BleuTokenizer)[])
    .default('auto')
    .describe(
      'Tokenizer of BLEU, as in sacreBLEU; auto is zh for Chinese references, char for Japanese, Thai, Lao, Khmer, ' +
        'Burmese and Tibetan, and 13a for all others.',
    ),
  maxSentences: count()
    .optional()
    .describe('Number of dev sentences, from the first, to translate for BLEU and chrF; defaults to all.'),
  samples: z.int().min(0).default(3).describe('Number of sample translations to log per validation.'),
});

const earlyStopping = z.strictObject({
  metric: z
    .enum(['loss', 'bleu', 'chrf'])
    .default('bleu')
    .describe(
      'Validation metric for selecting the best checkpoint, for early stopping and for the plateau schedule; chrf ' +
        'replaces bleu if no dev reference has four words.',
    ),
  patience: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'Number of validations without improvement of metric or loss before training stops, counted from when the ' +
        'metric has begun to rise; 0 disables early stopping.',
    ),
});

const checkpoints = z.strictObject({
  keepLast: count().default(2).describe('Number of most recent checkpoints to keep.'),
  keepBest: count().default(1).describe('Number of best checkpoints to keep.'),
  everySteps: count()
    .optional()
    .describe('Number of updates between checkpoints that are saved in addition to those at each validation.'),
});

/** The `training` section. */
export const trainingSchema = z.strictObject({
  batch: batch.prefault({}).describe('Batch size and gradient accumulation.'),
  optimizer: optimizer.prefault({}).describe('Optimiser and its hyperparameters.'),
  schedule: schedule.prefault({}).describe('Learning rate schedule.'),
  clipNorm: z.number().min(0).default(1).describe('Maximum global norm of the gradient; 0 disables clipping.'),
  labelSmoothing: probability()
    .default(0.1)
    .describe('Label smoothing: probability mass spread uniformly over the vocabulary (Szegedy et al. 2016).'),
  lossNormalization: z
    .enum(['token', 'sentence'])
    .default('token')
    .describe('Whether the loss is averaged over target tokens, or summed per sentence and averaged over sentences.'),
  maxSteps: count().optional().describe('Maximum number of updates.'),
  maxEpochs: count().optional().describe('Maximum number of passes over the training data.'),
  maxMinutes: z
    .number()
    .positive()
    .optional()
    .describe('Maximum training time in minutes, including the time before a resume.'),
  validation: validation.prefault({}).describe('Validation on the dev set during training.'),
  earlyStopping: earlyStopping.prefault({}).describe('Checkpoint selection and early stopping.'),
  checkpoints: checkpoints.prefault({}).describe('When checkpoints are saved, and how many are kept.'),
  logEvery: count().default(50).describe('Number of updates between log lines and between rows of metrics.jsonl.'),
  tensorboard: z.boolean().default(false).describe('Whether to write TensorBoard event files to the run directory.'),
  maxNonFiniteSteps: count()
    .default(5)
    .describe(
      'Number of consecutive updates with an infinite or NaN loss, perplexity or gradient after which training ' +
        'stops; each of them is skipped and counted.',
    ),
});
