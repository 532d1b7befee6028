import { writeLastRun } from '../checkpoint/last-run.js';
import { readIndex } from '../checkpoint/checkpoint-index.js';
import type { LoadedConfig } from '../config/file-schema.js';
import { assertTrainingFiles } from '../data/training-files.js';
import { systemError, UsageError } from '../errors.js';
import { plural } from '../plural.js';
import { describeRuntime, loadTensorFlow, policyFor } from '../runtime/tensorflow.js';
import { MetricsLog } from '../training/metrics-log.js';
import { openTraining, type StartFrom } from '../training/open.js';
import { completedEpochs, type TrainingRun } from '../training/run.js';
import { TensorBoardLog } from '../training/tensorboard.js';
import type { StopReason } from '../training/limits.js';
import { stopReason } from '../training/decisions.js';
import { train } from '../training/train.js';
import { formatCount } from './format.js';
import { exitCodeOf, interruption, type StopSignal } from './interruption.js';
import { Log } from './log.js';
import type { TrainArguments } from './train.js';
import { describePreparation, TrainingReporter } from './training-report.js';

/** How to continue a training that has reached a limit. */
const REMEDIES: Record<StopReason, string> = {
  'max-steps': 'raise --max-steps',
  'max-epochs': 'raise --max-epochs',
  'max-minutes': 'raise --max-minutes',
  'early-stopping': 'raise training.earlyStopping.patience',
  interrupted: 'resume it',
};

/**
 * Prepares and runs a training, with its log on stderr. SIGINT, SIGTERM and SIGHUP save and stop it; the exit code is
 * then 130, 143 or 129.
 */
export async function runTraining(given: LoadedConfig, args: TrainArguments): Promise<void> {
  const log = new Log(args.logLevel);
  const config = await withAddedSteps(given, args);
  const { runDirectory } = config;
  // Before TensorFlow is loaded, which takes seconds.
  await assertTrainingFiles(config);
  const runtime = await loadTensorFlow({ device: config.device, tuneAllocator: true });
  log.info(`computing on ${describeRuntime(runtime, policyFor(config.precision))}`);
  if (runtime.kind === 'gpu')
    log.info('on GPUs newer than the CUDA libraries, kernels are compiled at the first use, which may take minutes');
  const run = await openTraining(config, { start: startOf(args), onEvent: (event) => describePreparation(event, log) });
  try {
    // A run without a checkpoint cannot translate, so it does not become the last run.
    if (run.progress.step > 0) await writeLastRun(runDirectory);
    const done = stopReason(run, run.progress, run.progress.elapsedSeconds);
    // A training that was interrupted at its last step still has to validate.
    if (args.resume && done !== undefined && run.progress.validated !== undefined) {
      const position = `step ${run.progress.step}, epoch ${completedEpochs(run)}`;
      log.info(`nothing to do: ${runDirectory} is at ${position}, and has reached its limit (${done}).`);
      log.info(`To continue, ${REMEDIES[done]}, or use --add-steps N.`);
      return;
    }
    await trainAndReport(run, log);
  } finally {
    await run.close();
  }
}

function startOf({ resume, initializeFrom }: TrainArguments): StartFrom {
  if (initializeFrom === undefined) return resume ? 'resume' : 'new';
  if (!resume) return { run: initializeFrom };
  throw new UsageError('usage', '--resume and --initialize-from cannot be combined.', {
    hint: 'Remove one of them.',
  });
}

async function trainAndReport(run: TrainingRun, log: Log): Promise<void> {
  const { config, runDirectory } = run;
  const metrics = new MetricsLog(runDirectory);
  const damaged = await metrics.rewind(run.progress);
  if (damaged > 0) log.warn(`removed ${plural(damaged, 'damaged line')} from metrics.jsonl`);
  const board = config.training.tensorboard ? new TensorBoardLog(runDirectory) : undefined;
  const reporter = new TrainingReporter(config, log);
  const stop = interruption(() => log.warn('stopping after this step; repeat to stop immediately without saving'));
  try {
    for await (const event of train(run, stop.signal)) {
      reporter.report(event);
      if (event.type === 'checkpoint') await writeLastRun(runDirectory);
      await metrics.append(event);
      board?.append(event);
    }
    if (stop.signal.aborted) process.exitCode = exitCodeOf(stop.signal.reason as StopSignal);
  } catch (error) {
    throw systemError(error, await lastCheckpoint(runDirectory));
  } finally {
    stop.close();
    reporter.close();
    board?.close();
  }
}

/** What is left of a training that an error of the system has ended. */
async function lastCheckpoint(runDirectory: string): Promise<{ note?: string; hint?: string }> {
  const index = await readIndex(runDirectory).catch(() => undefined);
  if (index === undefined) return {};
  const step = index.checkpoints.at(-1)?.step;
  return step === undefined
    ? { note: 'no checkpoint was saved' }
    : { note: `the last checkpoint is from step ${formatCount(step)}`, hint: 'Then continue with --resume.' };
}

/** Replaces all limits by the --add-steps after the last checkpoint. */
async function withAddedSteps(config: LoadedConfig, { addSteps, resume }: TrainArguments): Promise<LoadedConfig> {
  if (addSteps === undefined) return config;
  if (!resume) throw new UsageError('usage', '--add-steps requires --resume.');
  if (!Number.isInteger(addSteps) || addSteps < 1)
    throw new UsageError('usage', `--add-steps must be an integer of at least 1, but is ${addSteps}.`);
  const { checkpoints } = await readIndex(config.runDirectory);
  const step = checkpoints.at(-1)?.step ?? 0;
  const { earlyStopping } = config.training;
  return {
    ...config,
    training: {
      ...config.training,
      maxSteps: step + addSteps,
      maxEpochs: undefined,
      maxMinutes: undefined,
      earlyStopping: { ...earlyStopping, patience: 0 },
    },
  };
}
