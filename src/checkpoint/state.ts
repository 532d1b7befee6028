import { z } from 'zod';
import { upgradeModel } from '../config/model.js';
import { configSchema } from '../config/schema.js';

/**
 * Version of the checkpoint layout, of state.json and of index.json; a change that older readers misread raises it.
 * Version 2 adds checksums.
 */
export const CHECKPOINT_VERSION = 2;
/** Versions that can be read. */
export const checkpointVersion = z.union([z.literal(1), z.literal(CHECKPOINT_VERSION)]);

const counter = () => z.int().min(0);

const tokenizerIdentity = z.strictObject({
  /** SHA-256 (hex) of the tokenizer.json that the weights were trained with. */
  fingerprint: z.string(),
  vocabularySize: z.int().min(1),
});

const fileIdentity = z.strictObject({ bytes: counter(), sha256: z.string() });

/** Size in bytes and SHA-256 (hex) of a file. */
export type FileIdentity = z.output<typeof fileIdentity>;

/** state.json: all that a training needs, besides weights and optimiser slots, to continue as if never stopped. */
export const checkpointStateSchema = z
  .strictObject({
    version: checkpointVersion,
    /** What identifies the other files of the checkpoint; version 1 has none of it. */
    files: z.strictObject({ 'model.safetensors': fileIdentity, 'optimizer.safetensors': fileIdentity }).optional(),
    /** Updates made. */
    step: counter(),
    /** Passes begun over the training data, from 0. */
    epoch: counter(),
    /** Where the batch source stands: the epoch it draws from and the batches already taken from it. */
    position: z.strictObject({ epoch: counter(), batch: counter() }),
    /** What the order of the batches hangs on, as a hash: `position` means nothing in another order. */
    order: z.string().optional(),
    /** Seed of the run: shuffling and dropout are pure functions of (seed, epoch) and (seed, step), so it is all their state. */
    seed: counter(),
    /** Best validation so far of the metric that selects checkpoints; null before the first. */
    best: z.strictObject({ metric: z.enum(['loss', 'bleu']), value: z.number(), step: counter() }).nullable(),
    /** Validations without improvement, as early stopping counts them. */
    patience: counter(),
    /** What the plateau schedule remembers: validations since the last improvement or decay, and decays so far. */
    plateau: z.strictObject({ waited: counter(), decays: counter() }),
    /** Updates skipped because loss, perplexity or gradient was not finite: in all, and in a row up to now. */
    nonFinite: z.strictObject({ total: counter(), inRow: counter() }),
    /** What the loss is multiplied by in float16, and the updates since that last changed. */
    lossScale: z.strictObject({ factor: z.number().min(1), updates: counter() }).optional(),
    /** Sums over the updates since the last row of metrics.jsonl, so that the next row is that of an unbroken run. */
    unreported: z
      .strictObject({
        updates: counter(),
        loss: z.number(),
        negativeLogLikelihood: z.number(),
        sourceTokens: counter(),
        targetTokens: counter(),
        paddingTokens: counter(),
        seconds: z.number().min(0),
      })
      .optional(),
    /** Seconds of training, all sessions of the run together. */
    elapsedSeconds: z.number().min(0),
    /** The part of them that validations took; older checkpoints do not know. */
    validationSeconds: z.number().min(0).optional(),
    tokenizers: z.strictObject({ source: tokenizerIdentity, target: tokenizerIdentity }),
    /** Settings of the model; those of version 0.1 are brought up to date. */
    model: z.preprocess(upgradeModel, configSchema.shape.model),
  })
  .refine(({ version, files }) => version === 1 || files !== undefined, 'the checksums of the other files are missing');

export type CheckpointState = z.output<typeof checkpointStateSchema>;
