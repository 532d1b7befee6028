import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rank } from '../../../src/checkpoint/checkpoint-index.js';
import {
  candidateOf,
  compareScores,
  selectionOf,
  type DevScores,
  type ScoreName,
} from '../../../src/training/selection.js';

/** The best step of a sequence of validations: by comparison, and by the index of the checkpoints. */
function bestStep(metric: ScoreName, validations: readonly DevScores[]): number | undefined {
  let best: ReturnType<typeof candidateOf>;
  validations.forEach((scores, index) => {
    const candidate = candidateOf(metric, scores, index + 1);
    if (candidate !== undefined && compareScores(candidate, best) >= 0) best = candidate;
  });
  const entries = validations.map((scores, index) => ({
    step: index + 1,
    scores: { ...scores } as Record<string, number>,
  }));
  assert.equal(rank(entries, selectionOf(metric))[0]?.step, best?.step);
  return best?.step;
}

test('the best score is selected, and the latest of equal scores', () => {
  const of = (name: ScoreName, ...values: number[]) => values.map((value) => ({ [name]: value }));
  assert.equal(bestStep('bleu', of('bleu', 3, 5, 4)), 2);
  assert.equal(bestStep('loss', of('loss', 3, 2, 4)), 2);
  assert.equal(bestStep('chrf', of('chrf', 30, 50, 40)), 2);
  for (const metric of ['loss', 'bleu', 'chrf'] as const) {
    assert.equal(bestStep(metric, of(metric, 5, 5, 5)), 3);
    assert.equal(bestStep(metric, []), undefined);
  }
});

test('chrF decides between equal BLEU scores, so that it selects while BLEU is 0', () => {
  const chrf = [10, 40, 30];
  assert.equal(
    bestStep(
      'bleu',
      chrf.map((value) => ({ bleu: 0, chrf: value })),
    ),
    2,
  );
  assert.equal(bestStep('bleu', [...chrf.map((value) => ({ bleu: 0, chrf: value })), { bleu: 0.1, chrf: 5 }]), 4);
  assert.equal(
    bestStep('bleu', [
      { bleu: 100, chrf: 100 },
      { bleu: 100, chrf: 100 },
      { bleu: 99, chrf: 100 },
    ]),
    2,
  );
  assert.equal(candidateOf('bleu', { chrf: 5 }, 1), undefined);
  assert.equal(candidateOf('loss', { loss: Number.NaN }, 1), undefined);
});
