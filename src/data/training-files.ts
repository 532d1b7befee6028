import { stat } from 'node:fs/promises';
import { listedCorpora, type TextConfig } from '../config/hold-out.js';
import type { CorpusConfig } from '../config/schema.js';
import { UsageError } from '../errors.js';
import { assertTextFile } from '../text/lines.js';

/**
 * Checks the files of the training and dev corpora before anything is learned from them: training reads them more than
 * once, and only text is worth learning from.
 *
 * @throws UsageError `not-rereadable` for a pipe, socket or device; S2sError `not-text`, `gzip-broken` or
 *   `file-unreadable` for a file whose first bytes are not those of text
 */
export async function assertTrainingFiles(config: TextConfig): Promise<void> {
  const files = trainingFiles(config);
  // A pipe is not opened: opening waits for its writer.
  for (const { file, key } of files) {
    const kind = await specialKind(file);
    if (kind === undefined) continue;
    throw new UsageError(
      'not-rereadable',
      `${key} is a ${kind}, and training reads its text more than once: write it to a file first`,
      { place: { file } },
    );
  }
  for (const { file } of files) await assertTextFile(file);
}

/** As `assertTrainingFiles`, but for a command that reads each file only once: pipes are checked as they are read. */
export async function assertVocabularyFiles(config: TextConfig): Promise<void> {
  for (const { file } of trainingFiles(config)) if ((await specialKind(file)) === undefined) await assertTextFile(file);
}

function trainingFiles({ data }: TextConfig): { readonly file: string; readonly key: string }[] {
  return (['train', 'dev'] as const).flatMap((split) =>
    listedCorpora(data, split).flatMap((corpus: CorpusConfig, index) =>
      (['source', 'target', 'file'] as const).flatMap((side) => {
        const file = corpus[side];
        return file === undefined ? [] : [{ file, key: `data.${split}[${index}].${side}` }];
      }),
    ),
  );
}

/** What a path names that is neither a file nor a directory; undefined also if there is nothing. */
async function specialKind(file: string): Promise<'pipe' | 'socket' | 'device' | undefined> {
  const stats = await stat(file).catch(() => undefined);
  if (stats === undefined || stats.isFile() || stats.isDirectory()) return undefined;
  if (stats.isFIFO()) return 'pipe';
  return stats.isSocket() ? 'socket' : 'device';
}
