import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BENCHMARK_MODELS, benchmarkModel } from '../../../src/benchmark/models.js';
import { UsageError } from '../../../src/errors.js';

test('every benchmark model has valid settings without bridge or tied embeddings, which the peers lack', () => {
  assert.deepEqual(BENCHMARK_MODELS, ['lstm', 'lstm-deep', 'gru', 'transformer']);
  for (const name of BENCHMARK_MODELS) {
    const { tieTargetEmbeddings, shareEmbeddings, encoder, decoder, dropout } = benchmarkModel(name);
    if (decoder.type !== 'transformer') assert.deepEqual([decoder.bridge, decoder.inputFeeding], ['zero', false]);
    assert.deepEqual([tieTargetEmbeddings, shareEmbeddings], [false, false]);
    const { embedding, output, sourceWord, targetWord } = dropout;
    assert.deepEqual([embedding, output, sourceWord, targetWord], [0.1, 0.1, 0, 0]);
    assert.deepEqual([encoder.dropout, decoder.dropout], [0.1, 0.1]);
  }
});

test('an unknown model is an error that suggests the nearest name', () => {
  const refusal = (message: RegExp, hint: RegExp) => (error: unknown) =>
    error instanceof UsageError && message.test(error.message) && hint.test(error.hint ?? '');
  assert.throws(
    () => benchmarkModel('lstm-depp'),
    refusal(
      /no benchmark model lstm-depp/,
      /^Did you mean lstm-deep\? Available models: lstm, lstm-deep, gru, transformer, and run directories of trained models\.$/,
    ),
  );
  assert.throws(() => benchmarkModel('toString'), refusal(/no benchmark model toString/, /^Available models: /));
});
