import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { normalize, type NormalizationKind, type Normalized } from '../../runtime/ops/layer-norm.js';
import { constant, zeros } from '../initializers.js';
import type { ParameterSpec, Parameters } from '../parameters.js';

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

  /** Normalises `[rows, size]` after the residual, if any, was added. */
  apply(input: Tensor2D, residual?: Tensor2D): Normalized {
    const { name, kind } = this.options;
    const parameters = this.parameters();
    const bias = kind === 'rms' ? undefined : parameters.get<Tensor1D>(`${name}.bias`);
    return normalize(input, residual, parameters.get<Tensor1D>(`${name}.gain`), bias, EPSILON, kind);
  }
}
