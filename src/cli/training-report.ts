import { SingleBar } from 'cli-progress';
import { CONFIG_FILE } from '../config/save.js';
import type { Config } from '../config/schema.js';
import { formatBatches } from '../data/batch-origin.js';
import { DROP_REASONS, type DropReason } from '../data/filter.js';
import { ODD_CHARACTERS } from '../data/odd-characters.js';
import type { FilterSummary, PairPlace } from '../data/summary.js';
import { plural } from '../plural.js';
import { shellQuote } from '../shell-quote.js';
import { describeShortage } from '../text/vocabulary-shortage.js';
import type {
  DryRunEvent,
  SkippedEvent,
  StartEvent,
  StoppedEvent,
  TrainingEvent,
  UpdateEvent,
  ValidationEvent,
} from '../training/events.js';
import type { PreparationEvent } from '../training/open.js';
import { formatChange } from '../training/resume.js';
import { formatCount, formatDuration, formatPerplexity, formatShare } from './format.js';
import type { Log } from './log.js';
import { reportChoices } from './choices-report.js';

/** A higher rate of `<unk>` in a split suggests that the vocabulary does not fit the text. */
const HIGH_UNKNOWN_RATE = 0.01;

/** Logs what happens before the first update. */
export function describePreparation(event: PreparationEvent, log: Log): void {
  switch (event.type) {
    case 'vocabulary-needed':
      log.info(`building the vocabulary: ${event.reason}`);
      break;
    case 'vocabulary-built':
      for (const { role, size, file } of event.report.tokenizers)
        log.info(`vocabulary${role === 'shared' ? '' : ` (${role})`}: ${formatCount(size)} tokens in ${file}`);
      break;
    case 'vocabulary-short':
      log.warn(describeShortage(event.shortage));
      break;
    case 'vocabulary-differs':
      log.warn(`${event.directory}: its tokenizer is used unchanged, although ${event.reason}`);
      break;
    case 'tokenizer-notices':
      for (const notice of event.notices) log.warn(`the tokenizer in ${event.directory}: ${notice}`);
      break;
    case 'cache-unusable':
    case 'cache-unwritable':
      log.warn(`${event.file}: ${event.reason}; the ${event.split} data are encoded again`);
      break;
    case 'loaded':
      describeSplit(event.split, event.summary, event.fromCache, log);
      break;
    case 'dev-scoring':
      for (const note of event.notes) log.info(note);
      for (const warning of event.warnings) log.warn(warning);
      break;
    case 'settings-chosen':
      reportChoices(event.choices, event.counted, log);
      break;
    case 'nothing-to-resume':
      log.info('no checkpoint to resume from: starting a new training');
      break;
    case 'initialized':
      log.info(`initialised with the weights of ${event.run}, step ${formatCount(event.step)}`);
      break;
    case 'resumed':
      log.info(`resuming at step ${formatCount(event.step)}`);
      for (const change of event.changes) log.info(`  ${formatChange(change)}`);
      if (event.restartedEpoch)
        log.warn('the order of the batches has changed: training continues with the next epoch');
      break;
    case 'reading':
    case 'learning':
    case 'measuring':
    case 'encoding':
      log.debug(JSON.stringify(event));
  }
}

function describeSplit(split: string, summary: FilterSummary, fromCache: boolean, log: Log): void {
  const { read, kept, dropped, examples, longest, empty, oddCharacters, shiftedRows } = summary;
  const reasons = (Object.keys(DROP_REASONS) as DropReason[]).filter((reason) => dropped[reason] > 0);
  const counts = reasons.map((reason) => `${formatCount(dropped[reason])} ${DROP_REASONS[reason]}`);
  const suffix = `${counts.length > 0 ? `; dropped ${counts.join(', ')}` : ''}${fromCache ? ' (from the cache)' : ''}`;
  log.info(`${split}: ${formatCount(kept)} of ${plural(read, 'pair')}${suffix}`);
  for (const reason of reasons) {
    const example = examples.find((candidate) => candidate.reason === reason);
    if (example !== undefined) log.info(`  longest dropped for ${DROP_REASONS[reason]}: ${formatPair(example)}`);
  }
  if (longest !== undefined) log.info(`  longest kept: ${formatPair(longest)}`);
  if (empty > 0) log.warn(`${plural(empty, 'pair')} with an empty side in ${split}: included in all scores`);
  describeUnknownTokens(split, summary, log);
  for (const { kind, lines, file, line } of oddCharacters)
    log.warn(`${file}:${line}: ${ODD_CHARACTERS[kind]}: first of ${plural(lines, 'line')}`);
  for (const { file, line, message } of shiftedRows) log.warn(`${file}:${line}: ${message}`);
}

