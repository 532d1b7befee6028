import { realpathSync, statSync, type Stats } from 'node:fs';
import { formatOfName } from './corpus-format.js';
import { dataFiles } from './paths.js';
import type { Report } from './problems.js';
import type { Config, CorpusConfig } from './schema.js';
import { soundCorpora, soundSections, type PlacedCorpus } from './sound.js';

/**
 * Reports what types and ranges cannot say: settings that contradict each other, and files that are not there.
 *
 * @param value a configuration with absolute paths; what the schema refuses in it is left out of the checks, so that
 *   nothing is reported that a default in its place would cause
 */
export function checkConfig(value: unknown, { report, checkFiles }: { report: Report; checkFiles: boolean }): void {
  const { tokenizer, model, training, decoding } = soundSections(value);
  if (tokenizer !== undefined) checkTokenizer(tokenizer, report);
  if (model !== undefined) checkModel(model, report);
  if (model !== undefined && tokenizer !== undefined) checkSharing(model, tokenizer, report);
  if (training !== undefined) checkTraining(training, report);
  if (decoding?.copyUnknown === true && model?.decoder.attention === 'none') {
    report(['decoding', 'copyUnknown'], {
      message: 'needs to know where the model looks, but model.decoder.attention is none.',
      hint: 'Set it to false, or choose an attention.',
    });
  }
  const corpora = soundCorpora(value);
  for (const placed of corpora) checkCorpus(placed, report);
  checkHeldOut(corpora, report);
  if (!checkFiles) return;
  checkRunDirectory(value, report);
  checkDataFiles(value, report);
}

function checkTokenizer(tokenizer: Config['tokenizer'], report: Report): void {
  if (!tokenizer.shared) return;
  for (const side of ['source', 'target'] as const) {
    if (tokenizer[side] !== undefined) {
      report(['tokenizer', side], {
        message: 'has settings of its own, but tokenizer.shared says that both sides have one tokenizer.',
        hint: 'Set tokenizer.shared to false, or remove this key.',
      });
    }
  }
}

function checkModel({ encoder, decoder, embeddingSize, tieTargetEmbeddings }: Config['model'], report: Report): void {
  const key = (...path: string[]): string[] => ['model', ...path];
  if (encoder.bidirectional && encoder.hiddenSize % 2 !== 0) {
    report(key('encoder', 'hiddenSize'), {
      message: `is ${encoder.hiddenSize}, which two directions cannot share.`,
      hint: 'Make it even, or set model.encoder.bidirectional to false.',
    });
  }
  if (tieTargetEmbeddings && embeddingSize !== decoder.hiddenSize) {
    report(key('tieTargetEmbeddings'), {
      message: `needs model.embeddingSize (${embeddingSize}) equal to model.decoder.hiddenSize (${decoder.hiddenSize}).`,
      hint: 'Make them equal, or set it to false.',
    });
  }
  checkDecoder(decoder, encoder, report);
}

function checkDecoder(decoder: Config['model']['decoder'], encoder: Config['model']['encoder'], report: Report): void {
  const { attention, bridge, inputFeeding } = decoder;
  const key = (name: string): string[] => ['model', 'decoder', name];
  if (attention === 'dot' && encoder.hiddenSize !== decoder.hiddenSize) {
    report(key('attention'), {
      message: `is dot, which needs equal widths, but model.encoder.hiddenSize is ${encoder.hiddenSize} and model.decoder.hiddenSize ${decoder.hiddenSize}.`,
      hint: 'Make them equal, or use general.',
    });
  }
  if (attention === 'none' && inputFeeding) {
    report(key('inputFeeding'), {
      message: 'feeds the attention back, but model.decoder.attention is none.',
      hint: 'Set it to false, or choose an attention.',
    });
  }
  if (attention === 'none' && bridge === 'zero') {
    report(key('bridge'), {
      message: 'is zero and model.decoder.attention is none, so nothing of the source would reach the decoder.',
      hint: 'Change one of them.',
    });
  }
  if (bridge === 'copy' && (encoder.hiddenSize !== decoder.hiddenSize || encoder.layers !== decoder.layers)) {
    report(key('bridge'), {
      message: 'is copy, which needs encoder and decoder of the same hiddenSize and layers.',
      hint: 'Use projection.',
    });
  }
}

function checkSharing(model: Config['model'], tokenizer: Config['tokenizer'], report: Report): void {
  if (model.shareEmbeddings && !tokenizer.shared) {
    report(['model', 'shareEmbeddings'], {
      message: 'needs one vocabulary for both sides, but tokenizer.shared is false.',
      hint: 'Change one of them.',
    });
  }
}

function checkTraining({ optimizer, schedule, earlyStopping, validation }: Config['training'], report: Report): void {
  const key = (...path: string[]): string[] => ['training', ...path];
  if (optimizer.weightDecay > 0 && optimizer.name !== 'adamw') {
    report(key('optimizer', 'weightDecay'), {
      message: `is not used by ${optimizer.name}.`,
      hint: 'Set training.optimizer.name to adamw, or remove this key.',
    });
  }
  if (optimizer.momentum > 0 && optimizer.name !== 'sgd') {
    report(key('optimizer', 'momentum'), {
      message: `is not used by ${optimizer.name}.`,
      hint: 'Set training.optimizer.name to sgd, or remove this key.',
    });
  }
  if (schedule.name === 'inverse-sqrt' && schedule.warmupSteps === 0) {
    report(key('schedule', 'name'), {
      message: 'is inverse-sqrt, which decays from the end of the warm-up, but warmupSteps is 0.',
      hint: 'Set training.schedule.warmupSteps, for example to 2000.',
    });
  }
  if (schedule.minimumLearningRate > optimizer.learningRate) {
    report(key('schedule', 'minimumLearningRate'), {
      message: `is ${schedule.minimumLearningRate}, above training.optimizer.learningRate (${optimizer.learningRate}).`,
      hint: 'Change one of them.',
    });
  }
  if (earlyStopping.metric === 'bleu' && !validation.bleu) {
    report(key('earlyStopping', 'metric'), {
      message: 'is bleu, but training.validation.bleu is false.',
      hint: 'Watch loss, or compute BLEU.',
    });
  }
}

