import type { LoadedConfig } from '../config/file-schema.js';
import type { TransformerEncoderConfig } from '../config/transformer.js';
import type { Choices } from './choices.js';
import type { Chosen } from './rules.js';

type Given = Extract<LoadedConfig['model']['encoder' | 'decoder'], { type: 'transformer' }>;
/** The settings that can be `auto`. */
type Chosable = Pick<
  TransformerEncoderConfig,
  'hiddenSize' | 'heads' | 'feedForwardSize' | 'dropout' | 'attentionDropout' | 'activationDropout'
>;

/** Width of a head (Vaswani et al. 2017, table 3). */
const HEAD_SIZE = 64;

/**
 * Chooses the settings of a Transformer encoder or decoder: heads of about 64 columns, feed-forward networks of four
 * times the width (Vaswani et al. 2017), or as many weights with `swiglu` (Shazeer 2020), and dropout [AL20].
 *
 * @param hiddenSize width of the model, already chosen
 */
export function chooseTransformer(
  side: 'encoder' | 'decoder',
  given: Given,
  hiddenSize: number,
  dropout: Chosen<number>,
  choices: Choices,
): Chosable {
  const key = (name: string): string => `model.${side}.${name}`;
  const ofWidth = `${key('hiddenSize')} is ${hiddenSize}`;
  const smaller = (least: number) => (): Chosen<number> => ({
    value: dropout.value >= least ? 0.1 : 0,
    reason: dropout.reason,
  });
  return {
    hiddenSize,
    heads: choices.take(key('heads'), given.heads, () => ({ value: headsFor(hiddenSize), reason: ofWidth })),
    feedForwardSize: choices.take(key('feedForwardSize'), given.feedForwardSize, () => ({
      // Three kernels instead of two.
      value: given.activation === 'swiglu' ? 8 * Math.ceil(hiddenSize / 3) : 4 * hiddenSize,
      reason: ofWidth,
    })),
    dropout: choices.take(key('dropout'), given.dropout, () => dropout),
    attentionDropout: choices.take(key('attentionDropout'), given.attentionDropout, smaller(0.2)),
    activationDropout: choices.take(key('activationDropout'), given.activationDropout, smaller(0.3)),
  };
}

/** The divisor of the width that gives heads of a size nearest to 64. */
function headsFor(width: number): number {
  const divisors = Array.from({ length: width }, (_, index) => index + 1).filter((heads) => width % heads === 0);
  const distance = (heads: number): number => Math.abs(Math.log(width / heads / HEAD_SIZE));
  return divisors.reduce((best, heads) => (distance(heads) < distance(best) ? heads : best));
}
