import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nameFile } from '../files/name-file.mjs';
import { replaceFile } from '../files/replace.mjs';
import type { TrainingEvent } from './events.js';
import type { Progress } from './progress.js';

const FILE = 'metrics.jsonl';

/**
 * Writes `metrics.jsonl`, the learning curve of a run in JSON Lines. Each row has a `type`: `update` (every
 * `training.logEvery` updates), `validation`, `skipped` or `stopped`.
 */
export class MetricsLog {
  private readonly file: string;

  constructor(runDirectory: string) {
    this.file = join(runDirectory, FILE);
  }

  /**
   * Deletes the rows after the given progress, because a resumed run repeats those updates. Also deletes malformed
   * lines; the last line is usually truncated after a crash.
   *
   * @returns the number of malformed lines before the last line
   */
  async rewind({ step, nonFinite }: Pick<Progress, 'step' | 'nonFinite'>): Promise<number> {
    const text = await readFile(this.file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return 0;
    const lines = text.split('\n');
    const kept = lines.filter((line) => {
      const row = parseRow(line);
      // A skipped update has the step of the update before it: only `total` tells the two apart.
      return (
        row !== undefined &&
        row.step <= step &&
        row.type !== 'stopped' &&
        (row.type !== 'skipped' || row.total <= nonFinite.total)
      );
    });
    await replaceFile(this.file, kept.map((line) => `${line}\n`).join(''));
    return lines.slice(0, -1).filter((line) => parseRow(line) === undefined).length;
  }

  /** Appends a row for the event, unless it is not part of the learning curve. */
  async append(event: TrainingEvent): Promise<void> {
    const row = toRow(event);
    if (row === undefined) return;
    await appendFile(this.file, `${JSON.stringify(row)}\n`).catch((error: unknown) => {
      throw nameFile(error, this.file);
    });
  }
}

type Event<Type extends TrainingEvent['type']> = Extract<TrainingEvent, { type: Type }>;

/** The fields of the rows, in their order. */
const UPDATE_FIELDS = [
  'type',
  'step',
  'epoch',
  'loss',
  'perplexity',
  'learningRate',
  'gradientNorm',
  'sourceTokensPerSecond',
  'targetTokensPerSecond',
  'paddingTokensPerSecond',
  'elapsedSeconds',
  'residentBytes',
] as const satisfies readonly (keyof Event<'update'>)[];
const VALIDATION_FIELDS = [
  'type',
  'step',
  'epoch',
  'loss',
  'perplexity',
  'accuracy',
  'bleu',
  'bleuSignature',
  'chrf',
  'improved',
  'seconds',
  'timeShare',
  'elapsedSeconds',
] as const satisfies readonly (keyof Event<'validation'>)[];

function pick<Item extends object>(item: Item, keys: readonly (keyof Item)[]): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, item[key]]));
}

function toRow(event: TrainingEvent): Record<string, unknown> | undefined {
  switch (event.type) {
    case 'update':
      return event.report ? pick(event, UPDATE_FIELDS) : undefined;
    case 'validation':
      return pick(event, VALIDATION_FIELDS);
    case 'skipped':
    case 'stopped':
      return { ...event };
    case 'rescaled':
    case 'start':
    case 'dry-run':
    case 'checkpoint':
      return undefined;
  }
}

function parseRow(line: string): { type: unknown; step: number; total: number } | undefined {
  try {
    const row: unknown = JSON.parse(line);
    if (typeof row !== 'object' || row === null || !('type' in row) || !('step' in row) || typeof row.step !== 'number')
      return undefined;
    return { type: row.type, step: row.step, total: 'total' in row ? Number(row.total) : 0 };
  } catch {
    return undefined;
  }
}
