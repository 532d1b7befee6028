import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { TokenConstraint, TokenProcessor } from '../../../src/decoding/constraints.js';
import { noRepeatedNgrams } from '../../../src/decoding/constraints.js';
import { maxLength, translateBatch, type SearchOptions } from '../../../src/decoding/search.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { EOS, UNK } from '../../../src/vocab/special.js';
import { randomSources, TableModel } from './table-model.js';

const VOCABULARY = 12;
const OPTIONS: SearchOptions = { beamSize: 4, lengthPenalty: 1, maxLengthRatio: 1, maxLengthMargin: 5 };

/** Every kind of processor that users of other toolkits have requested. */
const PROCESSORS: Record<string, TokenProcessor> = {
  'a forced prefix': ({ tokens }) => ({ allowed: [[7], [5], [9]][tokens.length] }),
  'an allow-list': () => ({ allowed: [EOS, 4, 6, 8, 10] }),
  'a minimum length': ({ tokens }) => (tokens.length < 4 ? { forbidden: [EOS] } : undefined),
  'forbidden tokens': () => ({ forbidden: [4, 5, 6, 7] }),
  'a bonus': ({ tokens }) => ({
    bonus: new Map([
      [4 + (tokens.length % 3), 1.5],
      [EOS, -0.5],
    ]),
  }),
  'a constraint for some sentences only': ({ sentence }) => (sentence % 2 === 0 ? { forbidden: [8] } : undefined),
  'no repeated pair of tokens': noRepeatedNgrams(2),
};

/** Textbook beam search with constraints, one sentence at a time. */
function plainSearch(
  model: TableModel,
  source: readonly number[],
  sentence: number,
  processors: readonly TokenProcessor[],
  options: SearchOptions,
): number[] {
  const { beamSize, lengthPenalty } = options;
  const ended: { tokens: number[]; score: number }[] = [];
  let live: { tokens: number[]; sum: number }[] = [{ tokens: [], sum: 0 }];
  for (
    let length = 1;
    length <= maxLength(source.length, options) && ended.length < beamSize && live.length > 0;
    length++
  ) {
    const candidates = live.flatMap(({ tokens, sum }) => {
      const constraints = processors.flatMap((process) => process({ sentence, tokens }) ?? []);
      return model.logProbabilities(source, tokens).flatMap((value, token) => {
        if (token < EOS || constraints.some((constraint) => excludes(constraint, token))) return [];
        const bonus = constraints.reduce((total, constraint) => total + (constraint.bonus?.get(token) ?? 0), 0);
        return [{ tokens: [...tokens, token], sum: sum + value + bonus }];
      });
    });
    candidates.sort((a, b) => b.sum - a.sum);
    for (const { tokens, sum } of candidates.slice(0, beamSize)) {
      if (tokens.at(-1) === EOS) ended.push({ tokens: tokens.slice(0, -1), score: sum / length ** lengthPenalty });
    }
    live = candidates.filter(({ tokens }) => tokens.at(-1) !== EOS).slice(0, beamSize);
  }
  return ended.sort((a, b) => b.score - a.score)[0]?.tokens ?? live[0]!.tokens;
}

function excludes({ allowed, forbidden }: TokenConstraint, token: number): boolean {
  return (allowed !== undefined && ![...allowed].includes(token)) || [...(forbidden ?? [])].includes(token);
}

describe('constraints in search', () => {
  before(async () => {
    await loadTensorFlow({ device: 'cpu' });
  });

  const sources = randomSources(9, 8, 3);
  for (const [name, processor] of Object.entries(PROCESSORS)) {
    for (const beamSize of [1, 4, 20]) {
      test(`${name}, beam size ${beamSize}: equals textbook search with constraints`, async () => {
        const model = new TableModel(VOCABULARY, 31);
        const options = { ...OPTIONS, beamSize, processors: [processor] };
        const found = await translateBatch(model, sources, options);
        for (const [index, source] of sources.entries()) {
          assert.deepEqual(
            found[index]![0]!.tokens,
            plainSearch(model, source, index, [processor], options),
            `sentence ${index}`,
          );
        }
      });
    }
  }

  test('several constraints are combined', async () => {
    const model = new TableModel(VOCABULARY, 32);
    const processors = [
      PROCESSORS['an allow-list']!,
      PROCESSORS['a minimum length']!,
      PROCESSORS['a bonus']!,
      () => ({ allowed: [EOS, 4, 6, 9] }),
    ];
    const found = await translateBatch(model, sources, { ...OPTIONS, processors });
    for (const [index, source] of sources.entries()) {
      assert.deepEqual(found[index]![0]!.tokens, plainSearch(model, source, index, processors, OPTIONS));
      assert.ok(found[index]![0]!.tokens.every((token) => [4, 6].includes(token)));
    }
  });

  test('if every continuation is forbidden, the hypothesis so far is returned', async () => {
    const processor: TokenProcessor = ({ tokens }) => ({ allowed: tokens.length < 3 ? [6] : [] });
    for (const beamSize of [1, 4]) {
      const found = await translateBatch(new TableModel(VOCABULARY, 33), sources.slice(0, 3), {
        ...OPTIONS,
        beamSize,
        processors: [processor],
      });
      for (const [best] of found) assert.deepEqual([best!.tokens, best!.finished], [[6, 6, 6], false]);
    }
  });

  test('tokens outside the vocabulary are ignored, and <unk> cannot be forced', async () => {
    const processor: TokenProcessor = () => ({
      allowed: [UNK, EOS, 5, 99, -1],
      forbidden: [1000],
      bonus: new Map([[77, 3]]),
    });
    const found = await translateBatch(new TableModel(VOCABULARY, 34), sources, {
      ...OPTIONS,
      processors: [processor],
    });
    for (const [best] of found) assert.ok(best!.tokens.every((token) => token === 5));
  });

  test('beam sizes 16 and 17, on either side of the merging limit, return the same best hypotheses', async () => {
    const model = new TableModel(6, 35);
    const narrow = await translateBatch(model, sources, { ...OPTIONS, beamSize: 16, nBest: 3 });
    const wide = await translateBatch(model, sources, { ...OPTIONS, beamSize: 17, nBest: 3 });
    narrow.forEach(([best], index) => assert.deepEqual(wide[index]![0]!.tokens, best!.tokens));
  });

  test('timers run while a batch is translated', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 0);
    const model = new TableModel(VOCABULARY, 36, (logits) =>
      logits.map((logit, token) => (token === EOS ? -1e9 : logit)),
    );
    await translateBatch(model, sources, { ...OPTIONS, maxLengthMargin: 60 });
    clearInterval(timer);
    assert.ok(ticks > 0);
  });

  test('batches translated concurrently do not affect each other', async () => {
    const models = [new TableModel(VOCABULARY, 37), new TableModel(VOCABULARY, 38)];
    const alone = [
      await translateBatch(models[0]!, sources, OPTIONS),
      await translateBatch(models[1]!, sources, OPTIONS),
    ];
    assert.deepEqual(await Promise.all(models.map((model) => translateBatch(model, sources, OPTIONS))), alone);
  });
});