function describeUnknownTokens(split: string, summary: FilterSummary, log: Log): void {
  const rates = { source: summary.sourceUnknownRate, target: summary.targetUnknownRate };
  log.info(`  unknown tokens: ${formatShare(rates.source)} of the source, ${formatShare(rates.target)} of the target`);
  for (const [side, rate] of Object.entries(rates)) {
    if (rate > HIGH_UNKNOWN_RATE)
      log.warn(
        `${formatShare(rate)} of the ${side} tokens of ${split} are unknown: ` +
          'raise tokenizer.size, or learn the vocabulary from text like this',
      );
  }
}

function formatPair({ file, line, sourceTokens, targetTokens }: PairPlace): string {
  return `${file}:${line} (${formatCount(sourceTokens)} source, ${formatCount(targetTokens)} target tokens)`;
}

/** Reports training events with a progress bar on a terminal, and with log lines elsewhere. */
export class TrainingReporter {
  private readonly bar: SingleBar | undefined;

  constructor(
    private readonly config: Config,
    private readonly log: Log,
  ) {
    if (!process.stderr.isTTY || log.level === 'error' || log.level === 'warn') return;
    this.bar = new SingleBar({
      format: '{bar} {text}',
      stream: process.stderr,
      barsize: 20,
      hideCursor: true,
      clearOnComplete: true,
      stopOnComplete: false,
    });
    log.around = (write) => this.aroundBar(write);
  }

  report(event: TrainingEvent): void {
    switch (event.type) {
      case 'start':
        this.describeStart(event);
        break;
      case 'dry-run':
        this.log.info(`dry run: ${describeDryRun(event)} in ${formatDuration(event.seconds)}`);
        this.bar?.start(1000, 0, { text: '' });
        break;
      case 'update':
        this.bar?.update(Math.round(1000 * (event.share ?? 0)), { text: updateLine(event) });
        if (event.report && this.bar === undefined) this.log.info(updateLine(event));
        break;
      case 'skipped':
        this.describeSkipped(event);
        break;
      case 'rescaled':
        this.log.debug(
          `step ${event.step + 1}: float16 overflow in a gradient; the loss scale is now ${event.lossFactor}`,
        );
        break;
      case 'validation':
        this.describeValidation(event);
        break;
      case 'checkpoint':
        this.log.info(`saved step ${formatCount(event.step)}${event.best ? ', the best so far' : ''}`);
        break;
      case 'stopped':
        this.close();
        this.describeStop(event);
        if (event.best !== undefined)
          this.log.info(
            `best ${event.best.metric} on dev: ${event.best.value.toFixed(2)} at step ${formatCount(event.best.step)}`,
          );
        this.describeModel(event);
    }
  }

  /** Removes the progress bar. */
  close(): void {
    this.bar?.stop();
    this.log.around = undefined;
  }

  private describeStart({ parameters, trainPairs, stepsPerEpoch, paddingShare, runDirectory }: StartEvent): void {
    const parts = [
      `${formatCount(parameters)} parameters`,
      `${formatCount(trainPairs)} training pairs`,
      `${formatCount(stepsPerEpoch)} steps per epoch`,
      `${formatShare(paddingShare)} padding`,
    ];
    this.log.info(parts.join(', '));
    this.log.info(`run directory: ${runDirectory}, with the resolved configuration in ${CONFIG_FILE}`);
    if (!hasLimit(this.config))
      this.log.warn(
        'no limit is set: training continues until it is interrupted (Ctrl-C saves); ' +
          'limits are --max-epochs, --max-minutes, --max-steps and training.earlyStopping.patience',
      );
  }

