import { createHash } from 'node:crypto';
import type { Checkpoint } from '../checkpoint/run-directory.js';
import type { Config } from '../config/schema.js';
import type { BatchPosition } from '../data/batch.js';
import type { BatchOptions } from '../data/batches.js';
import type { PackedCorpus } from '../data/packed.js';
import { S2sError } from '../errors.js';
import type { TokenizerPair } from '../text/tokenizer.js';
import { plural } from '../plural.js';
import { tokenizerIdentities } from './save.js';

/** A setting whose value differs between two configurations. */
export interface SettingChange {
  readonly key: string;
  readonly before: unknown;
  readonly now: unknown;
}

/** Lists the settings that differ, with dotted keys. */
export function settingChanges(before: unknown, now: unknown, key = ''): SettingChange[] {
  if (!isGroup(before) || !isGroup(now))
    return JSON.stringify(before) === JSON.stringify(now) ? [] : [{ key, before, now }];
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...keys].flatMap((part) => settingChanges(before[part], now[part], key === '' ? part : `${key}.${part}`));
}

/**
 * Checks that a checkpoint has the model and the vocabulary of a configuration.
 *
 * @param before the configuration that the checkpoint was trained with
 * @param tokenizers in the run directory of the checkpoint
 * @throws S2sError `run-differs`, listing each difference with both values
 */
export function assertSameModel(
  checkpoint: Checkpoint,
  before: Config,
  config: Config,
  tokenizers: TokenizerPair,
): void {
  const { state, directory } = checkpoint;
  // The path of the tokenizers does not matter: the run directory has a copy.
  const vocabulary = settingChanges(before.tokenizer, config.tokenizer, 'tokenizer').filter(
    ({ key }) => key !== 'tokenizer.directory',
  );
  const differences = [...settingChanges(state.model, config.model, 'model'), ...vocabulary].map(formatChange);
  const now = tokenizerIdentities(tokenizers);
  for (const side of ['source', 'target'] as const) {
    if (state.tokenizers[side].fingerprint !== now[side].fingerprint) {
      const sizes = `${plural(state.tokenizers[side].vocabularySize, 'token')} then, ${now[side].vocabularySize} now`;
      differences.push(`the ${side} vocabulary (${sizes})`);
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

/** Hash of everything that determines the order of batches: content and weights of the corpora, seed and batch size. */
export function batchOrder(corpus: Pick<PackedCorpus, 'key' | 'size'>, options: BatchOptions): string {
  return createHash('sha256')
    .update(JSON.stringify([corpus.key, corpus.size, options]))
    .digest('hex');
}

/**
 * Returns the batch position at which a resumed run continues. If the batch order has changed, the position within the
 * epoch is meaningless, and the run continues with the next epoch.
 *
 * @param before `batchOrder` of the checkpoint; undefined in old checkpoints, and then assumed unchanged
 * @param now `batchOrder` of the resumed run
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
