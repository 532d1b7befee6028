import { configSchema, type ModelConfig } from '../config/schema.js';
import { S2sError } from '../errors.js';
import { translateAll } from '../decoding/translate-all.js';
import { buildModel } from '../model/build.js';
import { Random } from '../random.js';
import type { ComputePolicy } from '../runtime/policy.js';
import { readLines } from '../text/lines.js';
import { EOS } from '../vocab/special.js';
import { median, peakResidentMegabytes, reportHead, rounded, type ReportHead } from './report.js';

export interface DecodingBenchmark {
  /** Name of the model in the report. */
  readonly name: string;
  readonly config: ModelConfig;
  /** Vocabulary sizes. */
  readonly sourceVocabulary: number;
  readonly targetVocabulary: number;
  /** Length of each sentence in tokens, `</s>` included. */
  readonly lengths: readonly number[];
  readonly beamSize: number;
  /** Timed passes over all sentences. */
  readonly steps: number;
  /** Passes before the timed ones. */
  readonly warmup: number;
  readonly seed: number;
  readonly policy: ComputePolicy;
  /** The requested device, for the report. */
  readonly device: string;
}

export interface DecodingReport extends ReportHead {
  readonly beam_size: number;
  readonly sentences: number;
  readonly sentences_per_second: number;
  /** Tokens of the best hypotheses. */
  readonly target_tokens_per_second: number;
  readonly peak_resident_megabytes: number;
}

const { batchTokens, lengthPenalty } = configSchema.shape.decoding.parse({});

/** Parameters of a Weibull distribution, clipped to the range from `minimum` to `maximum`. */
const LENGTHS = { scale: 16, shape: 2.2, minimum: 5, maximum: 30 } as const;

/**
 * Returns the lengths of synthetic sentences in tokens, `</s>` included, in ascending order: quantiles of a Weibull
 * distribution from 5 to 30 tokens with a median of 14, similar to captions and talks. Must equal those of
 * bench/peer_pytorch.py.
 */
export function syntheticLengths(sentences: number): number[] {
  const { scale, shape, minimum, maximum } = LENGTHS;
  return Array.from({ length: sentences }, (_, index) => {
    const quantile = scale * (-Math.log(1 - (index + 0.5) / sentences)) ** (1 / shape);
    return Math.min(maximum, Math.max(minimum, Math.round(quantile)));
  });
}

/**
 * Reads the lengths of the sentences of a tokenised text, `</s>` included. Blank lines are ignored.
 *
 * @param file one sentence per line, its tokens separated by spaces as in the output of `s2s tokenize`; may be gzipped
 * @throws S2sError if the file cannot be read or contains no sentence
 */
export async function readSentenceLengths(file: string): Promise<number[]> {
  const lengths: number[] = [];
  for await (const line of readLines(file)) {
    // Only spaces separate tokens: other white space may be a token.
    const tokens = line.split(' ').filter((token) => token !== '');
    if (tokens.length > 0) lengths.push(tokens.length + 1);
  }
  if (lengths.length === 0)
    throw new S2sError('no-sentences', 'this file contains no sentence', {
      place: { file },
      hint: 'It should have one tokenised sentence per line, as in the output of s2s tokenize.',
    });
  return lengths;
}

/**
 * Measures the speed of beam search with a randomly initialised model on random sentences. `</s>` is banned, so that
 * each hypothesis is exactly as long as its source and speeds are comparable. Call `loadTensorFlow` first.
 *
 * @throws S2sError `wrong-lengths` if a hypothesis has another length
 */
export async function timeDecoding({
  name,
  config,
  sourceVocabulary,
  targetVocabulary,
  lengths,
  beamSize,
  steps,
  warmup,
  seed,
  policy,
  device,
}: DecodingBenchmark): Promise<DecodingReport> {
  const random = new Random(seed).derive('sentences');
  const sources = random
    .shuffle([...lengths])
    .map((length) => [
      ...Array.from({ length: length - 1 }, () => EOS + 1 + random.integer(sourceVocabulary - EOS - 1)),
      EOS,
    ]);
  const tokens = sources.reduce((sum, { length }) => sum + length, 0);
  const model = buildModel(
    config,
    { source: sourceVocabulary, target: targetVocabulary },
    { random: new Random(seed), policy },
  );
  try {
    model.parameters.assign(model.outputBias, biasWithoutEos(targetVocabulary));
    const options = { beamSize, lengthPenalty, batchTokens, maxLengthRatio: 1, maxLengthMargin: 0 };
    const seconds: number[] = [];
    for (let pass = 0; pass < warmup + steps; pass++) {
      const start = performance.now();
      const translations = await translateAll(model, sources, options);
      if (pass >= warmup) seconds.push((performance.now() - start) / 1000);
      if (translations.some(([best], index) => best?.tokens.length !== sources[index]!.length))
        throw new S2sError('wrong-lengths', 'a hypothesis of the benchmark is not as long as its source');
    }
    const middle = median(seconds);
    return {
      ...reportHead(name, model.parameters, device),
      beam_size: beamSize,
      sentences: lengths.length,
      sentences_per_second: rounded(lengths.length / middle),
      target_tokens_per_second: rounded(tokens / middle),
      peak_resident_megabytes: peakResidentMegabytes(),
    };
  } finally {
    model.dispose();
  }
}

/** Output bias that bans `</s>`. */
function biasWithoutEos(vocabulary: number): Float32Array {
  const bias = new Float32Array(vocabulary);
  bias[EOS] = -1e9;
  return bias;
}
