import type { TrainingConfig } from '../config/schema.js';
import { describeNormalizationCost, normalizationCost, tooShortForBleu } from '../metrics/reference-warnings.js';
import type { BleuTokenizer } from '../metrics/tokenizers.js';
import { detectWriting } from '../metrics/writing.js';
import type { Tokenizer } from '../text/tokenizer.js';
import type { ScoreName } from './selection.js';

/** How validations score the dev set. A function of the dev references and the settings, so equal after a resume. */
export interface DevScoring {
  /** The score that selects checkpoints. */
  readonly metric: ScoreName;
  readonly bleuTokenizer: BleuTokenizer;
  /** The references that are translated and scored, normalised as the output of the model is. */
  readonly references: readonly string[];
  /** Choices that differ from the usual ones, with reasons. */
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Chooses how to score the dev set: the tokenizer of BLEU by the script of the references, and chrF instead of BLEU to
 * select checkpoints if no reference is long enough for BLEU.
 */
export function chooseDevScoring(
  references: readonly string[],
  target: Pick<Tokenizer, 'normalize'>,
  { validation, earlyStopping }: Pick<TrainingConfig, 'validation' | 'earlyStopping'>,
): DevScoring {
  const { metric } = earlyStopping;
  const raw = references.slice(0, validation.maxSentences);
  const normalized = raw.map((reference) => target.normalize(reference));
  const writing = detectWriting(normalized);
  const bleuTokenizer = validation.bleuTokenizer === 'auto' ? writing.bleuTokenizer : validation.bleuTokenizer;
  const usual = { metric, bleuTokenizer, references: normalized, notes: [], warnings: [] };
  if (!validation.bleu) return usual;

  const notes: string[] = [];
  if (validation.bleuTokenizer === 'auto' && writing.unspaced !== undefined)
    notes.push(
      `BLEU of validations has the tokenizer ${bleuTokenizer}, because the dev references are ${writing.unspaced} ` +
        '(training.validation.bleuTokenizer)',
    );
  const replaced = metric === 'bleu' && tooShortForBleu(normalized, { tokenizer: bleuTokenizer });
  if (replaced)
    notes.push(
      'chrF selects the best checkpoint instead of BLEU, because no dev reference has four words: ' +
        'their BLEU says nothing',
    );
  const cost = normalizationCost(raw, normalized, { tokenizer: bleuTokenizer });
  return {
    ...usual,
    metric: replaced ? 'chrf' : metric,
    notes,
    warnings:
      cost === undefined
        ? []
        : [
            `dev references: ${describeNormalizationCost(cost, raw.length)} ` +
              'Validations compare with the normalised references; s2s eval with the text as it is.',
          ],
  };
}
