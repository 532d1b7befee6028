import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { S2sError } from '../errors.js';
import { makeFolder } from '../files/make-folder.mjs';
import { nameFile } from '../files/name-file.mjs';
import { moveIntoPlace, syncFolder } from '../files/replace.mjs';
import {
  CHECKPOINTS,
  resolveStep,
  indexOfFolders,
  isMissing,
  listSteps,
  readIndex,
  applyRetention,
  stepName,
  writeIndex,
  type CheckpointEntry,
  type CheckpointIndex,
  type Retention,
  type WhichCheckpoint,
} from './checkpoint-index.js';
import { readJsonFile, writeJsonFile } from './json-file.js';
import { readSafetensors, writeSafetensors, type SavedTensors } from './safetensors.js';
import { CHECKPOINT_VERSION, checkpointStateSchema, type CheckpointState } from './state.js';

/*
 * Checkpoints in a run directory:
 *
 *   checkpoints/index.json                  list of checkpoints with their scores; written last
 *   checkpoints/step-00001234/
 *     model.safetensors                     weights by parameter name
 *     optimizer.safetensors                 optimiser moments
 *     state.json                            step, batch position, seed, checksums of the other two files, ...
 *
 * A checkpoint is written to a temporary directory, renamed, and added to the index. Directories that the index does
 * not list are ignored.
 */

const MODEL = 'model.safetensors';
const OPTIMIZER = 'optimizer.safetensors';
const STATE = 'state.json';
/** Prefixes of directories being written and being replaced. An interrupted save leaves them behind. */
const NEW_PREFIX = '.new-';
const OLD_PREFIX = '.old-';

export interface NewCheckpoint {
  readonly weights: SavedTensors;
  readonly optimizer: SavedTensors;
  readonly state: CheckpointState;
  /** Dev scores by metric; empty without a validation. Scores that are not finite are ignored. */
  readonly scores?: Readonly<Record<string, number>>;
}

export interface Checkpoint {
  readonly directory: string;
  readonly state: CheckpointState;
  readonly weights: SavedTensors;
}

/**
 * Saves a checkpoint and deletes those outside the retention policy. An interruption at any point loses no existing
 * checkpoint, and an error such as a full disk leaves no files behind.
 *
 * @returns the updated index
 * @throws the errors of the file system, with the path of the directory of the checkpoints
 */
export async function saveCheckpoint(
  runDirectory: string,
  checkpoint: NewCheckpoint,
  retention: Retention,
): Promise<CheckpointIndex> {
  const folder = join(runDirectory, CHECKPOINTS);
  makeFolder(folder);
  await recoverInterruptedSaves(folder);
  const before = await readIndex(runDirectory);
  const { step } = checkpoint.state;
  const draft = join(folder, `${NEW_PREFIX}${stepName(step)}-${randomBytes(4).toString('hex')}`);
  try {
    await writeCheckpoint(draft, checkpoint);
    await replaceCheckpoint(folder, draft, stepName(step));
  } catch (error) {
    // On a full disk, the draft would take the space of the next checkpoint. The first error is the cause.
    await rm(draft, { recursive: true, force: true }).catch(() => undefined);
    throw nameFile(error, folder);
  }

  // A step that is saved again without scores, on an interrupt right after its validation, keeps its scores.
  const known = before.checkpoints.find((entry) => entry.step === step);
  const entry = withScores(known ?? { step, scores: {} }, checkpoint.scores ?? {});
  return replaceIndex(runDirectory, [...before.checkpoints.filter((other) => other.step !== step), entry], retention);
}

async function writeCheckpoint(folder: string, { weights, optimizer, state }: NewCheckpoint): Promise<void> {
  await mkdir(folder);
  const metadata = { format: 's2s', step: String(state.step) };
  const files = {
    [MODEL]: await writeSafetensors(join(folder, MODEL), weights, metadata),
    [OPTIMIZER]: await writeSafetensors(join(folder, OPTIMIZER), optimizer, metadata),
  };
  await writeJsonFile(join(folder, STATE), { ...state, version: CHECKPOINT_VERSION, files });
  await syncFolder(folder);
}

/**
 * Adds dev scores to the index entry of a saved checkpoint, and deletes checkpoints outside the retention policy. Has
 * no effect if there is no checkpoint of that step.
 *
 * @param scores by metric; scores that are not finite are ignored
 * @returns the updated index
 */
export async function scoreCheckpoint(
  runDirectory: string,
  step: number,
  scores: Readonly<Record<string, number>>,
  retention: Retention,
): Promise<CheckpointIndex> {
  const index = await readIndex(runDirectory);
  if (!index.checkpoints.some((entry) => entry.step === step)) return index;
  const entries = index.checkpoints.map((entry) => (entry.step === step ? withScores(entry, scores) : entry));
  return replaceIndex(runDirectory, entries, retention);
}

