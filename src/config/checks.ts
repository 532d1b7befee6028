import { existsSync, realpathSync } from 'node:fs';
import type { Problem } from './problems.js';
import type { Config, CorpusConfig } from './schema.js';

type Report = (path: readonly PropertyKey[], problem: Omit<Problem, 'place'>) => void;

/** What types and ranges cannot say: settings that contradict each other, and files that are not there. */
export function checkConfig(config: Config, { report, checkFiles }: { report: Report; checkFiles: boolean }): void {
  checkTokenizer(config, report);
  checkModel(config, report);
  checkTraining(config, report);
  checkCorpora(config, report);
  if (checkFiles) checkDataFiles(config, report);
}

function checkTokenizer({ tokenizer }: Config, report: Report): void {
  if (!tokenizer.shared) return;
  for (const side of ['source', 'target'] as const) {
    if (tokenizer[side] !== undefined) {
      report(['tokenizer', side], { message: 'has settings of its own, but tokenizer.shared says that both sides have one tokenizer.', hint: 'Set tokenizer.shared to false, or remove this key.' });
    }
  }
}

function checkModel({ model, tokenizer }: Config, report: Report): void {
  const { encoder, decoder, attention, bridge, embeddingSize } = model;
  const key = (...path: string[]): string[] => ['model', ...path];
  if (encoder.bidirectional && encoder.hiddenSize % 2 !== 0) {
    report(key('encoder', 'hiddenSize'), { message: `is ${encoder.hiddenSize}, which two directions cannot share.`, hint: 'Make it even, or set model.encoder.bidirectional to false.' });
  }
  if (attention === 'dot' && encoder.hiddenSize !== decoder.hiddenSize) {
    report(key('attention'), { message: `is dot, which needs equal widths, but model.encoder.hiddenSize is ${encoder.hiddenSize} and model.decoder.hiddenSize ${decoder.hiddenSize}.`, hint: 'Make them equal, or use general.' });
  }
  if (attention === 'none' && decoder.inputFeeding) {
    report(key('decoder', 'inputFeeding'), { message: 'feeds the attention back, but model.attention is none.', hint: 'Set it to false, or choose an attention.' });
  }
  if (attention === 'none' && bridge === 'zero') {
    report(key('bridge'), { message: 'is zero and model.attention is none, so nothing of the source would reach the decoder.', hint: 'Change one of them.' });
  }
  if (bridge === 'copy' && (encoder.hiddenSize !== decoder.hiddenSize || encoder.layers !== decoder.layers)) {
    report(key('bridge'), { message: 'is copy, which needs encoder and decoder of the same hiddenSize and layers.', hint: 'Use projection.' });
  }
  if (model.tieTargetEmbeddings && embeddingSize !== decoder.hiddenSize) {
    report(key('tieTargetEmbeddings'), { message: `needs model.embeddingSize (${embeddingSize}) equal to model.decoder.hiddenSize (${decoder.hiddenSize}).`, hint: 'Make them equal, or set it to false.' });
  }
  if (model.shareEmbeddings && !tokenizer.shared) {
    report(key('shareEmbeddings'), { message: 'needs one vocabulary for both sides, but tokenizer.shared is false.', hint: 'Change one of them.' });
  }
}

function checkTraining({ training }: Config, report: Report): void {
  const { optimizer, schedule, earlyStopping, validation } = training;
  const key = (...path: string[]): string[] => ['training', ...path];
  if (optimizer.weightDecay > 0 && optimizer.name !== 'adamw') {
    report(key('optimizer', 'weightDecay'), { message: `is not used by ${optimizer.name}.`, hint: 'Set training.optimizer.name to adamw, or remove this key.' });
  }
  if (optimizer.momentum > 0 && optimizer.name !== 'sgd') {
    report(key('optimizer', 'momentum'), { message: `is not used by ${optimizer.name}.`, hint: 'Set training.optimizer.name to sgd, or remove this key.' });
  }
  if (schedule.name === 'inverse-sqrt' && schedule.warmupSteps === 0) {
    report(key('schedule', 'name'), { message: 'is inverse-sqrt, which decays from the end of the warm-up, but warmupSteps is 0.', hint: 'Set training.schedule.warmupSteps, for example to 2000.' });
  }
  if (earlyStopping.metric === 'bleu' && !validation.bleu) {
    report(key('earlyStopping', 'metric'), { message: 'is bleu, but training.validation.bleu is false.', hint: 'Watch loss, or compute BLEU.' });
  }
}

function checkCorpora({ data }: Config, report: Report): void {
  for (const [split, index, corpus] of allCorpora(data)) {
    const path = ['data', split, index];
    const sides = corpus.source !== undefined || corpus.target !== undefined;
    if (sides && corpus.file !== undefined) {
      report(path, { message: 'has both file and source or target.', hint: 'Give either one file with both sides, or two aligned files.' });
    } else if (!sides && corpus.file === undefined) {
      report(path, { message: 'names no file.', hint: 'Give source and target, or file.' });
    } else if (sides && (corpus.source === undefined || corpus.target === undefined)) {
      report(path, { message: `lacks ${corpus.source === undefined ? 'source' : 'target'}.`, hint: 'Two aligned files need both.' });
    }
    if (sides) {
      for (const key of ['format', 'sourceColumn', 'targetColumn', 'header', 'delimiter', 'quote'] as const) {
        if (corpus[key] !== undefined) report([...path, key], { message: 'is for one file with both sides, not for two aligned files.', hint: 'Remove it.' });
      }
      if (corpus.source !== undefined && corpus.source === corpus.target) {
        report([...path, 'target'], { message: 'is the same file as source.' });
      }
    }
  }
  const seen = new Map<string, string>();
  for (const [split, index, corpus] of allCorpora(data)) {
    const identity = identityOf(corpus);
    const earlier = seen.get(identity);
    if (earlier !== undefined && earlier !== split) {
      report(['data', split, index], { message: `is also in data.${earlier}.`, hint: 'Scores on text that was trained on, or that selects the model, say nothing: use held-out text.' });
    }
    if (earlier === undefined) seen.set(identity, split);
  }
}

function checkDataFiles({ data }: Config, report: Report): void {
  for (const [split, index, corpus] of allCorpora(data)) {
    for (const key of ['source', 'target', 'file'] as const) {
      const file = corpus[key];
      if (file !== undefined && !existsSync(file)) report(['data', split, index, key], { message: `there is no file ${file}.` });
    }
  }
}

function* allCorpora(data: Config['data']): Generator<['train' | 'dev' | 'test', number, CorpusConfig]> {
  for (const split of ['train', 'dev', 'test'] as const) {
    for (const [index, corpus] of data[split].entries()) yield [split, index, corpus];
  }
}

/** Equal for two corpora that are the same text, whatever links lead there. */
function identityOf({ source, target, file, sourceColumn, targetColumn }: CorpusConfig): string {
  const real = (path: string | undefined): string | undefined => {
    try {
      return path === undefined ? undefined : realpathSync(path);
    } catch {
      return path;
    }
  };
  return JSON.stringify([real(source), real(target), real(file), sourceColumn ?? null, targetColumn ?? null]);
}
