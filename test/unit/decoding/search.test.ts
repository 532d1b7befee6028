import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { translateBatch, maxLength, type Hypothesis, type SearchOptions } from '../../../src/decoding/search.js';
import { S2sError, UsageError } from '../../../src/errors.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';
import { EOS, UNK } from '../../../src/vocab/special.js';
import { randomSources, TableModel } from './table-model.js';

before(async () => {
  await loadTensorFlow({ device: 'cpu' });
});

const options: SearchOptions = { beamSize: 5, lengthPenalty: 1, maxLengthRatio: 1, maxLengthMargin: 4 };

interface Plain {
  readonly tokens: readonly number[];
  readonly logProbability: number;
  readonly score: number;
}

/** All sequences up to the maximum length that end in `</s>`, best first. */
function exhaustiveSearch(
  model: TableModel,
  source: readonly number[],
  longest: number,
  lengthPenalty: number,
): Plain[] {
  const found: Plain[] = [];
  const visit = (tokens: number[], logProbability: number): void => {
    const next = model.logProbabilities(source, tokens);
    const length = tokens.length + 1;
    found.push({
      tokens,
      logProbability: logProbability + next[EOS]!,
      score: (logProbability + next[EOS]!) / length ** lengthPenalty,
    });
    if (length === longest) return;
    for (let token = EOS + 1; token < model.targetVocabularySize; token++)
      visit([...tokens, token], logProbability + next[token]!);
  };
  visit([], 0);
  return found.sort((a, b) => b.score - a.score);
}

/** Textbook beam search over one sentence, which ends early only when `beamSize` hypotheses are finished. */
function plainBeamSearch(
  model: TableModel,
  source: readonly number[],
  { beamSize, lengthPenalty, nBest = 1, ...limits }: SearchOptions,
): Plain[] {
  const ended: Plain[] = [];
  let live: Plain[] = [{ tokens: [], logProbability: 0, score: 0 }];
  for (let length = 1; length <= maxLength(source.length, limits) && ended.length < beamSize; length++) {
    const candidates = live.flatMap(({ tokens, logProbability }) =>
      model.logProbabilities(source, tokens).flatMap((next, token) => {
        const sum = logProbability + next;
        return token < EOS
          ? []
          : [{ tokens: [...tokens, token], logProbability: sum, score: sum / length ** lengthPenalty }];
      }),
    );
    candidates.sort((a, b) => b.logProbability - a.logProbability);
    ended.push(
      ...candidates
        .slice(0, beamSize)
        .flatMap((it) => (it.tokens.at(-1) === EOS ? [{ ...it, tokens: it.tokens.slice(0, -1) }] : [])),
    );
    live = candidates.filter(({ tokens }) => tokens.at(-1) !== EOS).slice(0, beamSize);
  }
  const best = ended.sort((a, b) => b.score - a.score).slice(0, nBest);
  return [...best, ...live.slice(0, nBest - best.length)];
}

function plainGreedySearch(model: TableModel, source: readonly number[], longest: number): number[] {
  const tokens: number[] = [];
  while (tokens.length < longest) {
    const next = model.logProbabilities(source, tokens);
    let best = EOS;
    next.forEach((value, token) => {
      if (token > EOS && value > next[best]!) best = token;
    });
    if (best === EOS) break;
    tokens.push(best);
  }
  return tokens;
}

function assertSame(found: readonly Hypothesis[], expected: readonly Plain[], title: string): void {
  assert.deepEqual(
    found.map(({ tokens }) => tokens),
    expected.map(({ tokens }) => tokens),
    title,
  );
  found.forEach(({ score, logProbability }, i) => {
    assert.ok(Math.abs(score - expected[i]!.score) < 1e-4, title);
    assert.ok(Math.abs(logProbability - expected[i]!.logProbability) < 1e-4, title);
  });
}

