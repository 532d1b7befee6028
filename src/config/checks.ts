import type { z } from 'zod';
import { checkCorpora, checkFiles } from './corpus-checks.js';
import { configFileSchema, type LoadedConfig } from './file-schema.js';
import { ConfigError, formatKey, type Problem, type Report } from './problems.js';
import { checkRecurrent } from './recurrent-checks.js';
import type { Config } from './schema.js';
import { checkTransformer } from './transformer-checks.js';

/**
 * Reports what the schema cannot express: settings that contradict each other, and missing files.
 *
 * @param value a configuration with absolute paths; sections that the schema rejects are skipped
 */
export function checkConfig(value: unknown, options: { report: Report; checkFiles: boolean }): void {
  const { report } = options;
  checkSections(validSections(value), report);
  checkCorpora(value, report);
  if (options.checkFiles) checkFiles(value, report);
}

/**
 * Checks that the values chosen for `auto` agree with the others.
 *
 * @throws ConfigError with all problems
 */
export function assertConsistent(config: Config): void {
  const problems: Problem[] = [];
  checkSections(config, (path, problem) => void problems.push({ ...problem, place: { key: formatKey(path) } }));
  if (problems.length > 0) throw new ConfigError(problems);
}

function checkSections({ data, tokenizer, model, training, decoding }: Partial<LoadedConfig>, report: Report): void {
  if (tokenizer !== undefined) checkTokenizer(tokenizer, report);
  if (model !== undefined) checkModel(model, report);
  if (model !== undefined) checkTransformer(model, data, report);
  if (model !== undefined) checkRecurrent(model, report);
  if (model !== undefined && tokenizer !== undefined) checkSharedEmbeddings(model, tokenizer, report);
  if (training !== undefined) checkTraining(training, report);
  if (
    decoding?.copyUnknown === true &&
    model !== undefined &&
    model.decoder.type !== 'transformer' &&
    model.decoder.attention === 'none'
  ) {
    report(['decoding', 'copyUnknown'], {
      message: 'requires attention weights, but model.decoder.attention is none.',
      hint: 'Set it to false, or choose an attention.',
    });
  }
}

/** The top-level settings that are valid on their own, with defaults; others are undefined. */
function validSections(value: unknown): Partial<LoadedConfig> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const entries = Object.entries(configFileSchema.shape as Record<string, z.ZodType>).flatMap(([key, schema]) => {
    const parsed = schema.safeParse((value as Readonly<Record<string, unknown>>)[key]);
    return parsed.success ? [[key, parsed.data]] : [];
  });
  return Object.fromEntries(entries) as Partial<LoadedConfig>;
}

function checkTokenizer(tokenizer: LoadedConfig['tokenizer'], report: Report): void {
  if (!tokenizer.shared) return;
  for (const side of ['source', 'target'] as const) {
    if (tokenizer[side] !== undefined) {
      report(['tokenizer', side], {
        message: 'cannot be set when tokenizer.shared is true: both sides have the same tokenizer.',
        hint: 'Set tokenizer.shared to false, or remove this key.',
      });
    }
  }
}

function checkModel(
  { encoder, decoder, embeddingSize, tieTargetEmbeddings }: LoadedConfig['model'],
  report: Report,
): void {
  if (
    encoder.type !== 'transformer' &&
    encoder.bidirectional &&
    encoder.hiddenSize !== 'auto' &&
    encoder.hiddenSize % 2 !== 0
  ) {
    report(['model', 'encoder', 'hiddenSize'], {
      message: `is ${encoder.hiddenSize}, but must be even for a bidirectional encoder.`,
      hint: 'Make it even, or set model.encoder.bidirectional to false.',
    });
  }
  if (tieTargetEmbeddings === true && differ(embeddingSize, decoder.hiddenSize)) {
    const sizes = `model.embeddingSize (${embeddingSize}) and model.decoder.hiddenSize (${decoder.hiddenSize})`;
    report(['model', 'tieTargetEmbeddings'], {
      message: `requires ${sizes} to be equal.`,
      hint: 'Make them equal, or set it to false.',
    });
  }
  if (decoder.type !== 'transformer') checkRecurrentDecoder(decoder, encoder, report);
}

/** Whether two sizes are both given and differ. */
function differ(left: number | 'auto', right: number | 'auto'): boolean {
  return left !== 'auto' && right !== 'auto' && left !== right;
}

function checkRecurrentDecoder(
  decoder: Exclude<LoadedConfig['model']['decoder'], { type: 'transformer' }>,
  encoder: LoadedConfig['model']['encoder'],
  report: Report,
): void {
  const { attention, bridge, inputFeeding } = decoder;
  const key = (name: string): string[] => ['model', 'decoder', name];
  if (attention === 'dot' && differ(encoder.hiddenSize, decoder.hiddenSize)) {
    const [encoderSize, decoderSize] = [encoder.hiddenSize, decoder.hiddenSize];
    const sizes = `model.encoder.hiddenSize is ${encoderSize} and model.decoder.hiddenSize is ${decoderSize}`;
    report(key('attention'), {
      message: `is dot, which requires equal hidden sizes, but ${sizes}.`,
      hint: 'Make them equal, or use general.',
    });
  }
  if (attention === 'none' && inputFeeding) {
    report(key('inputFeeding'), {
      message: 'requires attention, but model.decoder.attention is none.',
      hint: 'Set it to false, or choose an attention.',
    });
  }
  if (attention === 'none' && bridge === 'zero') {
    report(key('bridge'), {
      message: 'is zero and model.decoder.attention is none, so the decoder would not depend on the source.',
      hint: 'Change one of them.',
    });
  }
  // A Transformer has no final state: every layer starts from the mean of its outputs.
  const layersDiffer = encoder.type !== 'transformer' && encoder.layers !== decoder.layers;
  if (bridge === 'copy' && (differ(encoder.hiddenSize, decoder.hiddenSize) || layersDiffer)) {
    report(key('bridge'), {
      message: 'is copy, which requires equal hiddenSize and layers in encoder and decoder.',
      hint: 'Use projection.',
    });
  }
}

function checkSharedEmbeddings(
  model: LoadedConfig['model'],
  tokenizer: LoadedConfig['tokenizer'],
  report: Report,
): void {
  if (model.shareEmbeddings === true && !tokenizer.shared) {
    report(['model', 'shareEmbeddings'], {
      message: 'requires a shared vocabulary, but tokenizer.shared is false.',
      hint: 'Change one of them.',
    });
  }
}

function checkTraining(
  { optimizer, schedule, earlyStopping, validation }: LoadedConfig['training'],
  report: Report,
): void {
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
  if (optimizer.learningRate !== 'auto' && schedule.minimumLearningRate > optimizer.learningRate) {
    const limit = `training.optimizer.learningRate (${optimizer.learningRate})`;
    report(key('schedule', 'minimumLearningRate'), {
      message: `is ${schedule.minimumLearningRate}, above ${limit}.`,
      hint: 'Change one of them.',
    });
  }
  if (earlyStopping.metric !== 'loss' && !validation.bleu) {
    report(key('earlyStopping', 'metric'), {
      message: `is ${earlyStopping.metric}, but training.validation.bleu is false, so that nothing is translated.`,
      hint: 'Set it to loss, or training.validation.bleu to true.',
    });
  }
}
