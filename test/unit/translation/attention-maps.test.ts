import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ConfigInput } from '../../../src/config/file-schema.js';
import { translateBatch } from '../../../src/decoding/search.js';
import { translateLines, type TranslationSettings } from '../../../src/decoding/translate-lines.js';
import { loadTensorFlow } from '../../../src/runtime/tensorflow.js';
import { tf } from '../../../src/runtime/tf.js';
import { attentionMaps, type AttentionMap } from '../../../src/translation/attention-maps.js';
import { loadRun, type LoadedRun } from '../../../src/translation/load-run.js';
import { EOS } from '../../../src/vocab/special.js';
import { makeTinyRun } from '../../support/tiny-run.js';

let folder: string;
before(async () => {
  await loadTensorFlow({ device: 'cpu' });
  folder = await mkdtemp(join(tmpdir(), 's2s-attention-'));
});
after(() => rm(folder, { recursive: true }));

/** Of very different lengths, so that batches have padding on both sides. */
const LINES = ['fox', '', 'the quick brown fox jumps over the lazy dog', ' \u200b', 'a dog', 'over the lazy fox'];

const TRANSFORMER = { type: 'transformer', layers: 2, hiddenSize: 8, heads: 2, feedForwardSize: 16 } as const;
type Model = NonNullable<ConfigInput['model']>;
const lstm = (decoder: Model['decoder']): Model => ({ decoder: { hiddenSize: 8, ...decoder } as Model['decoder'] });

const KINDS: Readonly<Record<string, Model>> = {
  dot: lstm({ attention: 'dot' }),
  general: lstm({ attention: 'general' }),
  scaled: lstm({ attention: 'scaled' }),
  concat: lstm({ attention: 'concat' }),
  'several heads': lstm({ attention: 'concat', attentionHeads: 2 }),
  'input feeding': lstm({ inputFeeding: true }),
  coverage: lstm({ attention: 'concat', coverage: true }),
  bahdanau: lstm({ attention: 'bahdanau', coverage: true, attentionHeads: 2 }),
  gnmt: lstm({ attention: 'bahdanau', layers: 2, contextLayers: 'all' }),
  gru: { encoder: { type: 'gru', hiddenSize: 8 }, decoder: { type: 'gru', hiddenSize: 8 } },
  transformer: { encoder: TRANSFORMER, decoder: TRANSFORMER },
  ssru: { encoder: TRANSFORMER, decoder: { ...TRANSFORMER, autoregression: 'ssru' } },
  'transformer and lstm': { encoder: TRANSFORMER, decoder: { hiddenSize: 8 } },
  'lstm and transformer': { encoder: { hiddenSize: 8 }, decoder: TRANSFORMER },
};

async function withRun(model: Model, use: (run: LoadedRun) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(folder, 'run-'));
  await makeTinyRun(directory, model);
  const run = await loadRun(directory);
  try {
    await use(run);
  } finally {
    run.close();
  }
}

async function mapsOf(
  run: LoadedRun,
  lines: readonly string[],
  options: Partial<TranslationSettings['options']> = {},
): Promise<AttentionMap[]> {
  const translations = await translateLines(lines, { ...run, options: { ...run.config.decoding, ...options } });
  return attentionMaps(translations, run);
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    assert.ok(difference <= tolerance, `${actual[i]} is not ${expected[i]} at ${i}`);
  }
}

describe('the weights are those of the search, at every position of lines in one batch', () => {
  for (const [name, model] of Object.entries(KINDS)) {
    test(name, () =>
      withRun(model, async (run) => {
        const maps = await mapsOf(run, LINES);
        assert.equal(maps.length, LINES.length);
        let [compared, different] = [0, 0];
        for (const [index, line] of LINES.entries()) {
          const { source, target, weights } = maps[index]!;
          if (line.trim() === '' || line === ' \u200b') {
            assert.deepEqual(maps[index], { source: [], target: [], weights: [] });
            continue;
          }
          assert.deepEqual(source, [...(await run.tokenizers.source.tokenize(line)), '</s>']);
          const ids = await run.tokenizers.source.encode(line);
          const [[best] = []] = await translateBatch(run.model, [[...ids, EOS]], {
            ...run.config.decoding,
            attention: true,
          });
          const tokens = best!.tokens.map((id) => run.tokenizers.target.tokenOf(id));
          assert.deepEqual(target, best!.finished ? [...tokens, '</s>'] : tokens);
          assert.equal(weights.length, target.length);
          // An empty hypothesis has no attention, and the search keeps none of `</s>`.
          for (const [time, expected] of (best!.attention ?? []).entries()) {
            assertClose(weights[time]!, expected, 1e-5);
            compared++;
          }
          for (const row of weights) {
            assert.equal(row.length, source.length);
            assertClose([row.reduce((sum, weight) => sum + weight, 0)], [1], 1e-5);
            different += Number(row.some((weight) => Math.abs(weight - 1 / row.length) > 1e-3));
          }
        }
        assert.ok(compared > 0);
        assert.ok(different > 0, 'all weights are uniform');
      }),
    );
  }
});

test('the maps of many lines are in order and leave no tensor behind', () =>
  withRun(KINDS['general']!, async (run) => {
    const lines = Array.from({ length: 300 }, (_, index) => LINES[index % LINES.length]!);
    const alone = await mapsOf(run, LINES);
    const before = tf.memory().numTensors;
    const maps = await mapsOf(run, lines);
    assert.equal(tf.memory().numTensors, before);
    for (const [index, map] of maps.entries()) {
      const expected = alone[index % LINES.length]!;
      assert.deepEqual([map.source, map.target], [expected.source, expected.target]);
      for (const [time, row] of map.weights.entries()) assertClose(row, expected.weights[time]!, 1e-5);
    }
  }));

test('a translation that was cut off has no row for </s>, within the positions that the model has', async () => {
  const limited = { ...TRANSFORMER, positions: 'learned', maxPositions: 12 } as const;
  await withRun({ encoder: limited, decoder: limited }, async (run) => {
    const processors = [() => ({ forbidden: [EOS] })];
    const [map] = await mapsOf(run, ['the dog'], { maxLengthRatio: 10, maxLengthMargin: 10, processors });
    assert.equal(map!.target.length, 12);
    assert.ok(!map!.target.includes('</s>'));
    assert.deepEqual([map!.weights.length, map!.weights[11]!.length], [12, map!.source.length]);
  });
});

test('a model without attention is refused', () =>
  withRun(lstm({ attention: 'none' }), async (run) => {
    await assert.rejects(mapsOf(run, ['the dog']), { code: 'no-attention', exitCode: 2 });
  }));
