import { constants } from 'node:fs';
import { access, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../config/schema.js';
import { S2sError } from '../errors.js';
import { evaluateModel, scorePairs } from '../evaluation/evaluate-model.js';
import { defaultSplit, readSplit, type EvaluationSet } from '../evaluation/evaluation-set.js';
import type { ScoringOptions } from '../metrics/score-translations.js';
import { loadTensorFlow } from '../runtime/tensorflow.js';
import { loadRun, type LoadedRun } from '../translation/load-run.js';
import { MAX_SOURCE_TOKENS } from '../decoding/translate-lines.js';
import type { EvalArguments } from './eval.js';
import { readParallelFiles } from './eval-files.js';
import { formatScoresAsJson, formatScoresForPeople } from './eval-report.js';
import { formatCount } from './format.js';
import type { Log } from './log.js';
import { findModel, type FoundModel } from './model-options.js';

/** Evaluates a trained model on a split or on files, and prints its scores; with --score, its log-probabilities. */
export async function evaluateRun(
  args: EvalArguments,
  references: readonly string[],
  scoring: ScoringOptions,
  log: Log,
): Promise<void> {
  const found = await findModel(args, { readsData: args.source === undefined });
  const { config, runDirectory, which } = found;
  // What is wrong with files is said before the model takes its time.
  if (args.output !== undefined) {
    const { train, dev, test } = config.data;
    const inputs = [
      args.source,
      ...references,
      args.config,
      ...[...train, ...dev, ...test].flatMap(({ source, target, file }) => [source, target, file]),
    ];
    await checkWritable(
      args.output,
      inputs.filter((file) => file !== undefined),
    );
  }
  const { set, name } = await readEvaluationSet(args, references, found);
  // Log-probabilities are printed with more digits than half precision has, whatever pairs they share a batch with.
  await loadTensorFlow({ device: config.device, tuneAllocator: true });
  const run = await loadRun(runDirectory, which, { precision: args.score === true ? 'float32' : undefined });
  try {
    log.info(`model: ${runDirectory}, step ${run.checkpoint.state.step}`);
    await printScores(args, { run, config, set, name }, scoring, log);
  } finally {
    run.close();
  }
}

async function printScores(
  args: EvalArguments,
  {
    run: { model, tokenizers },
    config: { decoding },
    set,
    name,
  }: { run: LoadedRun; config: Config; set: EvaluationSet; name: string },
  scoring: ScoringOptions,
  log: Log,
): Promise<void> {
  const { sources } = set;

  if (args.score === true) {
    log.info(`scoring ${formatCount(sources.length)} pairs of ${name}`);
    const logProbabilities = await scorePairs(sources, set.references[0], { model, tokenizers, decoding });
    process.stdout.write(logProbabilities.map((value) => `${value.toFixed(6)}\n`).join(''));
    return;
  }

  log.info(`translating ${formatCount(sources.length)} lines of ${name}, beam ${decoding.beamSize}`);
  const { scores, teacherForced, hypotheses, warnings } = await evaluateModel(set, {
    model,
    tokenizers,
    decoding,
    scoring,
    onCut: (index, tokens) =>
      log.warn(`line ${index + 1} has ${tokens} tokens; only the first ${MAX_SOURCE_TOKENS} are translated`),
    onProgress: (done, total) => log.debug(`${formatCount(done)} of ${formatCount(total)} lines translated`),
  });
  if (args.output !== undefined) await writeFile(args.output, hypotheses.map((line) => `${line}\n`).join(''));
  for (const warning of warnings) log.warn(warning);
  const { perplexity, accuracy, tokens } = teacherForced;
  const figures = { perplexity, accuracy, sentences: sources.length, targetTokens: tokens };
  process.stdout.write((args.json ? formatScoresAsJson : formatScoresForPeople)(scores, figures));
}

/** The text to evaluate on, and what to call it. */
async function readEvaluationSet(
  args: EvalArguments,
  referenceFiles: readonly string[],
  { config }: FoundModel,
): Promise<{ set: EvaluationSet; name: string }> {
  if (args.source === undefined) {
    const split = args.split ?? defaultSplit(config);
    return { set: await readSplit(config, split), name: split };
  }
  const [sources, first = [], ...others] = await readParallelFiles(args.source, referenceFiles);
  return { set: { sources, references: [first, ...others] }, name: args.source === '-' ? 'stdin' : args.source };
}

/**
 * Checks that a file can be written, and that it is none of the files that are read.
 *
 * @param inputs paths; - is stdin
 */
async function checkWritable(file: string, inputs: readonly string[]): Promise<void> {
  const refuse = (reason: string, cause?: unknown): S2sError =>
    new S2sError('file-unwritable', `the translations cannot be written there: ${reason}`, {
      place: { file },
      hint: 'Name another file after --output.',
      cause,
    });
  const present = await stat(file).catch(() => undefined);
  if (present?.isDirectory() === true) throw refuse('it is a folder');
  for (const input of present?.isFile() === true ? inputs : []) {
    const other = input === '-' ? undefined : await stat(input).catch(() => undefined);
    if (other?.ino === present?.ino && other?.dev === present?.dev)
      throw refuse(`this command reads it${input === file ? '' : ` as ${input}`}`);
  }
  await access(dirname(file), constants.W_OK).catch((cause: unknown) => {
    throw refuse('no such folder, or it may not be written to', cause);
  });
}
