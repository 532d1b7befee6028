import { createHash } from 'node:crypto';
import type { Checkpoint } from '../checkpoint/run-directory.js';
import type { Config } from '../config/schema.js';
import type { BatchPosition } from '../data/batch.js';
import type { BatchOptions } from '../data/batches.js';
import type { PackedCorpus } from '../data/packed.js';
import { S2sError } from '../errors.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { identities } from './save.js';

/** A setting that a resumed run has now and had before. */
export interface SettingChange {
  readonly key: string;
  readonly before: unknown;
  readonly now: unknown;
}

/** Settings that differ, by dotted key. */
export function settingChanges(before: unknown, now: unknown, key = ''): SettingChange[] {
  if (!isGroup(before) || !isGroup(now))
    return JSON.stringify(before) === JSON.stringify(now) ? [] : [{ key, before, now }];
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...keys].flatMap((part) => settingChanges(before[part], now[part], key === '' ? part : `${key}.${part}`));
}

/**
 * Refuses to start from a checkpoint of another model or vocabulary.
 *
 * @param before the configuration that the checkpoint was trained with
 * @param tokenizers those of its run directory
 * @throws S2sError `run-differs`, listing each difference with both values
 */
export function assertSameModel(
  checkpoint: Checkpoint,
  before: Config,
  config: Config,
  tokenizers: TokenizerPair,
): void {
  const { state, directory } = checkpoint;
  // Where tokenizer files lie does not matter: the run has its own copy.
  const vocabulary = settingChanges(before.tokenizer, config.tokenizer, 'tokenizer').filter(
    ({ key }) => key !== 'tokenizer.directory',
  );
  const differences = [...settingChanges(state.model, config.model, 'model'), ...vocabulary].map(formatChange);
  const now = identities(tokenizers);
  for (const side of ['source', 'target'] as const) {
    if (state.tokenizers[side].fingerprint !== now[side].fingerprint) {
      differences.push(
        `the ${side} vocabulary (${state.tokenizers[side].vocabularySize} tokens then, ${now[side].vocabularySize} now)`,
      );
    }
  }
  if (differences.length === 0) return;
  throw new S2sError(
    'run-differs',
    `this run was trained with another model or vocabulary:\n  ${differences.join('\n  ')}`,
    {
      place: { file: directory },
      hint: 'Use the settings it was trained with, or start a new training in another --run-dir.',
      exitCode: 2,
    },
  );
}

/** A hash of all that the order of batches hangs on: what the training corpora hold, their weights, seed and size of a batch. */
export function batchOrder(corpus: Pick<PackedCorpus, 'key' | 'size'>, options: BatchOptions): string {
  return createHash('sha256')
    .update(JSON.stringify([corpus.key, corpus.size, options]))
    .digest('hex');
}

/**
 * Where the batches of a resumed run go on: at the next epoch when the order of this one has changed.
 *
 * @param before the order that the position belongs to; undefined when it is not known and so taken to be the same
 */
export function resumePosition(
  position: BatchPosition,
  before: string | undefined,
  now: string,
): { position: BatchPosition; restarted: boolean } {
  if (before === undefined || before === now || position.batch === 0) return { position, restarted: false };
  return { position: { epoch: position.epoch + 1, batch: 0 }, restarted: true };
}

/** `training.batch.size was 2048 and is now 4096` */
export function formatChange({ key, before, now }: SettingChange): string {
  return `${key} was ${JSON.stringify(before) ?? 'not set'} and is now ${JSON.stringify(now) ?? 'not set'}`;
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
