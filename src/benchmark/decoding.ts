import { configSchema, type ModelConfig } from '../config/schema.js';
import { S2sError } from '../errors.js';
import { translateAll } from '../decoding/translate-all.js';
import { buildModel } from '../model/build.js';
import { Random } from '../random.js';
import type { ComputePolicy } from '../runtime/policy.js';
import { readLines } from '../text/lines.js';
import { EOS } from '../vocab/special.js';
import { median, peakResidentMegabytes, reportHead, rounded, type ReportHead } from './report.js';

/** What is measured: a model, its sentences, and how often they are translated. */
export interface DecodingBenchmark {
  /** For the report. */
  readonly name: string;
  readonly config: ModelConfig;
  /** Tokens in the vocabularies. */
  readonly sourceVocabulary: number;
  readonly targetVocabulary: number;
  /** Tokens of each sentence, `</s>` included. */
  readonly lengths: readonly number[];
  readonly beamSize: number;
  /** Timed passes over all sentences. */
  readonly steps: number;
  /** Passes before them. */
  readonly warmup: number;
  readonly seed: number;
  readonly policy: ComputePolicy;
  /** As asked for, for the report. */
  readonly device: string;
}

/** How fast translation is. */
export interface DecodingReport extends ReportHead {
  readonly beam_size: number;
  readonly sentences: number;
  readonly sentences_per_second: number;
  /** Generated tokens of the best hypotheses. */
  readonly target_tokens_per_second: number;
  readonly peak_resident_megabytes: number;
}

/** As the default settings translate. */
const { batchTokens, lengthPenalty } = configSchema.shape.decoding.parse({});

/** Lengths are those of a Weibull distribution of this scale and shape, within these limits. */
const LENGTHS = { scale: 16, shape: 2.2, shortest: 5, longest: 30 } as const;

/**
 * Lengths of synthetic sentences in tokens, `</s>` included: a fixed share of every length, from 5 to 30 with the median
 * at 14 and more short than long ones, as in captions and talks. The same as in bench/peer_pytorch.py.
 *
 * @returns in rising order
 */
export function sentenceLengths(sentences: number): number[] {
  const { scale, shape, shortest, longest } = LENGTHS;
  return Array.from({ length: sentences }, (_, index) => {
    const quantile = scale * (-Math.log(1 - (index + 0.5) / sentences)) ** (1 / shape);
    return Math.min(longest, Math.max(shortest, Math.round(quantile)));
  });
}

/**
 * Lengths of the sentences of a tokenised text, `</s>` included; blank lines are no sentences.
 *
 * @param file a sentence a line, its tokens between spaces, as `s2s tokenize` writes them (.gz or not)
 * @throws S2sError when the file cannot be read or holds no sentence
 */
export async function lengthsIn(file: string): Promise<number[]> {
  const lengths: number[] = [];
  for await (const line of readLines(file)) {
    // Spaces alone, for other white space may be a token.
    const tokens = line.split(' ').filter((token) => token !== '');
    if (tokens.length > 0) lengths.push(tokens.length + 1);
  }
  if (lengths.length === 0)
    throw new S2sError('no-sentences', 'holds no sentence', {
      place: { file },
      hint: 'It should have a sentence a line, in tokens as s2s tokenize writes them.',
    });
  return lengths;
}

/**
 * Times the translation of synthetic sentences by a model with random weights, with the search that `s2s translate`
 * uses. A random model would end its sentences anywhere, so it is kept from ever choosing `</s>`, and every sentence is
 * prolonged to exactly as many tokens as its source has. `loadTensorFlow` comes first.
 *
 * @throws S2sError `wrong-lengths` when a translation has another length, so that speeds could not be compared
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
    model.parameters.assign(model.outputBias, withoutEnd(targetVocabulary));
    const options = { beamSize, lengthPenalty, batchTokens, maxLengthRatio: 1, maxLengthMargin: 0 };
    const seconds: number[] = [];
    for (let pass = 0; pass < warmup + steps; pass++) {
      const start = performance.now();
      const translations = await translateAll(model, sources, options);
      if (pass >= warmup) seconds.push((performance.now() - start) / 1000);
      if (translations.some(([best], index) => best?.tokens.length !== sources[index]!.length))
        throw new S2sError('wrong-lengths', 'a translation of the benchmark is not as long as its source');
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

/** An output bias with which `</s>` never is the best token. */
function withoutEnd(vocabulary: number): Float32Array {
  const bias = new Float32Array(vocabulary);
  bias[EOS] = -1e9;
  return bias;
}