describe('search', () => {
  test('a large enough beam returns the results of exhaustive search in the same order', async () => {
    const limits = { maxLengthRatio: 0.001, maxLengthMargin: 5 };
    for (const lengthPenalty of [0, 0.6, 1, 1.5]) {
      for (let seed = 0; seed < 4; seed++) {
        const model = new TableModel(7, seed);
        const sources = randomSources(3, 6, seed);
        const found = await translateBatch(model, sources, { ...limits, lengthPenalty, beamSize: 330, nBest: 121 });
        sources.forEach((source, i) =>
          assertSame(
            found[i]!,
            exhaustiveSearch(model, source, 5, lengthPenalty),
            `alpha ${lengthPenalty}, seed ${seed}`,
          ),
        );
        // Early stopping changes the search, not its result.
        const few = await translateBatch(model, sources, { ...limits, lengthPenalty, beamSize: 330, nBest: 3 });
        few.forEach((hypotheses, i) => assert.deepEqual(hypotheses, found[i]!.slice(0, 3)));
      }
    }
  });

  test('batched search equals textbook beam search, for many beam sizes and length penalties', async () => {
    for (const beamSize of [1, 2, 3, 5, 8]) {
      for (const lengthPenalty of [0, 0.6, 1, 2]) {
        for (const nBest of [1, beamSize]) {
          const model = new TableModel(11, beamSize);
          const sources = randomSources(12, 9, beamSize + 100);
          const settings = { ...options, beamSize, lengthPenalty, nBest };
          const found = await translateBatch(model, sources, settings);
          sources.forEach((source, i) =>
            assertSame(found[i]!, plainBeamSearch(model, source, settings), `beam ${beamSize}, alpha ${lengthPenalty}`),
          );
        }
      }
    }
  });

  test('a beam size of 1 is greedy search', async () => {
    const model = new TableModel(30, 3);
    const sources = randomSources(50, 12, 4);
    const found = await translateBatch(model, sources, { ...options, beamSize: 1 });
    assert.ok(new Set(found.map(([best]) => best!.tokens.length)).size > 3, 'translations of many lengths');
    sources.forEach((source, i) =>
      assert.deepEqual(found[i]![0]!.tokens, plainGreedySearch(model, source, maxLength(source.length, options))),
    );
  });

  test('the result of a sentence does not depend on its batch, nor on when other sentences end', async () => {
    for (const beamSize of [1, 4]) {
      const model = new TableModel(9, 5);
      const sources = randomSources(40, 15, 6);
      const settings = { ...options, beamSize, nBest: beamSize };
      const together = await translateBatch(model, sources, settings);
      const rows = model.rowsOfSteps;
      assert.ok(rows.at(-1)! < (sources.length * beamSize) / 2, 'ended sentences leave the batch');
      for (const [i, source] of sources.entries()) {
        assertSame((await translateBatch(model, [source], settings))[0]!, together[i]!, `sentence ${i} alone`);
      }
      const reversed = (await translateBatch(model, [...sources].reverse(), settings)).reverse();
      reversed.forEach((hypotheses, i) => assertSame(hypotheses, together[i]!, `sentence ${i} in the reverse order`));
    }
  });

  test('n-best lists are sorted, unfinished hypotheses last, and contain no duplicates', async () => {
    const found = await translateBatch(new TableModel(9, 7), randomSources(20, 10, 8), { ...options, nBest: 5 });
    for (const hypotheses of found) {
      assert.equal(hypotheses.length, 5);
      const sorted = [...hypotheses].sort((a, b) => Number(b.finished) - Number(a.finished) || b.score - a.score);
      assert.deepEqual(hypotheses, sorted);
      assert.equal(new Set(hypotheses.map(({ tokens }) => tokens.join())).size, 5);
    }
  });

  test('ties are broken deterministically', async () => {
    const model = new TableModel(9, 1, (logits) => logits.map(() => 0));
    const sources = randomSources(5, 6, 2);
    const first = await translateBatch(model, sources, { ...options, nBest: 5 });
    for (let i = 0; i < 3; i++) assert.deepEqual(await translateBatch(model, sources, { ...options, nBest: 5 }), first);
  });

  test('<pad>, <unk> and <s> are never generated, however probable', async () => {
    const model = new TableModel(8, 9, (logits) => logits.map((logit, token) => (token < EOS ? 20 : logit)));
    const sources = randomSources(10, 8, 10);
    for (const beamSize of [1, 4]) {
      for (const [i, hypotheses] of (await translateBatch(model, sources, { ...options, beamSize })).entries()) {
        const { tokens, logProbability, finished } = hypotheses[0]!;
        assert.ok(tokens.every((token) => token > EOS));
        const prefixes = [...tokens, ...(finished ? [EOS] : [])].map(
          (token, at) => model.logProbabilities(sources[i]!, tokens.slice(0, at))[token]!,
        );
        assert.ok(
          Math.abs(prefixes.reduce((sum, value) => sum + value, 0) - logProbability) < 1e-3,
          'the score is what the model gives',
        );
      }
    }
  });

  test('at the maximum length of each sentence, its best unfinished hypothesis is returned', async () => {
    const model = new TableModel(8, 11, (logits) => logits.map((logit, token) => (token === EOS ? -1e9 : logit)));
    const sources = [[5, 3], [5, 6, 7, 8, 9, 3], [3]];
    for (const beamSize of [1, 3]) {
      const found = await translateBatch(model, sources, {
        ...options,
        beamSize,
        maxLengthRatio: 1.5,
        maxLengthMargin: 1,
      });
      assert.deepEqual(
        found.map(([best]) => [best!.tokens.length, best!.finished]),
        [
          [4, false],
          [10, false],
          [2, false],
        ],
      );
    }
  });

  test('a translation may be empty', async () => {
    const model = new TableModel(8, 12, (logits) => logits.map((logit, token) => (token === EOS ? 50 : logit)));
    const [[best]] = (await translateBatch(model, [[5, 3]], options)) as [[Hypothesis]];
    assert.deepEqual(best.tokens, []);
    assert.equal(best.finished, true);
  });

  test('attention weights of each token are returned on request', async () => {
    const model = new TableModel(9, 13);
    const sources = randomSources(6, 7, 14);
    const time = Math.max(...sources.map((source) => source.length));
    for (const [i, [best]] of (await translateBatch(model, sources, { ...options, attention: true })).entries()) {
      assert.equal(best!.attention?.length ?? 0, best!.tokens.length);
      for (const weights of best!.attention ?? []) {
        assert.equal(weights.length, time);
        weights.forEach((weight, at) =>
          assert.ok(Math.abs(weight - (at < sources[i]!.length ? 1 / sources[i]!.length : 0)) < 1e-6),
        );
      }
    }
    assert.equal((await translateBatch(model, sources, options))[0]![0]!.attention, undefined);
  });

  test('no tensor leaks, even after an error', async () => {
    const model = new TableModel(9, 15);
    const sources = randomSources(20, 10, 16);
    const before = tf.memory().numTensors;
    for (const beamSize of [1, 5]) await translateBatch(model, sources, { ...options, beamSize, attention: true });
    const sick = new TableModel(9, 15, (logits) => logits.map(() => NaN));
    await assert.rejects(
      () => translateBatch(sick, sources, options),
      (error: unknown) => error instanceof S2sError && error.code === 'decoding-not-finite',
    );
    assert.equal(tf.memory().numTensors, before);
  });

  test('nBest beyond the beam size throws an error, and no sentences have no results', async () => {
    const model = new TableModel(9, 17);
    await assert.rejects(
      () => translateBatch(model, [[3]], { ...options, nBest: 6 }),
      (error: unknown) => error instanceof UsageError && /need a beam size of at least 6, not 5/.test(error.message),
    );
    assert.deepEqual(await translateBatch(model, [], options), []);
  });
});

