import { z } from 'zod';
import { configSchema } from '../config/schema.js';
import type { RandomState } from '../random.js';

/** Version of the checkpoint layout and of state.json; a change that older readers misread raises it. */
export const CHECKPOINT_VERSION = 1;

const counter = () => z.int().min(0);
const word = () => z.int().min(0).max(0xffffffff);

/** One generator's state: four unsigned 32-bit words. */
const randomState = z.tuple([word(), word(), word(), word()]).readonly() satisfies z.ZodType<RandomState>;

const tokenizerIdentity = z.strictObject({
  /** SHA-256 (hex) of the tokenizer.json that the weights were trained with. */
  fingerprint: z.string(),
  vocabularySize: z.int().min(1),
});

/** state.json: all that a training needs, besides weights and optimiser slots, to continue as if never stopped. */
export const checkpointStateSchema = z.strictObject({
  version: z.literal(CHECKPOINT_VERSION),
  /** Updates made. */
  step: counter(),
  /** Passes begun over the training data, from 0. */
  epoch: counter(),
  /** Where the batch source stands: the epoch it draws from and the batches already taken from it. */
  position: z.strictObject({ epoch: counter(), batch: counter() }),
  /** State of each random generator, by purpose. */
  random: z.record(z.string(), randomState),
  /** Best validation so far of the metric that selects checkpoints; null before the first. */
  best: z.strictObject({ metric: z.string(), value: z.number(), step: counter() }).nullable(),
  /** Validations without improvement, as early stopping counts them. */
  patience: counter(),
  /** What the learning-rate schedule remembers, in its own words. */
  schedule: z.record(z.string(), z.json()),
  /** What the optimiser remembers besides its slots, in its own words. */
  optimizer: z.record(z.string(), z.json()),
  /** Updates skipped because the loss was not finite: in all, and in a row up to now. */
  nonFinite: z.strictObject({ total: counter(), inRow: counter() }),
  /** Seconds of training, all sessions of the run together. */
  elapsedSeconds: z.number().min(0),
  tokenizers: z.strictObject({ source: tokenizerIdentity, target: tokenizerIdentity }),
  model: configSchema.shape.model,
});

export type CheckpointState = z.output<typeof checkpointStateSchema>;
