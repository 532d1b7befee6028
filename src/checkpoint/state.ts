import { z } from 'zod';
import { upgradeModel } from '../config/model.js';
import { configSchema } from '../config/schema.js';

/**
 * Format version of checkpoint directories, state.json and index.json. Increased by changes that older versions of s2s
 * would misread. Version 2 added checksums.
 */
export const CHECKPOINT_VERSION = 2;
export const checkpointVersion = z.union([z.literal(1), z.literal(CHECKPOINT_VERSION)]);

const counter = () => z.int().min(0);

const tokenizerIdentity = z.strictObject({
  /** SHA-256 (hex) of the tokenizer file that the weights were trained with. */
  fingerprint: z.string(),
  vocabularySize: z.int().min(1),
});

const fileIdentity = z.strictObject({ bytes: counter(), sha256: z.string() });

/** Size in bytes and SHA-256 (hex) of a file. */
export type FileIdentity = z.output<typeof fileIdentity>;

/** state.json: with weights and optimiser moments, everything needed to resume training exactly. */
export const checkpointStateSchema = z
  .strictObject({
    version: checkpointVersion,
    /** Size and checksum of the other files of the checkpoint; missing in version 1. */
    files: z.strictObject({ 'model.safetensors': fileIdentity, 'optimizer.safetensors': fileIdentity }).optional(),
    /** Completed updates. */
    step: counter(),
    /** Current epoch, from 0. */
    epoch: counter(),
    /** Position in the training batches: the epoch, and the batches already taken from it. */
    position: z.strictObject({ epoch: counter(), batch: counter() }),
    /** Hash of everything that determines the batch order, without which `position` is meaningless. */
    order: z.string().optional(),
    /** Seed of the run. The only random state: shuffling is a function of (seed, epoch), dropout of (seed, step). */
    seed: counter(),
    /** Best validation so far by the metric that selects checkpoints; null before the first. */
    best: z
      .strictObject({
        metric: z.enum(['loss', 'bleu', 'chrf']),
        value: z.number(),
        step: counter(),
        /** chrF of the best BLEU; missing in older checkpoints. */
        chrf: z.number().optional(),
      })
      .nullable(),
    /** Validations that count as waiting since the last progress, for early stopping. */
    patience: counter(),
    /** What patience must know about earlier validations, see `ScoreHistory`; missing in older checkpoints. */
    history: z
      .strictObject({
        lowest: z.number().optional(),
        begun: z.boolean(),
        lowestLoss: z.number().optional(),
        previousLoss: z.number().optional(),
        undecided: counter(),
        zeros: z.int().min(-1),
      })
      .optional(),
    /** State of the plateau schedule: waiting validations since the last progress or decay, and decays so far. */
    plateau: z.strictObject({ waited: counter(), decays: counter() }),
    /** Updates skipped because of a non-finite loss, perplexity or gradient: in total, and consecutively up to now. */
    nonFinite: z.strictObject({ total: counter(), inRow: counter() }),
    /** Dynamic loss scale in float16, and the updates since its last change. */
    lossScale: z.strictObject({ factor: z.number().min(1), updates: counter() }).optional(),
    /** Sums over the updates since the last row of metrics.jsonl, so that a resume does not change the next row. */
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
    /** Training time in seconds, over all sessions of the run. */
    elapsedSeconds: z.number().min(0),
    /** Time spent in validations, included in `elapsedSeconds`; missing in older checkpoints. */
    validationSeconds: z.number().min(0).optional(),
    tokenizers: z.strictObject({ source: tokenizerIdentity, target: tokenizerIdentity }),
    /** Model settings; those of version 0.1 are converted. */
    model: z.preprocess(upgradeModel, configSchema.shape.model),
  })
  .refine(({ version, files }) => version === 1 || files !== undefined, 'the checksums of the other files are missing');

export type CheckpointState = z.output<typeof checkpointStateSchema>;
