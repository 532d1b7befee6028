import { configSchema, type DecodingConfig, type ModelConfig } from '../config/schema.js';
import type { Hypothesis, SearchOptions } from '../decoding/search.js';
import { S2sError } from '../errors.js';
import { translateAll } from '../decoding/translate-all.js';
import { buildModel } from '../model/build.js';
import type { TrainableModel } from '../model/model.js';
import { Random } from '../random.js';
import type { ComputePolicy } from '../runtime/policy.js';
import { EOS } from '../vocab/special.js';
import { median, peakResidentMegabytes, reportHead, rounded, type ReportHead } from './report.js';

/** Settings of all measurements of decoding. */
export interface DecodingSettings {
  /** Name of the model in the report. */
  readonly name: string;
  readonly beamSize: number;
  /** Timed passes over all sentences. */
  readonly steps: number;
  /** Passes before the timed ones. */
  readonly warmup: number;
  /** The requested device, for the report. */
  readonly device: string;
}

/** A measurement with a model of random weights. */
export interface DecodingBenchmark extends DecodingSettings {
  readonly config: ModelConfig;
  /** Vocabulary sizes. */
  readonly sourceVocabulary: number;
  readonly targetVocabulary: number;
  /** Length of each sentence in tokens, `</s>` included. */
  readonly lengths: readonly number[];
  readonly seed: number;
  readonly policy: ComputePolicy;
}

/** A measurement with a trained model and real sentences. */
export interface TrainedDecodingBenchmark extends DecodingSettings {
  readonly model: TrainableModel;
  /** Ids of each sentence, `</s>` included. */
  readonly sources: readonly (readonly number[])[];
  /** Settings of search that the model was trained with. */
  readonly decoding: Pick<DecodingConfig, 'lengthPenalty' | 'batchTokens' | 'maxLengthRatio' | 'maxLengthMargin'>;
}

export interface DecodingReport extends ReportHead {
  readonly beam_size: number;
  readonly sentences: number;
  readonly sentences_per_second: number;
  /** Tokens of the best hypotheses, `</s>` included. */
  readonly target_tokens_per_second: number;
  readonly peak_resident_megabytes: number;
}

export interface TrainedDecodingReport extends DecodingReport {
  /** Log-probability of the best hypothesis, `</s>` included, without length penalty: the mean over the sentences. */
  readonly mean_log_probability: number;
}

const { batchTokens, lengthPenalty } = configSchema.shape.decoding.parse({});

/**
 * Measures the speed of beam search with a randomly initialised model on random sentences. `</s>` is banned, so that
 * each hypothesis is exactly as long as its source and speeds are comparable. Call `loadTensorFlow` first.
 *
 * @throws S2sError `wrong-lengths` if a hypothesis has another length
 */
export async function timeDecoding({
  config,
  sourceVocabulary,
  targetVocabulary,
  lengths,
  seed,
  policy,
  ...settings
}: DecodingBenchmark): Promise<DecodingReport> {
  const random = new Random(seed).derive('sentences');
  const sources = random
    .shuffle([...lengths])
    .map((length) => [
      ...Array.from({ length: length - 1 }, () => EOS + 1 + random.integer(sourceVocabulary - EOS - 1)),
      EOS,
    ]);
  const model = buildModel(
    config,
    { source: sourceVocabulary, target: targetVocabulary },
    { random: new Random(seed), policy },
  );
  try {
    model.parameters.assign(model.outputBias, biasWithoutEos(targetVocabulary));
    const { beamSize } = settings;
    const options = { beamSize, lengthPenalty, batchTokens, maxLengthRatio: 1, maxLengthMargin: 0 };
    const { report, hypotheses } = await timeSearch(model, sources, options, settings);
    if (hypotheses.some(({ tokens }, index) => tokens.length !== sources[index]!.length))
      throw new S2sError('wrong-lengths', 'a hypothesis of the benchmark is not as long as its source');
    return report;
  } finally {
    model.dispose();
  }
}

/**
 * Measures the speed of beam search with a trained model, whose hypotheses end in `</s>` as in a translation.
 *
 * @returns the report and the best hypothesis of each source
 */
export async function timeTrainedDecoding({
  model,
  sources,
  decoding,
  ...settings
}: TrainedDecodingBenchmark): Promise<{ report: TrainedDecodingReport; hypotheses: readonly Hypothesis[] }> {
  const options = { ...decoding, beamSize: settings.beamSize };
  const { report, hypotheses } = await timeSearch(model, sources, options, settings);
  const total = hypotheses.reduce((sum, { logProbability }) => sum + logProbability, 0);
  return { report: { ...report, mean_log_probability: total / sources.length }, hypotheses };
}

async function timeSearch(
  model: TrainableModel,
  sources: readonly (readonly number[])[],
  options: SearchOptions & Pick<DecodingConfig, 'batchTokens'>,
  { name, steps, warmup, device }: DecodingSettings,
): Promise<{ report: DecodingReport; hypotheses: readonly Hypothesis[] }> {
  const seconds: number[] = [];
  let hypotheses: readonly Hypothesis[] = [];
  for (let pass = 0; pass < warmup + steps; pass++) {
    const start = performance.now();
    const translations = await translateAll(model, sources, options);
    if (pass >= warmup) seconds.push((performance.now() - start) / 1000);
    hypotheses = translations.map(([best]) => best!);
  }
  const middle = median(seconds);
  const tokens = hypotheses.reduce((sum, { tokens, finished }) => sum + tokens.length + (finished ? 1 : 0), 0);
  const report = {
    ...reportHead(name, model.parameters, device),
    beam_size: options.beamSize,
    sentences: sources.length,
    sentences_per_second: rounded(sources.length / middle),
    target_tokens_per_second: rounded(tokens / middle),
    peak_resident_megabytes: peakResidentMegabytes(),
  };
  return { report, hypotheses };
}

/** Output bias that bans `</s>`. */
function biasWithoutEos(vocabulary: number): Float32Array {
  const bias = new Float32Array(vocabulary);
  bias[EOS] = -1e9;
  return bias;
}
