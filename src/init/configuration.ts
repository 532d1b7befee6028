import path from 'node:path';
import { stringify } from 'yaml';
import { escapeVariables } from '../config/environment.js';
import type { CorpusConfig } from '../config/schema.js';
import { plural } from '../plural.js';
import { nameOfLanguage } from './language-names.js';

export interface ConfigurationParts {
  /** Path of the file to write; paths in it are relative to its directory. */
  readonly output: string;
  readonly runDirectory: string;
  readonly corpus: CorpusConfig;
  /** ISO 639 codes, or names; undefined if unknown. */
  readonly languages: { readonly source: string | undefined; readonly target: string | undefined };
  readonly pairs: number;
  /** Number of pairs to hold out; 0 for no test set. */
  readonly heldOut: { readonly dev: number; readonly test: number };
}

/** The YAML text of a configuration, with comments. Whatever depends on the text is left to the defaults. */
export function configurationText(parts: ConfigurationParts): string {
  const { output, runDirectory, corpus, languages, pairs, heldOut } = parts;
  const folder = path.dirname(path.resolve(output));
  const relative = (file: string | undefined): string | undefined =>
    file === undefined ? undefined : pathFrom(folder, file);
  const item = {
    ...corpus,
    ...(corpus.file === undefined
      ? { source: relative(corpus.source), target: relative(corpus.target) }
      : { file: relative(corpus.file) }),
  };
  const language = (side: 'source' | 'target'): string => {
    const code = languages[side];
    if (code === undefined) return `  # ${side}Language: not recognised\n`;
    const name = nameOfLanguage(code);
    return `  ${side}Language: ${scalar(code)}${name === code ? '' : `  # ${name}`}\n`;
  };
  const test =
    heldOut.test === 0
      ? ''
      : '  # As many again for `s2s eval --split test`: look at them once, at the end.\n' +
        `  test: { holdOut: ${heldOut.test} }\n`;
  return `# Written by s2s init for ${plural(pairs, 'pair')} of text. Settings that are not here are chosen or have defaults:
# s2s config --print shows them, s2s config --schema describes them.

# Checkpoints, vocabulary and results. Paths are relative to the folder of this file.
runDirectory: ${scalar(relative(runDirectory)!)}

data:
  # For reports.
${language('source')}${language('target')}
  # More corpora can follow in this list; weight: 2 shows each pair of a corpus twice per epoch.
  train:
${listItem(item)}
  # Pairs that are drawn by the seed and never trained on: they choose the best checkpoint. Dev text of your own takes
  # their place with dev: [{ source: dev.en, target: dev.fr }].
  dev: { holdOut: ${heldOut.dev} }
${test}`;
}

/** A relative path if it goes down from the folder or a few steps up, otherwise an absolute one. */
function pathFrom(folder: string, file: string): string {
  const absolute = path.resolve(file);
  const relative = path.relative(folder, absolute);
  return relative.startsWith('../../../') ? absolute : relative;
}

function scalar(text: string): string {
  return stringify(escapeVariables(text), { lineWidth: 0 }).trimEnd();
}

function listItem(item: object): string {
  return stringify([escapeVariables(item)], { lineWidth: 0 })
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
