import { writeFile } from 'node:fs/promises';
import type { LoadedConfig } from '../config/file-schema.js';
import { listedCorpora } from '../config/hold-out.js';
import { systemError } from '../errors.js';
import { evaluateModel, scorePairs } from '../evaluation/evaluate-model.js';
import { defaultSplit, readSplit, type EvaluationSet } from '../evaluation/evaluation-set.js';
import type { ScoringOptions } from '../metrics/score-translations.js';
import { plural } from '../plural.js';
import { loadTensorFlow } from '../runtime/tensorflow.js';
import { loadRun, type LoadedRun } from '../translation/load-run.js';
import { MAX_SOURCE_TOKENS } from '../decoding/translate-lines.js';
import type { EvalArguments } from './eval.js';
import { readParallelFiles } from './eval-files.js';
import { checkWritable } from './files.js';
import { formatScoresAsJson, formatScoresForPeople } from './eval-report.js';
import { formatCount } from './format.js';
import { LineWarnings } from './line-warnings.js';
import type { Log } from './log.js';
import { findModel, type FoundModel } from './model-options.js';
import { writeOutput } from './output.js';

/** Evaluates a model on a split or on files and prints its scores, or with --score its log-probabilities. */
export async function evaluateRun(
  args: EvalArguments,
  references: readonly string[],
  scoring: ScoringOptions,
  log: Log,
): Promise<void> {
  const found = await findModel(args, { readsData: args.source === undefined });
  const { config, runDirectory, which } = found;
  if (args.output !== undefined) {
    const inputs = [
      args.source,
      ...references,
      args.config,
      ...(['train', 'dev', 'test'] as const)
        .flatMap((split) => listedCorpora(config.data, split))
        .flatMap(({ source, target, file }) => [source, target, file]),
    ];
    await checkWritable(
      { file: args.output, option: '--output', content: 'the translations' },
      inputs.filter((file) => file !== undefined),
    );
  }
  const { set, name } = await readEvaluationSet(args, references, found, log);
  // In half precision, the printed digits of log-probabilities would depend on the batch.
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
  }: { run: LoadedRun; config: LoadedConfig; set: EvaluationSet; name: string },
  scoring: ScoringOptions,
  log: Log,
): Promise<void> {
  const { sources } = set;

  if (args.score === true) {
    log.info(`scoring ${plural(sources.length, 'sentence pair')} of ${name}`);
    const logProbabilities = await scorePairs(sources, set.references[0], { model, tokenizers, decoding });
    await writeOutput(logProbabilities.map((value) => `${value.toFixed(6)}\n`).join(''));
    return;
  }

  log.info(`translating ${plural(sources.length, 'line')} of ${name}, beam size ${decoding.beamSize}`);
  const { scores, teacherForced, hypotheses, warnings } = await evaluateModel(set, {
    model,
    tokenizers,
    decoding,
    scoring,
    onTruncated: (index, tokens) =>
      log.warn(`line ${index + 1} has ${tokens} tokens and was truncated to ${MAX_SOURCE_TOKENS}`),
    onProgress: (done, total) => log.debug(`${formatCount(done)} of ${formatCount(total)} lines translated`),
  });
  for (const warning of warnings) log.warn(warning);
  const { perplexity, accuracy, tokens } = teacherForced;
  const figures = { perplexity, accuracy, sentences: sources.length, targetTokens: tokens };
  await writeOutput((args.json ? formatScoresAsJson : formatScoresForPeople)(scores, figures));
  // After the scores, which took longest to compute.
  if (args.output !== undefined) await writeTranslations(args.output, hypotheses);
}

async function writeTranslations(file: string, lines: readonly string[]): Promise<void> {
  await writeFile(file, lines.map((line) => `${line}\n`).join('')).catch((error: unknown) => {
    throw systemError(error, { file, note: 'the translations there are not complete' });
  });
}

/** The evaluation data, and its name for messages. */
async function readEvaluationSet(
  args: EvalArguments,
  referenceFiles: readonly string[],
  { config }: FoundModel,
  log: Log,
): Promise<{ set: EvaluationSet; name: string }> {
  if (args.source === undefined) {
    const split = args.split ?? defaultSplit(config);
    return { set: await readSplit(config, split), name: split };
  }
  const [sources, first = [], ...others] = await readParallelFiles(args.source, referenceFiles, new LineWarnings(log));
  return { set: { sources, references: [first, ...others] }, name: args.source === '-' ? 'stdin' : args.source };
}
