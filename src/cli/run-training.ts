import { rememberRun } from '../checkpoint/last-run.js';
import { readIndex } from '../checkpoint/checkpoint-index.js';
import type { Config } from '../config/schema.js';
import { UsageError } from '../errors.js';
import { describeRuntime, loadTensorFlow, policyFor } from '../runtime/tensorflow.js';
import { MetricsLog } from '../training/metrics-log.js';
import { openTraining, type StartFrom } from '../training/open.js';
import { completedEpochs, type TrainingRun } from '../training/run.js';
import { TensorBoardLog } from '../training/tensorboard.js';
import type { StopReason } from '../training/limits.js';
import { stopReason, train } from '../training/train.js';
import { exitCodeOf, interruption, type StopSignal } from './interruption.js';
import { Log } from './log.js';
import type { TrainArguments } from './train.js';
import { describePreparation, TrainingReporter } from './training-report.js';

/** What to change where a resumed training has nothing left to do. */
const REMEDIES: Record<StopReason, string> = {
  'max-steps': 'raise --max-steps',
  'max-epochs': 'raise --max-epochs',
  'max-minutes': 'raise --max-minutes',
  'early-stopping': 'raise training.earlyStopping.patience',
  interrupted: 'resume it',
};

/**
 * Prepares and runs a training, telling on stderr how it goes. After SIGINT, SIGTERM or SIGHUP the training is saved and the
 * exit code is 130, 143 or 129.
 */
export async function runTraining(given: Config, args: TrainArguments): Promise<void> {
  const log = new Log(args.logLevel);
  const config = await withAddedSteps(given, args);
  const { runDirectory } = config;
  const runtime = await loadTensorFlow({ device: config.device, tuneAllocator: true });
  log.info(`computing on ${describeRuntime(runtime, policyFor(config.precision))}`);
  if (runtime.kind === 'gpu')
    log.info('on a GPU newer than the CUDA libraries, its code is compiled at first use: that may take minutes, once');
  const run = await openTraining(config, { start: startOf(args), onEvent: (event) => describePreparation(event, log) });
  try {
    // Until there is a checkpoint to translate with, the last run is the one before.
    if (run.progress.step > 0) await rememberRun(runDirectory);
    const done = stopReason(run, run.progress, run.progress.elapsedSeconds);
    // A training interrupted at its very last step has not validated it yet.
    if (args.resume && done !== undefined && run.progress.validated !== undefined) {
      log.info(
        `nothing left to do: ${runDirectory} is at step ${run.progress.step}, epoch ${completedEpochs(run)}, and has reached its limit (${done}).`,
      );
      log.info(`To train on, ${REMEDIES[done]}, or give --add-steps N.`);
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
  throw new UsageError('usage', '--resume and --initialize-from both say where the training starts.', {
    hint: 'Leave one of them out.',
  });
}

/** Runs the training, with its reports, its metrics and its reaction to signals. */
async function trainAndReport(run: TrainingRun, log: Log): Promise<void> {
  const { config, runDirectory } = run;
  const metrics = new MetricsLog(runDirectory);
  const damaged = await metrics.rewind(run.progress);
  if (damaged > 0) log.warn(`metrics.jsonl had ${damaged} damaged ${damaged === 1 ? 'line' : 'lines'}, now removed`);
  const board = config.training.tensorboard ? new TensorBoardLog(runDirectory) : undefined;
  const reporter = new TrainingReporter(config, log);
  const stop = interruption(() => log.warn('stopping after this step; once more to stop at once without saving'));
  try {
    for await (const event of train(run, stop.signal)) {
      reporter.report(event);
      if (event.type === 'checkpoint') await rememberRun(runDirectory);
      await metrics.append(event);
      board?.append(event);
    }
    if (stop.signal.aborted) process.exitCode = exitCodeOf(stop.signal.reason as StopSignal);
  } finally {
    stop.close();
    reporter.close();
    board?.close();
  }
}

/** With --add-steps the limit is counted from the last checkpoint, and the other limits do not count. */
async function withAddedSteps(config: Config, { addSteps, resume }: TrainArguments): Promise<Config> {
  if (addSteps === undefined) return config;
  if (!resume) throw new UsageError('usage', '--add-steps needs --resume.');
  if (!Number.isInteger(addSteps) || addSteps < 1)
    throw new UsageError('usage', `--add-steps must be a whole number from 1, but is ${addSteps}.`);
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
