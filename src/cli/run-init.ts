import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { loadConfig } from '../config/load.js';
import { UsageError } from '../errors.js';
import { replaceFile } from '../files/replace.mjs';
import { chooseSides, findColumn } from '../init/choose-sides.js';
import { configurationText } from '../init/configuration.js';
import { ColumnLanguages, describeColumn, exampleLines } from '../init/describe-sides.js';
import { nameOfLanguage } from '../init/language-names.js';
import { recogniseLayout, type Layout, type Sides } from '../init/layout.js';
import { heldOutSizes, surveyCorpus } from '../init/survey.js';
import { shellQuote } from '../shell-quote.js';
import { plural } from '../plural.js';
import { checkReadable } from './files.js';
import { formatCount } from './format.js';
import { ask, parseAnswer } from './init-question.js';
import type { InitArguments } from './init.js';
import { Log } from './log.js';

/** The arguments after the number of files has been checked. */
type InitWithFiles = InitArguments & { readonly files: readonly string[] };
type SideLanguages = Record<'source' | 'target', string | undefined>;

/** Recognises the text, asks on a terminal whether that is right, and writes the configuration. */
export async function runInit(args: InitWithFiles): Promise<void> {
  const log = new Log(args.logLevel);
  await checkReadable(args.files);
  const output = args.output ?? `${nameOf(args.files)}.yaml`;
  if (existsSync(output) && !args.force)
    throw new UsageError('init-exists', 'this file exists already', {
      place: { file: output },
      hint: 'Replace it with --force, or name another file with --output.',
    });

  const columns = [args.sourceColumn, args.targetColumn].filter((name) => name !== undefined);
  const layout = await recogniseLayout(args.files, columns);
  const languages = new ColumnLanguages();
  let sides = initialSides(layout, args);
  let chosen = await describe(layout, sides, languages, args, log);
  while (process.stdin.isTTY && process.stderr.isTTY && !args.yes) {
    const answer = parseAnswer(await ask(questionFor(layout)), sides, layout.columns.length);
    if (answer === undefined) break;
    if (answer === 'invalid') continue;
    sides = answer;
    chosen = await describe(layout, sides, languages, args, log);
  }

  const corpus = layout.corpusOf(sides);
  const survey = await surveyCorpus(corpus);
  const heldOut = heldOutSizes(survey, args);
  const runDirectory = args.runDir ?? path.join('runs', path.basename(output).replace(/\.(ya?ml|json)$/i, ''));
  const text = configurationText({
    output,
    runDirectory,
    corpus,
    languages: chosen,
    pairs: survey.pairs,
    heldOut,
  });
  await mkdir(path.dirname(path.resolve(output)), { recursive: true });
  await replaceFile(output, text);
  loadConfig({ file: output });
  const parts = [
    `${plural(heldOut.dev, 'pair')} held out for dev`,
    ...(heldOut.test > 0 ? [`${formatCount(heldOut.test)} for test`] : []),
  ];
  log.info(`wrote ${output}: ${plural(survey.pairs, 'pair')}, ${parts.join(' and ')}`);
  log.info('next:');
  process.stdout.write(`s2s train --config ${shellQuote(output)}\n`);
}

function initialSides(layout: Layout, { sourceColumn, targetColumn, swap }: InitArguments): Sides {
  const guess = chooseSides(layout);
  const given = {
    source: sourceColumn === undefined ? undefined : findColumn(layout.columns, sourceColumn, '--source-column'),
    target: targetColumn === undefined ? undefined : findColumn(layout.columns, targetColumn, '--target-column'),
  };
  // If only one is given, the other is the guess that it leaves.
  const other = (taken: number | undefined, wanted: number, instead: number): number =>
    taken === wanted ? instead : wanted;
  const sides = {
    source: given.source ?? other(given.target, guess.source, guess.target),
    target: given.target ?? other(given.source, guess.target, guess.source),
  };
  if (sides.source === sides.target)
    throw new UsageError('usage', '--source-column and --target-column are the same column.');
  return swap ? { source: sides.target, target: sides.source } : sides;
}

/** Logs what is taken for source and target, with examples, and returns their languages. */
async function describe(
  layout: Layout,
  sides: Sides,
  languages: ColumnLanguages,
  args: InitWithFiles,
  log: Log,
): Promise<SideLanguages> {
  const [source, target] = [layout.columns[sides.source]!, layout.columns[sides.target]!];
  const chosen = {
    source: args.sourceLanguage ?? (await languages.languageOf(source)),
    target: args.targetLanguage ?? (await languages.languageOf(target)),
  };
  const sideOf = (side: 'source' | 'target'): string => {
    const language = chosen[side];
    const name = language === undefined ? 'language not recognised' : nameOfLanguage(language);
    return `${side}: ${describeColumn(layout, sides, side)}, ${name}`;
  };
  const format = layout.format === 'plain' ? 'two aligned files' : layout.format.toUpperCase();
  log.info(`${args.files.join(', ')}: ${format}; ${sideOf('source')}; ${sideOf('target')}`);
  for (const line of exampleLines(layout, sides)) log.info(line);
  for (const warning of await languages.warnings({ source, target })) log.warn(warning);
  return chosen;
}

function questionFor({ columns, format }: Layout): string {
  const numbers =
    format === 'plain' || columns.length === 2
      ? ''
      : `, or numbers of the source and target columns of ${columns
          .map(({ name }, index) => `${index + 1}${name === undefined ? '' : ` ${name}`}`)
          .join(', ')}`;
  return `Are source and target right? Enter = yes, s = swap${numbers}: `;
}

/** `my` for `data/my.tsv.gz`, `train` for `train.de` and `train.en`. */
function nameOf(files: readonly string[]): string {
  const [first = '', second] = files.map((file) => path.basename(file).replace(/\.gz$/i, ''));
  const stem = first.replace(/\.[^.]+$/, '');
  if (second === undefined || stem === second.replace(/\.[^.]+$/, '')) return stem;
  let common = 0;
  while (common < first.length && first[common] === second[common]) common++;
  return first.slice(0, common).replace(/[._-]+$/, '') || stem;
}
