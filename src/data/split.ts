import { createHash } from 'node:crypto';
import { holdOutOf, listedCorpora, type HeldOutSplit, type TextConfig } from '../config/hold-out.js';
import type { CorpusConfig } from '../config/schema.js';
import { comparableText } from './comparable-text.js';
import { readPairs, type PairBlocks, type ReadOptions } from './corpus.js';
import type { DropReason } from './filter.js';
import { loadHeldOut } from './held-out.js';
import type { HeldOutPair, HeldOutPairs } from './held-out-file.js';
import type { OddCharacters } from './odd-characters.js';
import type { Pair } from './pair.js';
import { trainingLines } from './unusable-lines.js';

/** What reading a split reports. */
export interface ReadEvents extends Pick<ReadOptions, 'onShiftedRows'> {
  /** Called for each pair that is left out. */
  readonly onLeftOut?: (reason: DropReason) => void;
}

/** Streams pairs in blocks. */
export type ReadSplit = (odd?: OddCharacters, events?: ReadEvents) => PairBlocks;

/** The pairs of train, dev or test, with held-out pairs in dev and test instead of train. */
export interface Split {
  /** `Pair.corpus` and places refer to these. */
  readonly corpora: readonly CorpusConfig[];
  readonly read: ReadSplit;
  /** Identifies what `read` depends on besides the corpora; undefined if nothing. */
  readonly selection: string | undefined;
  /** Whether the pairs were held out: they are in memory, so caching them gains nothing. */
  readonly heldOut: boolean;
}

/**
 * Opens a split of a configuration. Everything that reads train, dev or test reads it through this function, so that
 * `holdOut` works everywhere.
 *
 * @throws S2sError see `loadHeldOut`
 */
export async function openSplit(config: TextConfig, split: HeldOutSplit | 'train'): Promise<Split> {
  const { data } = config;
  const corpora = listedCorpora(data, split);
  const lines = split === 'train' ? trainingLines(data) : undefined;
  const readAll = (odd?: OddCharacters, events?: ReadEvents) => readPairs(corpora, odd, { ...events, lines });
  const plain: Split = { corpora, read: readAll, selection: undefined, heldOut: false };
  if (split !== 'train') {
    if (holdOutOf(data, split) === undefined) return plain;
    return heldOutSplit((await loadHeldOut(config))![split]);
  }
  const heldOut = await loadHeldOut(config);
  if (heldOut === undefined) return plain;
  return {
    ...plain,
    read: (odd, events) => readWithout(heldOut, readAll(odd, events), events?.onLeftOut),
    selection: createHash('sha256')
      .update(JSON.stringify([heldOut.dev, heldOut.test].map((pairs) => pairs.map((pair) => textsOf(pair)))))
      .digest('hex'),
  };
}

/** Each run of pairs from the same file counts as a corpus. */
function heldOutSplit(heldOut: readonly HeldOutPair[]): Split {
  const corpora: CorpusConfig[] = [];
  const pairs = heldOut.map((pair): Pair => {
    if (corpora.at(-1)?.file !== pair.file) corpora.push({ file: pair.file });
    return { ...pair, corpus: corpora.length - 1 };
  });
  return { corpora, read: () => [pairs], selection: undefined, heldOut: true };
}

async function* readWithout(
  heldOut: HeldOutPairs,
  blocks: AsyncIterable<Pair[]>,
  onLeftOut: (reason: DropReason) => void = () => undefined,
): AsyncGenerator<Pair[]> {
  const all = [...heldOut.dev, ...heldOut.test].map(textsOf);
  const sources = new Set(all.map(([source]) => source));
  const targets = new Set(all.map(([, target]) => target));
  // The first pair with both texts counts as held out, others as its duplicates.
  const unseen = new Set(all.map((texts) => texts.join('\n')));
  for await (const block of blocks) {
    yield block.filter((pair) => {
      if (pair.unusable !== undefined) return true;
      const [source, target] = textsOf(pair);
      if (!sources.has(source) && !targets.has(target)) return true;
      onLeftOut(unseen.delete(`${source}\n${target}`) ? 'heldOut' : 'sameAsHeldOut');
      return false;
    });
  }
}

function textsOf({ source, target }: { readonly source: string; readonly target: string }): [string, string] {
  return [comparableText(source), comparableText(target)];
}
