import type { Rank, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { normalize, type NormalizeOptions, type Normalized } from '../../runtime/ops/layer-norm.js';
import type { ForwardPass } from '../forward-pass.js';
import { constant, zeros } from '../initializers.js';
import type { ParameterSpec, Parameters } from '../parameters.js';

/** Layer normalisation or normalisation by the root mean square. */
export type NormalizationKind = NormalizeOptions['kind'];

/** Keeps the square root of the variance away from zero. */
const EPSILON = 1e-5;

/**
 * Layer normalisation (Ba et al. 2016) or root mean square normalisation (Zhang and Sennrich 2019) of each row.
 *
 * Parameters: `gain [size]` and, for `layer`, `bias [size]`.
 */
export class Normalization {
  constructor(
    private readonly parameters: () => Parameters,
    private readonly options: { readonly name: string; readonly size: number; readonly kind: NormalizationKind },
  ) {}

  specs(): ParameterSpec[] {
    const { name, size, kind } = this.options;
    const gain: ParameterSpec = { name: `${name}.gain`, shape: [size], initializer: constant(1) };
    return kind === 'rms' ? [gain] : [gain, { name: `${name}.bias`, shape: [size], initializer: zeros() }];
  }

  /**
   * Normalises `[rows, size]`, to which dropout was applied and a residual was added.
   *
   * @param options.dropout rate
   */
  apply(
    input: Tensor2D,
    { residual, dropout: rate = 0 }: { readonly residual?: Tensor2D; readonly dropout?: number },
    { policy, seeds }: ForwardPass,
  ): Normalized<Rank.R2> {
    const { name, kind } = this.options;
    const parameters = this.parameters();
    const bias = kind === 'rms' ? undefined : parameters.get<Tensor1D>(`${name}.bias`);
    const options = { epsilon: EPSILON, kind, dropout: { rate, seeds } };
    return normalize(input, residual, parameters.get<Tensor1D>(`${name}.gain`), bias, options, policy);
  }
}