  private describeSkipped({ step, notFinite, batches, epoch, inRow, total }: SkippedEvent): void {
    const cause = `the ${notFinite} of ${formatBatches(batches, epoch)} is not finite`;
    this.log.warn(
      `step ${step + 1} skipped: ${cause} (${inRow} consecutive, ${total} in total); metrics.jsonl lists all lines`,
    );
  }

  private describeStop({ step, elapsedSeconds, reason, skipped }: StoppedEvent): void {
    const suffix = skipped > 0 ? `; ${plural(skipped, 'step')} skipped` : '';
    this.log.info(`stopped at step ${formatCount(step)} after ${formatDuration(elapsedSeconds)}: ${reason}${suffix}`);
  }

  private describeValidation(event: ValidationEvent): void {
    const scores = [
      `loss ${event.loss.toFixed(4)}`,
      `perplexity ${formatPerplexity(event.perplexity)}`,
      `accuracy ${formatShare(event.accuracy)}`,
      ...(event.bleu === undefined ? [] : [`BLEU ${event.bleu.toFixed(2)}`]),
      ...(event.chrf === undefined ? [] : [`chrF ${event.chrf.toFixed(2)}`]),
    ];
    const time = `validation took ${formatDuration(event.seconds)}`;
    const share = `all validations so far ${formatShare(event.timeShare)} of the training time`;
    this.log.info(`dev at step ${formatCount(event.step)}: ${scores.join(', ')}; ${time}, ${share}`);
    if (event.bleuSignature !== undefined) this.log.debug(`BLEU signature: ${event.bleuSignature}`);
    for (const { source, reference, hypothesis } of event.samples) {
      this.log.info(`  source:     ${source}`);
      this.log.info(`  reference:  ${reference}`);
      this.log.info(`  hypothesis: ${hypothesis}`);
    }
    for (const warning of event.warnings) this.log.warn(warning);
  }

  /** Logs where the model is, and how to resume or use it. */
  private describeModel({ reason, step, savedStep }: StoppedEvent): void {
    const { runDirectory } = this.config;
    if (savedStep === undefined) {
      this.log.warn(
        step === 0
          ? 'no checkpoint was saved: there was no update'
          : `no checkpoint was saved: the training had diverged at step ${formatCount(step)}`,
      );
      return;
    }
    if (savedStep !== step)
      this.log.warn(
        `the last checkpoint is from step ${formatCount(savedStep)}: ` +
          `the training had diverged at step ${formatCount(step)}`,
      );
    if (reason === 'interrupted') this.log.info('to resume the training, run the same command with --resume');
    const command = `s2s translate --model ${shellQuote(runDirectory)} < input.txt`;
    this.log.info(`the model is in ${runDirectory}; translate with: ${command}`);
  }

  /** Writes a line above the bar. */
  private aroundBar(write: () => void): void {
    if (this.bar?.isActive !== true) {
      write();
      return;
    }
    process.stderr.write('\r\u001b[K');
    write();
    this.bar.render();
  }
}

function describeDryRun({ sentences, sourceTime, targetTime }: DryRunEvent): string {
  return `largest batch (${sentences} x ${sourceTime} source, ${targetTime} target tokens) and a translation succeeded`;
}

function updateLine(event: UpdateEvent): string {
  const rates = [event.sourceTokensPerSecond, event.targetTokensPerSecond, event.paddingTokensPerSecond];
  const parts = [
    `loss ${event.loss.toFixed(4)}`,
    `perplexity ${formatPerplexity(event.perplexity)}`,
    `lr ${event.learningRate.toPrecision(3)}`,
    `source / target / padding tokens per second ${rates.map(formatCount).join(' / ')}`,
  ];
  if (event.remainingSeconds !== undefined) parts.push(`${formatDuration(event.remainingSeconds)} left`);
  return `epoch ${event.epoch} step ${formatCount(event.step)}: ${parts.join(', ')}`;
}

function hasLimit({ training }: Config): boolean {
  return (
    training.maxSteps !== undefined ||
    training.maxEpochs !== undefined ||
    training.maxMinutes !== undefined ||
    training.earlyStopping.patience > 0
  );
}
