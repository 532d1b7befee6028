import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { bleuMetric, type BleuOptions, type BleuScore, type BleuSmoothing } from '../../../src/metrics/bleu.js';
import { chrfMetric, type ChrfOptions, type ChrfScore } from '../../../src/metrics/chrf.js';
import { corpusScore, sentenceScore, type Metric } from '../../../src/metrics/metric.js';
import { terMetric, type TerOptions, type TerScore } from '../../../src/metrics/ter.js';
import type { BleuTokenizer } from '../../../src/metrics/tokenizers.js';
import { packageVersion } from '../../../src/version.js';

type MetricName = 'BLEU' | 'CHRF' | 'TER';
type PythonOptions = Readonly<Record<string, never>>;

interface Setting {
  readonly metric: MetricName;
  readonly corpus: string;
  readonly system: string;
  /** Number of reference sets used. */
  readonly references: number;
  readonly options: PythonOptions;
}

interface CorpusResult extends Setting {
  readonly score: number;
  readonly signature: string;
  readonly line: string;
  readonly counts?: readonly number[];
  readonly totals?: readonly number[];
  readonly precisions?: readonly number[];
  readonly bp?: number;
  readonly lengths?: readonly [number, number];
  readonly edits?: number;
  readonly referenceLength?: number;
}

interface Golden {
  readonly corpora: Readonly<
    Record<
      string,
      {
        readonly references: readonly (readonly string[])[];
        readonly systems: Readonly<Record<string, readonly string[]>>;
      }
    >
  >;
  readonly corpusScores: readonly CorpusResult[];
  readonly sentenceScores: readonly (Setting & { readonly scores: readonly number[] })[];
}

// Written by generate.py with sacreBLEU.
const golden = JSON.parse(readFileSync('test/golden/metrics/golden.json', 'utf8')) as Golden;

/** Both use doubles, but the order of summation differs. */
const TOLERANCE = 1e-9;

type Score = BleuScore | ChrfScore | TerScore;

const METRICS: Readonly<Record<MetricName, (options: PythonOptions) => Metric<Score>>> = {
  BLEU: (o) =>
    bleuMetric({
      tokenizer: o['tokenize'] as BleuTokenizer | undefined,
      lowercase: o['lowercase'],
      smoothing: o['smooth_method'] as BleuSmoothing | undefined,
      smoothingValue: o['smooth_value'],
      maxOrder: o['max_ngram_order'],
      effectiveOrder: o['effective_order'],
    } satisfies BleuOptions),
  CHRF: (o) =>
    chrfMetric({
      charOrder: o['char_order'],
      wordOrder: o['word_order'],
      beta: o['beta'],
      lowercase: o['lowercase'],
      whitespace: o['whitespace'],
      epsSmoothing: o['eps_smoothing'],
    } satisfies ChrfOptions),
  TER: (o) =>
    terMetric({
      normalized: o['normalized'],
      noPunctuation: o['no_punct'],
      asianSupport: o['asian_support'],
      caseSensitive: o['case_sensitive'],
    } satisfies TerOptions),
};

function textsOf({ corpus, system, references }: Setting): {
  hypotheses: readonly string[];
  sets: readonly (readonly string[])[];
} {
  const texts = golden.corpora[corpus]!;
  return { hypotheses: texts.systems[system]!, sets: texts.references.slice(0, references) };
}

function nameOf({ metric, corpus, system, references, options }: Setting): string {
  return `${metric} ${JSON.stringify(options)} of ${corpus}/${system} with ${references} references`;
}

function assertClose(actual: number, expected: number, name: string): void {
  assert.ok(
    Math.abs(actual - expected) <= TOLERANCE * Math.max(1, Math.abs(expected)),
    `${name}: ${actual} instead of ${expected}`,
  );
}

function assertAllClose(actual: readonly number[], expected: readonly number[], name: string): void {
  assert.equal(actual.length, expected.length, name);
  expected.forEach((value, i) => assertClose(actual[i]!, value, `${name} [${i}]`));
}

/** Output of sacreBLEU, with the version replaced by that of s2s. */
function withOurVersion(text: string): string {
  assert.match(text, /version:2\.6\.\d+/);
  return text.replace(/version:2\.6\.\d+/, `version:s2s-${packageVersion()}`);
}

for (const kind of ['BLEU', 'CHRF', 'TER'] as const) {
  test(`corpus ${kind}, its components, signature and output equal those of sacreBLEU`, () => {
    const results = golden.corpusScores.filter(({ metric }) => metric === kind);
    assert.ok(results.length > 50);
    for (const expected of results) {
      const name = nameOf(expected);
      const { hypotheses, sets } = textsOf(expected);
      const actual = corpusScore(METRICS[kind](expected.options), hypotheses, sets);
      assertClose(actual.score, expected.score, name);
      assert.equal(actual.signature, withOurVersion(expected.signature), name);
      assert.equal(actual.format(2, actual.signature), withOurVersion(expected.line), name);
      if ('brevityPenalty' in actual) {
        assertAllClose(actual.counts, expected.counts!, name);
        assertAllClose(actual.totals, expected.totals!, name);
        assertAllClose(actual.precisions, expected.precisions!, name);
        assertClose(actual.brevityPenalty, expected.bp!, name);
        assert.deepEqual([actual.hypothesisLength, actual.referenceLength], expected.lengths, name);
      } else if ('edits' in actual) {
        assert.equal(actual.edits, expected.edits, name);
        assertClose(actual.referenceLength, expected.referenceLength!, name);
      }
    }
  });

  test(`sentence ${kind} equals that of sacreBLEU`, () => {
    const results = golden.sentenceScores.filter(({ metric }) => metric === kind);
    assert.ok(results.length > 10);
    for (const expected of results) {
      const { hypotheses, sets } = textsOf(expected);
      const metric = METRICS[kind](expected.options);
      assert.equal(hypotheses.length, expected.scores.length);
      hypotheses.forEach((hypothesis, i) => {
        const references = sets.map((set) => set[i]!);
        assertClose(
          sentenceScore(metric, hypothesis, references).score,
          expected.scores[i]!,
          `${nameOf(expected)}, ${JSON.stringify(hypothesis)} against ${JSON.stringify(references)}`,
        );
      });
    }
  });
}