function checkCorpus({ split, index, corpus }: PlacedCorpus, report: Report): void {
  const path = ['data', split, index];
  const sides = corpus.source !== undefined || corpus.target !== undefined;
  if (sides && corpus.file !== undefined) {
    report(path, {
      message: 'has both file and source or target.',
      hint: 'Give either one file with both sides, or two aligned files.',
    });
  } else if (!sides && corpus.file === undefined) {
    report(path, { message: 'names no file.', hint: 'Give source and target, or file.' });
  } else if (sides && (corpus.source === undefined || corpus.target === undefined)) {
    report(path, {
      message: `lacks ${corpus.source === undefined ? 'source' : 'target'}.`,
      hint: 'Two aligned files need both.',
    });
  }
  if (corpus.file !== undefined) checkColumns(corpus, path, report);
  if (!sides) return;
  for (const key of ['format', 'sourceColumn', 'targetColumn', 'header', 'delimiter', 'quote'] as const) {
    if (corpus[key] !== undefined)
      report([...path, key], {
        message: 'is for one file with both sides, not for two aligned files.',
        hint: 'Remove it.',
      });
  }
  if (corpus.source !== undefined && corpus.source === corpus.target) {
    report([...path, 'target'], {
      message: 'is the same file as source.',
      hint: 'Name the file with the translations.',
    });
  }
}

function checkColumns(
  { file = '', format, sourceColumn, targetColumn, header }: CorpusConfig,
  path: PropertyKey[],
  report: Report,
): void {
  if (format === undefined && formatOfName(file) === undefined) {
    report([...path, 'file'], {
      message: `does not tell its format: ${file}.`,
      hint: 'Set format of this corpus to tsv, csv or jsonl.',
    });
  }
  if (sourceColumn !== undefined && sourceColumn === targetColumn) {
    report([...path, 'targetColumn'], {
      message: 'is the same column as sourceColumn.',
      hint: 'Name the column with the translations.',
    });
  }
  const named = [sourceColumn, targetColumn].some((column) => typeof column === 'string');
  if (header === false && named && (format ?? formatOfName(file)) !== 'jsonl') {
    report([...path, 'header'], {
      message: 'is false, but columns are given by name.',
      hint: 'Give them by number, from 1, or remove this key.',
    });
  }
}

/** No text may be in two of train, dev and test. */
function checkHeldOut(corpora: readonly PlacedCorpus[], report: Report): void {
  const seen = new Map<string, string>();
  for (const { split, index, corpus } of corpora) {
    const identity = identityOf(corpus);
    const earlier = identity === undefined ? undefined : seen.get(identity);
    if (earlier !== undefined && earlier !== split) {
      report(['data', split, index], {
        message: `is also in data.${earlier}.`,
        hint: 'Scores on text that was trained on, or that selects the model, say nothing: use held-out text.',
      });
    }
    if (identity !== undefined && earlier === undefined) seen.set(identity, split);
  }
}

/** A run directory may be new, but not a file. */
function checkRunDirectory(value: unknown, report: Report): void {
  const directory = (value as { readonly runDirectory?: unknown } | null | undefined)?.runDirectory;
  if (typeof directory !== 'string') return;
  const hint = 'Name a folder; it is made when it is not there.';
  try {
    if (statSync(directory, { throwIfNoEntry: false })?.isFile() === true)
      report(['runDirectory'], { message: `is a file, not a folder: ${directory}.`, hint });
  } catch (error) {
    report(['runDirectory'], { message: `${directory} cannot be used: ${(error as Error).message}.`, hint });
  }
}

function checkDataFiles(value: unknown, report: Report): void {
  for (const { path, file } of dataFiles(value)) {
    let stats: Stats | undefined;
    try {
      stats = statSync(file, { throwIfNoEntry: false });
    } catch (error) {
      report(path, { message: `${file} cannot be read: ${(error as Error).message}.` });
      continue;
    }
    if (stats === undefined) report(path, { message: `there is no file ${file}.` });
    else if (stats.isDirectory()) report(path, { message: `${file} is a folder.`, hint: 'Name a file in it.' });
  }
}

/** Equal for two corpora that are the same text, whatever links lead there; undefined where no file is named. */
function identityOf({ source, target, file, format, sourceColumn, targetColumn }: CorpusConfig): string | undefined {
  if (source === undefined && target === undefined && file === undefined) return undefined;
  const real = (path: string | undefined): string | undefined => {
    try {
      return path === undefined ? undefined : realpathSync(path);
    } catch {
      return path;
    }
  };
  // Turned around it is the same text.
  const defaults = file !== undefined && (format ?? formatOfName(file)) === 'jsonl' ? ['source', 'target'] : [1, 2];
  const sides =
    file === undefined ? [real(source), real(target)] : [sourceColumn ?? defaults[0], targetColumn ?? defaults[1]];
  return JSON.stringify([real(file), sides.map((side) => side ?? null).sort()]);
}
