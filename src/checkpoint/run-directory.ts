import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { S2sError } from '../errors.js';
import { moveIntoPlace, syncFolder } from '../files/replace.mjs';
import {
  CHECKPOINTS,
  choose,
  indexOfFolders,
  isMissing,
  listSteps,
  readIndex,
  retain,
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
 *   checkpoints/index.json                  which there are, with their scores; written last
 *   checkpoints/step-00001234/
 *     model.safetensors                     the weights under the model's own names
 *     optimizer.safetensors                 the optimiser's slots
 *     state.json                            step, position, random state, checksums of the two others, ...
 *
 * A checkpoint is written to a folder of another name and renamed, then entered in the index: what the index
 * does not name does not count.
 */

const MODEL = 'model.safetensors';
const OPTIMIZER = 'optimizer.safetensors';
const STATE = 'state.json';
/** Folders being written, and folders being replaced; either is left over when a save is interrupted. */
const NEW_PREFIX = '.new-';
const OLD_PREFIX = '.old-';

export interface NewCheckpoint {
  readonly weights: SavedTensors;
  readonly optimizer: SavedTensors;
  readonly state: CheckpointState;
  /** Scores on the dev set by metric; none between validations. Those that are not finite are left out. */
  readonly scores?: Readonly<Record<string, number>>;
}

export interface Checkpoint {
  readonly directory: string;
  readonly state: CheckpointState;
  readonly weights: SavedTensors;
}

/**
 * Saves a checkpoint and removes those no longer to be kept. Interrupted at any point, the run directory still
 * holds every checkpoint that it held before.
 *
 * @returns the index as it is now
 */
export async function saveCheckpoint(
  runDirectory: string,
  checkpoint: NewCheckpoint,
  retention: Retention,
): Promise<CheckpointIndex> {
  const folder = join(runDirectory, CHECKPOINTS);
  await mkdir(folder, { recursive: true });
  await recover(folder);
  const before = await readIndex(runDirectory);
  const { step } = checkpoint.state;
  const draft = join(folder, `${NEW_PREFIX}${stepName(step)}-${randomBytes(4).toString('hex')}`);
  await mkdir(draft);
  const metadata = { format: 's2s', step: String(step) };
  const files = {
    [MODEL]: await writeSafetensors(join(draft, MODEL), checkpoint.weights, metadata),
    [OPTIMIZER]: await writeSafetensors(join(draft, OPTIMIZER), checkpoint.optimizer, metadata),
  };
  await writeJsonFile(join(draft, STATE), { ...checkpoint.state, version: CHECKPOINT_VERSION, files });
  await syncFolder(draft);
  await putInPlace(folder, draft, stepName(step));

  // Saved again without scores, as when training is interrupted right after a validation, a step keeps those it has.
  const known = before.checkpoints.find((entry) => entry.step === step);
  const entry = withScores(known ?? { step, scores: {} }, checkpoint.scores ?? {});
  return replaceIndex(runDirectory, [...before.checkpoints.filter((other) => other.step !== step), entry], retention);
}

/**
 * Enters the dev scores of a step whose checkpoint is already saved, and removes the checkpoints no longer to be kept.
 * The files of the checkpoint do not change. Without a checkpoint of that step nothing happens.
 *
 * @param scores by metric; those that are not finite are left out
 * @returns the index as it is now
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
 * Loads the weights and the state of a checkpoint, validated and compared with their checksums. `best` is the last
 * checkpoint as long as none has a dev score. A checkpoint chosen by its step loads without a valid index, too.
 *
 * @throws S2sError when there is no such checkpoint or it is damaged; the hint names those there are
 */
export async function loadCheckpoint(runDirectory: string, which: WhichCheckpoint = 'best'): Promise<Checkpoint> {
  const index = await readIndex(runDirectory).catch((error: unknown) => {
    if (typeof which !== 'number') throw error;
    return indexOfFolders(runDirectory);
  });
  const step = choose(runDirectory, index, which);
  const directory = await folderOf(runDirectory, step);
  return withAlternatives(index, step, async () => {
    const state = await readJsonFile(join(directory, STATE), checkpointStateSchema);
    const { tensors } = await readSafetensors(join(directory, MODEL), state.files?.[MODEL]);
    return { directory, state, weights: tensors };
  });
}

/**
 * Loads the optimiser's slots of a checkpoint.
 *
 * @throws S2sError when they are missing or damaged
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

/**
 * Checks that the tensors of a checkpoint have the names, the shapes and the dtype (float32) that are expected.
 *
 * @param expected shape of each tensor by name, as the configuration describes them
 * @param owner what the tensors belong to: the weights of the model, or the moments of its optimiser
 * @throws S2sError `checkpoint-mismatch` with every difference: the name of the tensor, its shape or dtype in the
 *   checkpoint and the expected one
 */
export function assertSameShapes(
  expected: ReadonlyMap<string, readonly number[]>,
  found: SavedTensors,
  directory: string,
  owner: 'model' | 'optimiser' = 'model',
): void {
  const differences: string[] = [];
  for (const [name, shape] of expected) {
    const tensor = found.get(name);
    if (tensor === undefined) differences.push(`${name} ${formatShape(shape)} is missing`);
    else if (formatShape(tensor.shape) !== formatShape(shape))
      differences.push(`${name} is ${formatShape(tensor.shape)} and not ${formatShape(shape)}`);
    else if (tensor.dtype !== 'F32') differences.push(`${name} is ${tensor.dtype} and not F32`);
  }
  for (const [name, tensor] of found) {
    if (!expected.has(name)) differences.push(`${name} ${formatShape(tensor.shape)} is not in the ${owner}`);
  }
  if (differences.length === 0) return;
  const list = differences.join('\n  ');
  if (owner === 'optimiser') {
    throw new S2sError(
      'checkpoint-mismatch',
      `the optimiser moments in ${OPTIMIZER} do not fit the model:\n  ${list}`,
      {
        place: { file: directory },
        hint: 'The file is damaged or from another run: copy it again, or train again in another --run-dir.',
      },
    );
  }
  throw new S2sError(
    'checkpoint-mismatch',
    `the checkpoint is of another model than the configuration describes:\n  ${list}`,
    {
      place: { file: directory },
      hint: 'Use the configuration that the run was trained with, or another --run-dir for the new model.',
    },
  );
}

/** An entry with more scores; those that are not finite are left out. */
function withScores({ step, scores }: CheckpointEntry, added: Readonly<Record<string, number>>): CheckpointEntry {
  const finite = Object.entries(added).filter(([, value]) => Number.isFinite(value));
  return { step, scores: { ...scores, ...Object.fromEntries(finite) } };
}

/** Writes the index of the checkpoints to keep, then removes the files of the others: never the other way round. */
async function replaceIndex(
  runDirectory: string,
  entries: readonly CheckpointEntry[],
  retention: Retention,
): Promise<CheckpointIndex> {
  const folder = join(runDirectory, CHECKPOINTS);
  const index = retain(entries, retention);
  await writeIndex(runDirectory, index);
  await syncFolder(folder);
  const kept = new Set(index.checkpoints.map((entry) => entry.step));
  for (const { step } of entries) {
    if (!kept.has(step)) await rm(join(folder, stepName(step)), { recursive: true, force: true });
  }
  return index;
}

/** Says, when a checkpoint cannot be loaded, which others there are. */
async function withAlternatives<T>(index: CheckpointIndex, step: number, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const others = { ...index, checkpoints: index.checkpoints.filter((entry) => entry.step !== step) };
    const advice =
      others.checkpoints.length === 0
        ? 'There is no other checkpoint in this run.'
        : `Other checkpoints of this run: ${listSteps(others)}. s2s translate and s2s eval use one with --checkpoint N.`;
    if (isMissing(error)) {
      throw new S2sError('checkpoint-incomplete', `the checkpoint of step ${step} lacks this file`, {
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

/** Clears away what interrupted saves left: drafts are dropped; a checkpoint moved aside and not replaced returns. */
async function recover(folder: string): Promise<void> {
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

/** The folder of a checkpoint: where it was moved aside when a save was interrupted that would have replaced it. */
async function folderOf(runDirectory: string, step: number): Promise<string> {
  const folder = join(runDirectory, CHECKPOINTS);
  const directory = join(folder, stepName(step));
  const aside = join(folder, `${OLD_PREFIX}${stepName(step)}`);
  return !(await exists(directory)) && (await exists(aside)) ? aside : directory;
}

/** Renames a finished draft; a checkpoint of the same step makes way. */
async function putInPlace(folder: string, draft: string, name: string): Promise<void> {
  const target = join(folder, name);
  const aside = join(folder, `${OLD_PREFIX}${name}`);
  if (await exists(target)) await rename(target, aside);
  await moveIntoPlace(draft, target);
  await rm(aside, { recursive: true, force: true });
}

function formatShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
