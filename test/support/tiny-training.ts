import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCheckpoint, loadOptimizer, saveCheckpoint } from '../../src/checkpoint/run-directory.js';
import type { SavedTensors } from '../../src/checkpoint/safetensors.js';
import type { ConfigInput, LoadedConfig } from '../../src/config/file-schema.js';
import { configSchema, type Config } from '../../src/config/schema.js';
import type { Architecture } from '../../src/model/build.js';
import { Random } from '../../src/random.js';
import type { TrainingEvent } from '../../src/training/events.js';
import { openTraining, type PreparationEvent, type StartFrom } from '../../src/training/open.js';
import type { TrainingRun } from '../../src/training/run.js';
import { train } from '../../src/training/train.js';

/** A directory with a tiny parallel text: `train.a` and `train.b` (reversed), `dev.a` and `dev.b`. */
export interface TinyText {
  readonly folder: string;
  remove(): void;
}

/** Writes a parallel text of random words. `translate` maps a source line to its target line. */
export function writeTinyText(
  pairs: { train: number; dev: number },
  translate: (words: string[]) => string[] = (words) => words.reverse(),
  { words = 8, longest = 6 } = {},
): TinyText {
  const folder = mkdtempSync(join(tmpdir(), 's2s-training-'));
  const random = new Random(11);
  for (const split of ['train', 'dev'] as const) {
    const sources = Array.from({ length: pairs[split] }, () =>
      Array.from({ length: 1 + random.integer(longest) }, () => String.fromCharCode(97 + random.integer(words))),
    );
    writeFileSync(join(folder, `${split}.a`), sources.map((line) => `${line.join(' ')}\n`).join(''));
    writeFileSync(join(folder, `${split}.b`), sources.map((line) => `${translate([...line]).join(' ')}\n`).join(''));
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Overrides for the settings of the tiny training run. */
export interface TinySettings {
  readonly seed?: number;
  readonly data?: Partial<ConfigInput['data']>;
  readonly tokenizer?: ConfigInput['tokenizer'];
  readonly model?: ConfigInput['model'];
  readonly training?: ConfigInput['training'];
}

/** Configuration of a training run with steps of some milliseconds. The run directory is next to the text. */
export function tinyConfig(
  { folder }: TinyText,
  name: string,
  { seed, data, tokenizer, model, training }: TinySettings = {},
): Config {
  return configSchema.parse({
    seed: seed ?? 3,
    precision: 'float32',
    runDirectory: join(folder, name),
    data: {
      train: [{ source: join(folder, 'train.a'), target: join(folder, 'train.b') }],
      dev: [{ source: join(folder, 'dev.a'), target: join(folder, 'dev.b') }],
      ...data,
    },
    tokenizer: { type: 'word', size: 40, ...tokenizer },
    model: { embeddingSize: 8, encoder: { hiddenSize: 8 }, decoder: { hiddenSize: 8 }, ...model },
    training: { batch: { size: 4, unit: 'sentences' }, logEvery: 1, ...training },
    decoding: { maxLengthRatio: 1, maxLengthMargin: 2 },
  });
}

/** Result of training in this process. */
export interface TinyResult {
  readonly preparation: readonly PreparationEvent[];
  readonly events: readonly TrainingEvent[];
  /** The error that training threw, if any. */
  readonly error: unknown;
}

/**
 * Prepares and runs training until it stops.
 *
 * @param options.onEvent called with each event and the run
 */
export async function trainTiny(
  config: LoadedConfig,
  {
    resume = false,
    start = 'new',
    architecture,
    signal,
    onEvent,
  }: {
    resume?: boolean;
    start?: StartFrom;
    architecture?: Architecture;
    signal?: AbortSignal;
    onEvent?: (event: TrainingEvent, run: TrainingRun) => void | Promise<void>;
  } = {},
): Promise<TinyResult> {
  const preparation: PreparationEvent[] = [];
  const events: TrainingEvent[] = [];
  const run = await openTraining(config, {
    start: resume ? 'resume' : start,
    architecture,
    onEvent: (event) => preparation.push(event),
  });
  try {
    for await (const event of train(run, signal)) {
      events.push(event);
      await onEvent?.(event, run);
    }
    return { preparation, events, error: undefined };
  } catch (error) {
    return { preparation, events, error };
  } finally {
    await run.close();
  }
}

/** Replaces the weights or the optimiser moments of a run's last checkpoint, with valid checksums. */
export async function replaceInCheckpoint(
  { runDirectory }: Config,
  { weights, optimizer }: { weights?: SavedTensors; optimizer?: SavedTensors },
): Promise<void> {
  const checkpoint = await loadCheckpoint(runDirectory, 'last');
  const moments = optimizer ?? (await loadOptimizer(checkpoint));
  await saveCheckpoint(
    runDirectory,
    { state: checkpoint.state, weights: weights ?? checkpoint.weights, optimizer: moments },
    { selection: { metric: 'bleu', better: 'higher' }, keepLast: 9, keepBest: 1 },
  );
}

/** The events of one type. */
export function eventsOf<Type extends TrainingEvent['type']>(
  { events }: Pick<TinyResult, 'events'>,
  type: Type,
): Extract<TrainingEvent, { type: Type }>[] {
  return events.filter((event): event is Extract<TrainingEvent, { type: Type }> => event.type === type);
}

/** The last event of training that did not throw. */
export function stoppedOf(result: TinyResult): Extract<TrainingEvent, { type: 'stopped' }> {
  if (result.error !== undefined) throw result.error as Error;
  return eventsOf(result, 'stopped')[0]!;
}

/** The files of the last checkpoint of a run, without the times in its state. */
export async function lastCheckpoint({
  runDirectory,
}: Config): Promise<{ weights: Buffer; optimizer: Buffer; state: Record<string, unknown> }> {
  const { directory, state } = await loadCheckpoint(runDirectory, 'last');
  const unreported = state.unreported === undefined ? undefined : { ...state.unreported, seconds: 0 };
  return {
    weights: await readFile(join(directory, 'model.safetensors')),
    optimizer: await readFile(join(directory, 'optimizer.safetensors')),
    state: { ...state, unreported, elapsedSeconds: 0, validationSeconds: 0 },
  };
}