describe('noRepeatNgramSize', () => {
  const repeats = (tokens: readonly number[], size: number): boolean => {
    const seen = tokens.flatMap((_, start) =>
      start + size > tokens.length ? [] : [tokens.slice(start, start + size).join()],
    );
    return new Set(seen).size < seen.length;
  };
  /** A model that prefers three of its tokens and hardly ever generates </s>. */
  const loop = (): TableModel =>
    new TableModel(12, 21, (logits) =>
      logits.map((logit, token) => (token === EOS ? -20 : token < EOS + 4 ? logit + 6 : logit)),
    );
  const sources = randomSources(6, 9, 5);

  for (const beamSize of [1, 4]) {
    for (const size of [1, 2, 3]) {
      test(`${size}, beam size ${beamSize}: no n-gram repeats`, async () => {
        const long = { ...options, beamSize, maxLengthMargin: 8 };
        const free = await translateBatch(loop(), sources, long);
        assert.ok(
          free.some(([best]) => repeats(best!.tokens, size)),
          'this model repeats where it may',
        );
        const withoutRepeats = await translateBatch(loop(), sources, {
          ...long,
          noRepeatNgramSize: size,
          nBest: beamSize,
        });
        for (const hypotheses of withoutRepeats) {
          assert.ok(hypotheses.length > 0);
          assert.ok(hypotheses.every(({ tokens }) => !repeats(tokens, size)));
        }
      });
    }
  }

  test('greedy search takes the best token that is not forbidden', async () => {
    const model = loop();
    for (const source of sources) {
      const longest = maxLength(source.length, options);
      const tokens: number[] = [];
      while (tokens.length < longest) {
        const ranked = model
          .logProbabilities(source, tokens)
          .map((value, token) => ({ value, token }))
          .filter(({ token }) => token >= EOS && !repeats([...tokens, token], 2));
        const { token } = ranked.reduce((best, other) => (other.value > best.value ? other : best));
        if (token === EOS) break;
        tokens.push(token);
      }
      assert.deepEqual(
        (await translateBatch(model, [source], { ...options, beamSize: 1, noRepeatNgramSize: 2 }))[0]![0]!.tokens,
        tokens,
      );
    }
  });

  test('n-grams with <unk> may repeat', async () => {
    const only = new TableModel(6, 3, (logits) =>
      logits.map((logit, token) => (token === UNK ? 9 : token === EOS ? -9 : logit)),
    );
    const [[best]] = (await translateBatch(only, [[4, 5, 4, EOS]], {
      ...options,
      beamSize: 1,
      noRepeatNgramSize: 1,
      copyUnknown: true,
    })) as [[Hypothesis]];
    assert.ok(best.tokens.length > 1 && best.tokens.every((token) => token === UNK), best.tokens.join(' '));
  });

  test('if every token is forbidden, the hypothesis so far is returned', async () => {
    const few = new TableModel(6, 3, (logits) => logits.map((logit, token) => (token === EOS ? -Infinity : logit)));
    const [[best]] = (await translateBatch(few, [[4, 5, 4, EOS]], {
      ...options,
      beamSize: 2,
      noRepeatNgramSize: 1,
    })) as [[Hypothesis]];
    assert.equal(best.finished, false);
    assert.deepEqual([...best.tokens].sort(), [4, 5]);
  });
});

describe('<unk>', () => {
  test('is generated only with copyUnknown, together with attention; <s> is never generated', async () => {
    const model = new TableModel(9, 31, (logits) =>
      logits.map((logit, token) => (token === 1 ? logit + 2 : token === 2 ? 30 : logit)),
    );
    const sources = randomSources(5, 6, 8);
    const withUnknown = (await translateBatch(model, sources, { ...options, copyUnknown: true })).map(
      ([best]) => best!,
    );
    assert.ok(withUnknown.some(({ tokens }) => tokens.includes(1)));
    assert.ok(
      withUnknown.every(({ tokens, attention }) => !tokens.includes(2) && tokens.length === (attention?.length ?? 0)),
    );
    const without = (await translateBatch(model, sources, options)).map(([best]) => best!);
    assert.ok(
      without.every(({ tokens, attention }) => tokens.every((token) => token > EOS) && attention === undefined),
    );
  });
});
