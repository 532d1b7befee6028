import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readSafetensors, writeSafetensors, type SavedTensors } from '../../src/checkpoint/safetensors.js';
import { buildModel } from '../../src/model/build.js';
import { Random } from '../../src/random.js';
import { policyFor } from '../../src/runtime/tensorflow.js';
import type { Hypothesis } from '../../src/decoding/search.js';
import type { ParityCase } from './cases.js';

/** Directory of the reference scripts and the golden values. */
export const GOLDEN_FOLDER = resolve('test/golden/parity');

/** A case as read by reference.py. */
export interface RequestedCase extends ParityCase {
  /** Safetensors file with weights and moments, relative to the request. */
  readonly weights: string;
}

/** Translations of one sentence. */
export interface ReferenceTranslations {
  readonly hypotheses: readonly Hypothesis[];
  /** Smallest score difference that a decision of beam search depended on. */
  readonly margin: number;
}

/** Reference results of one batch. */
export interface ReferenceBatch {
  readonly loss: number;
  readonly negativeLogLikelihood: number;
  readonly gradientNorm: number;
  /** By search, then by translated sentence. */
  readonly searches: readonly (readonly ReferenceTranslations[])[];
  /** By `logProbabilities`, `gradient/NAME` or `change/NAME`. */
  readonly tensors: ReadonlyMap<string, Float32Array>;
}

/** A case with weights and expected values. */
export interface ExpectedCase {
  readonly request: RequestedCase;
  /** Weights and, as `firstMoment.NAME` and `secondMoment.NAME`, moments. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly batches: readonly ReferenceBatch[];
}

/** Writes `request.json` and the weights of all cases. */
export async function writeRequest(folder: string, cases: readonly ParityCase[]): Promise<void> {
  const requested: RequestedCase[] = [];
  for (const [number, parityCase] of cases.entries()) {
    const weights = `weights-${number}.safetensors`;
    await writeSafetensors(join(folder, weights), await randomWeights(parityCase));
    requested.push({ ...parityCase, weights });
  }
  await writeFile(join(folder, 'request.json'), `${JSON.stringify({ cases: requested })}\n`);
}

export function runReference(python: string, folder: string): void {
  const { status, stderr, error } = spawnSync(
    python,
    ['-B', join(GOLDEN_FOLDER, 'reference.py'), join(folder, 'request.json'), folder],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`${python} failed: ${error?.message ?? stderr}`);
}

/** Reads the request and the expected values. */
export async function readExpected(folder: string): Promise<ExpectedCase[]> {
  const { cases } = JSON.parse(readFileSync(join(folder, 'request.json'), 'utf8')) as { cases: RequestedCase[] };
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
    cases: Omit<ReferenceBatch, 'tensors'>[][];
  };
  const { tensors } = await readSafetensors(join(folder, 'expected.safetensors'));
  const read: ExpectedCase[] = [];
  for (const [number, request] of cases.entries()) {
    const weights = await readSafetensors(join(folder, request.weights));
    const batches = expected.cases[number]!.map((values, batch) => {
      const prefix = `${number}/${batch}/`;
      const own = [...tensors].filter(([name]) => name.startsWith(prefix));
      return {
        ...values,
        tensors: new Map(own.map(([name, { data }]) => [name.slice(prefix.length), data as Float32Array])),
      };
    });
    read.push({
      request,
      weights: new Map([...weights.tensors].map(([name, { data }]) => [name, data as Float32Array])),
      batches,
    });
  }
  return read;
}

/** Weights similar to a trained model: no parameter is constant, and some tokens are much more likely than others. */
async function randomWeights({ seed, model: config, vocabulary }: ParityCase): Promise<SavedTensors> {
  const random = new Random(seed);
  const model = buildModel(config, vocabulary, { random, policy: policyFor() });
  // The outputs of a Transformer are normalised, and so larger than those of a recurrent decoder.
  const outputScale = config.decoder.type === 'transformer' ? 2 : 4;
  const tensors = new Map<string, { dtype: 'F32'; shape: readonly number[]; data: Float32Array }>();
  for (const [name, { shape, data }] of await model.parameters.values()) {
    const scale = name === 'output.kernel' ? outputScale : 1;
    const values = data.map((value) => scale * value + 0.2 * random.normal());
    tensors.set(name, { dtype: 'F32', shape, data: values });
    tensors.set(`firstMoment.${name}`, { dtype: 'F32', shape, data: data.map(() => 0.1 * random.normal()) });
    tensors.set(`secondMoment.${name}`, { dtype: 'F32', shape, data: data.map(() => 0.01 + 0.1 * random.uniform()) });
  }
  model.dispose();
  return tensors;
}
