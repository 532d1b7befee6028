import { SingleBar } from 'cli-progress';
import { CONFIG_FILE } from '../config/save.js';
import type { Config } from '../config/schema.js';
import { formatBatches } from '../data/batch-origin.js';
import { DROP_REASONS, type DropReason } from '../data/filter.js';
import { ODD_CHARACTERS } from '../data/odd-characters.js';
import type { FilterSummary, PairPlace } from '../data/summary.js';
import type { StoppedEvent, TrainingEvent, UpdateEvent, ValidationEvent } from '../training/events.js';
import type { PreparationEvent } from '../training/open.js';
import { formatChange } from '../training/resume.js';
import { formatCount, formatDuration, formatPerplexity, formatShare } from './format.js';
import type { Log } from './log.js';

/** Above this share of `<unk>` in a split, something is wrong with the vocabulary or the text. */
const MANY_UNKNOWN = 0.01;

/** Says in lines what happens before a training. */
export function describePreparation(event: PreparationEvent, log: Log): void {
  switch (event.type) {
    case 'vocabulary-needed':
      log.info(`building the vocabulary: ${event.reason}`);
      break;
    case 'vocabulary-built':
      for (const { role, size, file } of event.report.tokenizers)
        log.info(`vocabulary${role === 'shared' ? '' : ` (${role})`}: ${formatCount(size)} tokens in ${file}`);
      break;
    case 'vocabulary-differs':
      log.warn(`${event.directory}: its tokenizer is used as it is, although ${event.reason}`);
      break;
    case 'tokenizer-notices':
      for (const notice of event.notices) log.warn(`the tokenizer in ${event.directory}: ${notice}`);
      break;
    case 'cache-unusable':
    case 'cache-unwritable':
      log.warn(`${event.file}: ${event.reason}; the ${event.split} data are encoded anew`);
      break;
    case 'loaded':
      describeSplit(event.split, event.summary, event.fromCache, log);
      break;
    case 'nothing-to-resume':
      log.info('there is no checkpoint to resume from: starting from the beginning');
      break;
    case 'initialized':
      log.info(`starting with the weights of ${event.run}, step ${formatCount(event.step)}`);
      break;
    case 'resumed':
      log.info(`resuming at step ${formatCount(event.step)}`);
      for (const change of event.changes) log.info(`  ${formatChange(change)}`);
      if (event.restartedEpoch)
        log.warn('the order of the batches has changed, so training goes on with the next epoch');
      break;
    case 'reading':
    case 'learning':
    case 'measuring':
    case 'encoding':
      log.debug(JSON.stringify(event));
  }
}

function describeSplit(split: string, summary: FilterSummary, fromCache: boolean, log: Log): void {
  const dropped = (Object.keys(DROP_REASONS) as DropReason[]).filter((reason) => summary.dropped[reason] > 0);
  const reasons = dropped.map((reason) => `${formatCount(summary.dropped[reason])} ${DROP_REASONS[reason]}`);
  log.info(
    `${split}: ${formatCount(summary.kept)} of ${formatCount(summary.read)} pairs${reasons.length > 0 ? `; dropped ${reasons.join(', ')}` : ''}${fromCache ? ' (from the cache)' : ''}`,
  );
  for (const reason of dropped) {
    const longest = summary.examples.find((example) => example.reason === reason);
    if (longest !== undefined) log.info(`  longest dropped for ${DROP_REASONS[reason]}: ${formatPair(longest)}`);
  }
  if (summary.longest !== undefined) log.info(`  longest kept: ${formatPair(summary.longest)}`);
  if (summary.empty > 0)
    log.warn(
      `${formatCount(summary.empty)} pair${summary.empty === 1 ? '' : 's'} of ${split} ${summary.empty === 1 ? 'has' : 'have'} an empty side, and count${summary.empty === 1 ? 's' : ''} in every score`,
    );
  log.info(
    `  unknown tokens: ${formatShare(summary.sourceUnknownRate)} of the source, ${formatShare(summary.targetUnknownRate)} of the target`,
  );
  for (const side of ['source', 'target'] as const) {
    const rate = side === 'source' ? summary.sourceUnknownRate : summary.targetUnknownRate;
    if (rate > MANY_UNKNOWN)
      log.warn(
        `${formatShare(rate)} of the ${side} tokens of ${split} are unknown to the vocabulary; is it made from text like this?`,
      );
  }
  for (const { kind, lines, file, line } of summary.oddCharacters)
    log.warn(
      `${file}:${line}: ${ODD_CHARACTERS[kind]}: in ${formatCount(lines)} line${lines === 1 ? '' : 's'}, of which this is the first`,
    );
}

function formatPair({ file, line, sourceTokens, targetTokens }: PairPlace): string {
  return `${file}:${line} (${formatCount(sourceTokens)} source, ${formatCount(targetTokens)} target tokens)`;
}

