import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BENCHMARK_MODELS, benchmarkModel } from '../../../src/benchmark/models.js';
import { UsageError } from '../../../src/errors.js';

test('every listed model has settings, without a bridge or tied weights, which the compared toolkits lack', () => {
  assert.deepEqual(BENCHMARK_MODELS, ['lstm', 'lstm-deep']);
  for (const name of BENCHMARK_MODELS) {
    const { tieTargetEmbeddings, shareEmbeddings, encoder, decoder, dropout } = benchmarkModel(name);
    assert.deepEqual([decoder.bridge, decoder.inputFeeding], ['zero', false]);
    assert.deepEqual([tieTargetEmbeddings, shareEmbeddings], [false, false]);
    assert.deepEqual(dropout, { embedding: 0.1, output: 0.1 });
    assert.deepEqual([encoder.dropout, decoder.dropout], [0.1, 0.1]);
  }
});

test('an unknown model is an error that suggests the nearest name, and the Transformer does not exist yet', () => {
  const refusal = (message: RegExp, hint: RegExp) => (error: unknown) =>
    error instanceof UsageError && message.test(error.message) && hint.test(error.hint ?? '');
  assert.throws(
    () => benchmarkModel('lstm-depp'),
    refusal(/no model lstm-depp/, /^Did you mean lstm-deep\? There are: lstm, lstm-deep\.$/),
  );
  assert.throws(() => benchmarkModel('toString'), refusal(/no model toString/, /^There are: /));
  assert.throws(
    () => benchmarkModel('transformer'),
    refusal(/no Transformer in s2s yet/, /^There are: lstm, lstm-deep\.$/),
  );
});
