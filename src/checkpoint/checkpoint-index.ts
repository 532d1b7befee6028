import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { S2sError, UsageError } from '../errors.js';
import { readJsonFile, writeJsonFile } from './json-file.js';
import { CHECKPOINT_VERSION, checkpointVersion } from './state.js';

/** Directory of the checkpoints in a run directory. */
export const CHECKPOINTS = 'checkpoints';
const INDEX = 'index.json';

const entrySchema = z.strictObject({
  step: z.int().min(0),
  /** Dev scores by metric; empty if the weights of this step were not validated. */
  scores: z.record(z.string(), z.number()),
});

const bestIsListed = ({
  checkpoints,
  best,
}: {
  checkpoints: readonly { step: number }[];
  best: number | null;
}): boolean => best === null || checkpoints.some(({ step }) => step === best);

const indexSchema = z
  .strictObject({
    version: checkpointVersion,
    /** In the order of saving. */
    checkpoints: z.array(entrySchema),
    /** Step of the best checkpoint; null if none has a score. */
    best: z.int().min(0).nullable(),
  })
  .refine(bestIsListed, 'best is not in checkpoints');

export type CheckpointEntry = z.output<typeof entrySchema>;
export type CheckpointIndex = z.output<typeof indexSchema>;

/** The criterion for the best checkpoint. */
export interface Selection {
  readonly metric: string;
  readonly better: 'higher' | 'lower';
  /** A score, the higher the better, that decides between checkpoints with equal scores of the metric. */
  readonly tieBreak?: string;
}

export interface Retention {
  readonly selection: Selection;
  /** Most recent checkpoints to keep. */
  readonly keepLast: number;
  /** Best checkpoints to keep. */
  readonly keepBest: number;
}

/** Selects a checkpoint of a run: the best by its dev score, the last one saved, or the one of a step. */
export type WhichCheckpoint = 'best' | 'last' | number;

/**
 * Reads the index of the checkpoints of a run; empty if there is no run.
 *
 * @throws S2sError if the index is damaged; the hint says how to continue without it
 */
export async function readIndex(runDirectory: string): Promise<CheckpointIndex> {
  const folder = join(runDirectory, CHECKPOINTS);
  try {
    return await readJsonFile(join(folder, INDEX), indexSchema);
  } catch (error) {
    if (isMissing(error)) return await indexOfFolders(runDirectory);
    if (!(error instanceof S2sError) || error.code === 'checkpoint-version') throw error;
    const steps = listSteps(await indexOfFolders(runDirectory)) || 'there are none';
    const consequence = 'all scores are then unknown, and the last checkpoint is used as the best';
    const hint = `Choose a checkpoint with --checkpoint N (${steps}), or delete this file: ${consequence}.`;
    throw new S2sError(error.code, error.message, { place: error.place, hint, cause: error });
  }
}

/** Lists the checkpoint directories of a run, without scores, in the order of their steps. */
export async function indexOfFolders(runDirectory: string): Promise<CheckpointIndex> {
  const folder = join(runDirectory, CHECKPOINTS);
  const names = await readdir(folder).catch(() => []);
  const steps = names.flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  return {
    version: CHECKPOINT_VERSION,
    checkpoints: steps.sort((a, b) => a - b).map((step) => ({ step, scores: {} })),
    best: null,
  };
}

export async function writeIndex(runDirectory: string, index: CheckpointIndex): Promise<void> {
  await writeJsonFile(join(runDirectory, CHECKPOINTS, INDEX), index);
}

/** Returns the entries that have a score of the metric, best first; of equal ones, the last saved first. */
export function rank(entries: readonly CheckpointEntry[], { metric, better, tieBreak }: Selection): CheckpointEntry[] {
  const sign = better === 'higher' ? -1 : 1;
  return (
    entries
      .flatMap((entry) => {
        const score = entry.scores[metric];
        if (score === undefined) return [];
        return [{ entry, key: sign * score, second: tieBreak === undefined ? undefined : entry.scores[tieBreak] }];
      })
      // The sort is stable.
      .reverse()
      .sort((a, b) => a.key - b.key || (b.second ?? 0) - (a.second ?? 0))
      .map(({ entry }) => entry)
  );
}

/** Returns the index of the checkpoints to keep: the last `keepLast` and the best `keepBest`, at least one of each. */
export function applyRetention(
  entries: readonly CheckpointEntry[],
  { selection, keepLast, keepBest }: Retention,
): CheckpointIndex {
  const ranked = rank(entries, selection);
  const kept = new Set([...entries.slice(-Math.max(1, keepLast)), ...ranked.slice(0, Math.max(1, keepBest))]);
  return {
    version: CHECKPOINT_VERSION,
    checkpoints: entries.filter((entry) => kept.has(entry)),
    best: ranked[0]?.step ?? null,
  };
}

/**
 * Returns the step of the selected checkpoint. Without scores, the best checkpoint is the last one.
 *
 * @throws S2sError `no-checkpoint`
 */
export function resolveStep(runDirectory: string, index: CheckpointIndex, which: WhichCheckpoint): number {
  const last = index.checkpoints.at(-1)?.step;
  if (last === undefined) {
    throw new S2sError('no-checkpoint', 'this directory contains no checkpoint', {
      place: { file: runDirectory },
      hint: 'Train first (s2s train), or name the run directory of a trained model.',
    });
  }
  if (which === 'last') return last;
  if (which === 'best') return index.best ?? last;
  if (index.checkpoints.some((entry) => entry.step === which)) return which;
  throw new UsageError('no-checkpoint', `there is no checkpoint of step ${which}`, {
    place: { file: runDirectory },
    hint: `Available steps: ${listSteps(index)}.`,
  });
}

/** The steps of the checkpoints, for messages: `100, 200 (best)`. */
export function listSteps(index: CheckpointIndex): string {
  return index.checkpoints.map(({ step }) => (step === index.best ? `${step} (best)` : String(step))).join(', ');
}

/** Name of the directory of a checkpoint. */
export function stepName(step: number): string {
  return `step-${String(step).padStart(8, '0')}`;
}

/** Whether an error reports a missing file. */
export function isMissing(error: unknown): error is Error & { path: string } {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT' && 'path' in error;
}