/**
 * Loads the weights and the state of a checkpoint, validates them and verifies their checksums. Without dev scores,
 * `best` is the last checkpoint. A checkpoint selected by its step can be loaded even if the index is damaged.
 *
 * @throws S2sError if the checkpoint is missing or damaged; the hint lists the other checkpoints
 */
export async function loadCheckpoint(runDirectory: string, which: WhichCheckpoint = 'best'): Promise<Checkpoint> {
  const index = await readIndex(runDirectory).catch((error: unknown) => {
    if (typeof which !== 'number') throw error;
    return indexOfFolders(runDirectory);
  });
  const step = resolveStep(runDirectory, index, which);
  const directory = await findCheckpoint(runDirectory, step);
  return withAlternatives(index, step, async () => {
    const state = await readJsonFile(join(directory, STATE), checkpointStateSchema);
    const { tensors } = await readSafetensors(join(directory, MODEL), state.files?.[MODEL]);
    return { directory, state, weights: tensors };
  });
}

/**
 * Loads the optimiser moments of a checkpoint.
 *
 * @throws S2sError if they are missing or damaged
 */
export async function loadOptimizer(checkpoint: Checkpoint): Promise<SavedTensors> {
  const file = join(checkpoint.directory, OPTIMIZER);
  try {
    return (await readSafetensors(file, checkpoint.state.files?.[OPTIMIZER])).tensors;
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new S2sError(
      'checkpoint-incomplete',
      'the optimiser state is missing, so training cannot continue from this checkpoint',
      { place: { file } },
    );
  }
}

function withScores({ step, scores }: CheckpointEntry, added: Readonly<Record<string, number>>): CheckpointEntry {
  const finite = Object.entries(added).filter(([, value]) => Number.isFinite(value));
  return { step, scores: { ...scores, ...Object.fromEntries(finite) } };
}

/** Writes the index of the checkpoints to keep, then deletes the others. The index never lists a deleted checkpoint. */
async function replaceIndex(
  runDirectory: string,
  entries: readonly CheckpointEntry[],
  retention: Retention,
): Promise<CheckpointIndex> {
  const folder = join(runDirectory, CHECKPOINTS);
  const index = applyRetention(entries, retention);
  await writeIndex(runDirectory, index);
  await syncFolder(folder);
  const kept = new Set(index.checkpoints.map((entry) => entry.step));
  for (const { step } of entries) {
    if (!kept.has(step)) await rm(join(folder, stepName(step)), { recursive: true, force: true });
  }
  return index;
}

/** Adds the steps of the other checkpoints to the hint of an error thrown by `load`. */
async function withAlternatives<T>(index: CheckpointIndex, step: number, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const others = { ...index, checkpoints: index.checkpoints.filter((entry) => entry.step !== step) };
    const usage = 'To use one, pass --checkpoint N to s2s translate or s2s eval.';
    const advice =
      others.checkpoints.length === 0
        ? 'This run has no other checkpoint.'
        : `Other checkpoints of this run: ${listSteps(others)}. ${usage}`;
    if (isMissing(error)) {
      throw new S2sError('checkpoint-incomplete', `this file of the checkpoint of step ${step} is missing`, {
        place: { file: error.path },
        hint: advice,
        cause: error,
      });
    }
    if (!(error instanceof S2sError)) throw error;
    const hint = error.hint === undefined ? advice : `${error.hint} ${advice}`;
    throw new S2sError(error.code, error.message, { place: error.place, hint, cause: error });
  }
}

/** Deletes unfinished checkpoints, and restores those that were renamed but not yet replaced. */
async function recoverInterruptedSaves(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(OLD_PREFIX)) {
      const target = join(folder, name.slice(OLD_PREFIX.length));
      if (!(await exists(target))) {
        await rename(join(folder, name), target);
        continue;
      }
    }
    if (name.startsWith(OLD_PREFIX) || name.startsWith(NEW_PREFIX))
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Returns the directory of a checkpoint, or its old name if a save was interrupted while replacing it. */
async function findCheckpoint(runDirectory: string, step: number): Promise<string> {
  const folder = join(runDirectory, CHECKPOINTS);
  const directory = join(folder, stepName(step));
  const aside = join(folder, `${OLD_PREFIX}${stepName(step)}`);
  return !(await exists(directory)) && (await exists(aside)) ? aside : directory;
}

/** Renames a finished draft to its final name, replacing a checkpoint of the same step. */
async function replaceCheckpoint(folder: string, draft: string, name: string): Promise<void> {
  const target = join(folder, name);
  const aside = join(folder, `${OLD_PREFIX}${name}`);
  if (await exists(target)) await rename(target, aside);
  await moveIntoPlace(draft, target);
  await rm(aside, { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