/** Tells of a training: a progress bar on a terminal, plain lines elsewhere. */
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
        this.log.info(
          `${formatCount(event.parameters)} parameters, ${formatCount(event.trainPairs)} training pairs, ${formatCount(event.stepsPerEpoch)} steps an epoch, ${formatShare(event.paddingShare)} padding`,
        );
        this.log.info(`run directory: ${event.runDirectory}, the whole configuration in its ${CONFIG_FILE}`);
        if (!hasLimit(this.config))
          this.log.warn(
            'no limit is set: training goes on until interrupted (Ctrl-C saves); limits are --max-epochs, --max-minutes, --max-steps and training.earlyStopping.patience',
          );
        break;
      case 'rehearsal':
        this.log.info(
          `largest batch (${event.sentences} x ${event.sourceTime} source, ${event.targetTime} target tokens) and a decoding went through in ${formatDuration(event.seconds)}`,
        );
        this.bar?.start(1000, 0, { text: '' });
        break;
      case 'update':
        this.bar?.update(Math.round(1000 * (event.share ?? 0)), { text: updateLine(event) });
        if (event.report && this.bar === undefined) this.log.info(updateLine(event));
        break;
      case 'skipped':
        this.log.warn(
          `step ${event.step + 1} skipped: the ${event.notFinite} of ${formatBatches(event.batches, event.epoch)} is not finite (${event.inRow} in a row, ${event.total} in all); metrics.jsonl names all lines`,
        );
        break;
      case 'rescaled':
        this.log.debug(
          `step ${event.step + 1}: a gradient was too large for float16; the loss is now multiplied by ${event.lossFactor}`,
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
        this.log.info(
          `stopped at step ${formatCount(event.step)} after ${formatDuration(event.elapsedSeconds)}: ${event.reason}${event.skipped > 0 ? `; ${event.skipped} steps skipped` : ''}`,
        );
        if (event.best !== undefined)
          this.log.info(
            `best ${event.best.metric} on dev: ${event.best.value.toFixed(2)} at step ${formatCount(event.best.step)}`,
          );
        this.describeModel(event);
    }
  }

  /** Takes the bar off the terminal. */
  close(): void {
    this.bar?.stop();
    this.log.around = undefined;
  }

  private describeValidation(event: ValidationEvent): void {
    const bleu = event.bleu === undefined ? '' : `, BLEU ${event.bleu.toFixed(2)}`;
    this.log.info(
      `dev at step ${formatCount(event.step)}: loss ${event.loss.toFixed(4)}, perplexity ${formatPerplexity(event.perplexity)}, accuracy ${formatShare(event.accuracy)}${bleu}; validation took ${formatDuration(event.seconds)}, validations ${formatShare(event.timeShare)} of the time so far`,
    );
    if (event.bleuSignature !== undefined) this.log.debug(`BLEU signature: ${event.bleuSignature}`);
    for (const { source, reference, hypothesis } of event.samples) {
      this.log.info(`  source:     ${source}`);
      this.log.info(`  reference:  ${reference}`);
      this.log.info(`  hypothesis: ${hypothesis}`);
    }
    for (const warning of event.warnings) this.log.warn(warning);
  }

  /** Says where the model is and how to go on. */
  private describeModel({ reason, step, savedStep }: StoppedEvent): void {
    const { runDirectory } = this.config;
    if (savedStep === undefined) {
      this.log.warn(
        step === 0
          ? 'nothing is saved: no update has been made'
          : `nothing is saved: at step ${formatCount(step)} the training had diverged`,
      );
      return;
    }
    if (savedStep !== step)
      this.log.warn(
        `the last checkpoint is of step ${formatCount(savedStep)}: at step ${formatCount(step)} the training had diverged`,
      );
    if (reason === 'interrupted') this.log.info('to go on with the training, give the same command with --resume');
    this.log.info(`the model is in ${runDirectory}; translate with: s2s translate --model ${runDirectory} < input.txt`);
  }

  /** Lines go above the bar. */
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

function updateLine(event: UpdateEvent): string {
  const rates = [event.sourceTokensPerSecond, event.targetTokensPerSecond, event.paddingTokensPerSecond]
    .map(formatCount)
    .join(' / ');
  const left = event.remainingSeconds === undefined ? '' : `, ${formatDuration(event.remainingSeconds)} left`;
  return `epoch ${event.epoch} step ${formatCount(event.step)}: loss ${event.loss.toFixed(4)}, perplexity ${formatPerplexity(event.perplexity)}, lr ${event.learningRate.toPrecision(3)}, source / target / padding tokens a second ${rates}${left}`;
}

function hasLimit({ training }: Config): boolean {
  return (
    training.maxSteps !== undefined ||
    training.maxEpochs !== undefined ||
    training.maxMinutes !== undefined ||
    training.earlyStopping.patience > 0
  );
}
