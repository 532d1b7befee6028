import type { CorpusConfig } from '../config/schema.js';
import { S2sError } from '../errors.js';
import { plural } from '../plural.js';
import { readLineBlocks } from '../text/lines.js';
import type { OddCharacters } from './odd-characters.js';
import { sideFile, type Pair } from './pair.js';
import { counterOf, UnusableLines, type LinePolicy } from './unusable-lines.js';

/**
 * Reads pairs from two aligned files: line N of one translates line N of the other.
 * @throws S2sError `line-counts-differ` at the first line without a counterpart
 */
export async function* readPlain(
  config: CorpusConfig,
  corpus: number,
  odd: OddCharacters,
  options: { readonly lines?: LinePolicy | undefined } = {},
): AsyncGenerator<Pair[]> {
  const [sourceFile, targetFile] = [sideFile(config, 'source'), sideFile(config, 'target')];
  const unusable = { source: new UnusableLines(options.lines), target: new UnusableLines(options.lines) };
  const count = { source: counterOf(odd, corpus, 'source'), target: counterOf(odd, corpus, 'target') };
  const sourceBlocks = readLineBlocks(sourceFile, unusable.source.options);
  const targetBlocks = readLineBlocks(targetFile, unusable.target.options);
  let line = 0;
  try {
    let sources: string[] = [];
    let targets: string[] = [];
    for (;;) {
      if (sources.length === 0) sources = await nextLines(sourceBlocks);
      if (targets.length === 0) targets = await nextLines(targetBlocks);
      const common = Math.min(sources.length, targets.length);
      if (common === 0) break;
      const pairs: Pair[] = [];
      for (let i = 0; i < common; i++) {
        line++;
        const inSource = unusable.source.take(line, line, count.source);
        const reason = unusable.target.take(line, line, count.target) ?? inSource;
        if (reason !== undefined) {
          pairs.push({ source: '', target: '', file: sourceFile, line, corpus, unusable: reason });
          continue;
        }
        pairs.push({
          source: odd.cleanLine(sources[i]!, corpus, 'source', line),
          target: odd.cleanLine(targets[i]!, corpus, 'target', line),
          file: sourceFile,
          line,
          corpus,
        });
      }
      yield pairs;
      sources = sources.slice(common);
      targets = targets.slice(common);
    }
    const extraSources = await countRest(sources, sourceBlocks);
    const extraTargets = await countRest(targets, targetBlocks);
    if (extraSources > 0) throw linesDiffer(sourceFile, line + extraSources, targetFile, line);
    if (extraTargets > 0) throw linesDiffer(targetFile, line + extraTargets, sourceFile, line);
  } finally {
    await Promise.all([sourceBlocks.return(undefined), targetBlocks.return(undefined)]);
  }
}

/** The next non-empty block, or an empty one at the end of the file. */
async function nextLines(blocks: AsyncGenerator<string[]>): Promise<string[]> {
  for (;;) {
    const next = await blocks.next();
    if (next.done === true) return [];
    if (next.value.length > 0) return next.value;
  }
}

async function countRest(lines: readonly string[], blocks: AsyncGenerator<string[]>): Promise<number> {
  let count = lines.length;
  for await (const block of blocks) count += block.length;
  return count;
}

function linesDiffer(longer: string, longerLines: number, shorter: string, shorterLines: number): S2sError {
  const counts = `it has ${plural(shorterLines, 'line')}, this file ${plural(longerLines, 'line')}`;
  return new S2sError('line-counts-differ', `no matching line in ${shorter}: ${counts}`, {
    place: { file: longer, line: shorterLines + 1 },
    hint: 'Line N of one file must translate line N of the other: make both the same length.',
  });
}
