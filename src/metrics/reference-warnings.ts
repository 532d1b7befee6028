import { corpusBleu, type BleuOptions } from './bleu.js';
import { formatFixed } from './signature.js';
import { tokenizeForBleu, type BleuTokenizer } from './tokenizers.js';
import { detectWriting } from './writing.js';

/** Tokenizers that separate words at spaces. */
const SPLITS_AT_SPACES: readonly BleuTokenizer[] = ['13a', 'intl', 'none'];

/** Whether no line has an n-gram of the highest order, so that BLEU is 0 or noise, however good the translation. */
export function tooShortForBleu(
  lines: readonly string[],
  { tokenizer = '13a', maxOrder = 4 }: Pick<BleuOptions, 'tokenizer' | 'maxOrder'> = {},
): boolean {
  return !lines.some((line) => tokenizeForBleu(line, tokenizer).length >= maxOrder);
}

/**
 * Warnings about references that BLEU with these options cannot score.
 *
 * @param name of the references, for example a file
 */
export function bleuWarnings(name: string, lines: readonly string[], options: BleuOptions = {}): string[] {
  const { tokenizer = '13a', maxOrder = 4 } = options;
  const { unspaced, bleuTokenizer } = detectWriting(lines);
  if (unspaced !== undefined && SPLITS_AT_SPACES.includes(tokenizer)) {
    const remedy =
      bleuTokenizer === 'char'
        ? '--bleu-tokenizer char'
        : `--bleu-tokenizer ${bleuTokenizer}, or --bleu-tokenizer char`;
    return [
      `${name} is ${unspaced}, without spaces between words: BLEU with the tokenizer ${tokenizer} takes a sentence ` +
        `for one word. Use ${remedy}.`,
    ];
  }
  if (!tooShortForBleu(lines, { tokenizer, maxOrder })) return [];
  return [
    `no line of ${name} has ${maxOrder} tokens: BLEU is 0 or noise, however good the translations are. Use chrF, ` +
      'a lower --bleu-max-order, or --bleu-tokenizer char.',
  ];
}

/** How references differ from their normalised selves, which are the best that a model can write. */
export interface NormalizationCost {
  /** Number of references that normalisation changes. */
  readonly lines: number;
  /** BLEU of the normalised references against the references as they are: that of a perfect model. */
  readonly bleu: number;
  /** What normalisation changes: the case of letters, the encoding of characters (Unicode normalisation form). */
  readonly changes: readonly ('case' | 'characters')[];
}

/** Smaller differences of BLEU are not worth a message. */
const MIN_COST = 0.1;

/**
 * Computes what the normalisation of the model's output (`tokenizer.normalization`, `tokenizer.lowercase`) costs.
 *
 * @param normalized the references as the model could at best write them
 * @returns undefined if it costs less than 0.1 BLEU
 */
export function normalizationCost(
  references: readonly string[],
  normalized: readonly string[],
  options: BleuOptions = {},
): NormalizationCost | undefined {
  const lines = references.filter((reference, index) => reference !== normalized[index]).length;
  if (lines === 0) return undefined;
  // With an effective order, text of short lines has a score, too.
  const score = (hypotheses: readonly string[], lowercase = false): number =>
    corpusBleu(hypotheses, [references], { ...options, effectiveOrder: true, lowercase }).score;
  const perfect = score(references);
  const bleu = score(normalized);
  if (perfect - bleu < MIN_COST) return undefined;
  const withoutCase = score(normalized, true);
  return {
    lines,
    bleu,
    changes: [
      ...(withoutCase - bleu >= MIN_COST ? (['case'] as const) : []),
      ...(perfect - withoutCase >= MIN_COST ? (['characters'] as const) : []),
    ],
  };
}

/** What a perfect model would get, and how to avoid the difference. Follows the name of the references. */
export function describeNormalizationCost({ lines, bleu, changes }: NormalizationCost, total: number): string {
  const remedies = {
    case: 'set tokenizer.lowercase to false, or score with s2s eval --lowercase',
    characters: 'set tokenizer.normalization to none, or convert the text to the form of the output (NFC or NFKC)',
  };
  return (
    `${lines} of ${total} lines are not written as the tokenizer normalises text: a perfect translation would get ` +
    `BLEU ${formatFixed(bleu, 2)} against them. To avoid that, ${changes.map((change) => remedies[change]).join('; ')}.`
  );
}
