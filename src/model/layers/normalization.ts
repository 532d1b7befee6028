import type { Rank, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { normalize, normalizeOnly, type NormalizeOptions, type Normalized } from '../../runtime/ops/layer-norm.js';
import type { ForwardPass } from '../forward-pass.js';
import { constant, zeros } from '../initializers.js';
import type { ParameterSpec, Parameters as ModelParameters } from '../parameters.js';

/** Layer normalisation or normalisation by the root mean square. */
export type NormalizationKind = NormalizeOptions['kind'];

/** What happens to the input before it is normalised. */
export interface SumOptions {
  /** `[rows, size]`, added after dropout. */
  readonly residual?: Tensor2D;
  /** Dropout rate. */
  readonly dropout?: number;
}

type NormalizeArguments = Parameters<typeof normalize<Rank.R2>>;

/** Keeps the square root of the variance away from zero. */
const EPSILON = 1e-5;

/**
 * Layer normalisation (Ba et al. 2016) or root mean square normalisation (Zhang and Sennrich 2019) of each row.
 *
 * Parameters: `gain [size]` and, for `layer`, `bias [size]`.
 */
export class Normalization {
  constructor(
    private readonly parameters: () => ModelParameters,
    private readonly options: { readonly name: string; readonly size: number; readonly kind: NormalizationKind },
  ) {}

  specs(): ParameterSpec[] {
    const { name, size, kind } = this.options;
    const gain: ParameterSpec = { name: `${name}.gain`, shape: [size], initializer: constant(1) };
    return kind === 'rms' ? [gain] : [gain, { name: `${name}.bias`, shape: [size], initializer: zeros() }];
  }

  /** The sum with the residual, and its normalised rows. */
  apply(input: Tensor2D, options: SumOptions, pass: ForwardPass): Normalized<Rank.R2> {
    return normalize(...this.argumentsFor(input, options, pass));
  }

  /** `apply` where nothing else uses the sum. */
  normalized(input: Tensor2D, options: SumOptions, pass: ForwardPass): Tensor2D {
    return normalizeOnly(...this.argumentsFor(input, options, pass));
  }

  private argumentsFor(
    input: Tensor2D,
    { residual, dropout: rate = 0 }: SumOptions,
    { policy, seeds }: ForwardPass,
  ): NormalizeArguments {
    const { name, kind } = this.options;
    const parameters = this.parameters();
    const bias = kind === 'rms' ? undefined : parameters.get<Tensor1D>(`${name}.bias`);
    const gain = parameters.get<Tensor1D>(`${name}.gain`);
    return [input, residual, gain, bias, { epsilon: EPSILON, kind, dropout: { rate, seeds } }, policy];
  }
}
