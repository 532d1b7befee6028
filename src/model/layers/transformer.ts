import type { Parameters } from '../parameters.js';
import { FeedForward, type FeedForwardOptions } from './feed-forward.js';
import type { NormalizationKind } from './normalization.js';
import { Positions, type PositionsOptions } from './positions.js';
import { ResidualStack } from './residual-stack.js';

/** Settings that the encoder and the decoder of a Transformer have in common. */
export interface TransformerSettings {
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly feedForwardSize: number;
  readonly activation: FeedForwardOptions['activation'];
  readonly normPosition: 'pre' | 'post';
  readonly normalization: NormalizationKind;
  readonly positions: PositionsOptions['kind'];
  readonly maxPositions: number;
  readonly scaleEmbeddings: boolean;
  readonly dropout: number;
  readonly attentionDropout: number;
  readonly activationDropout: number;
  readonly layerDrop: number;
}

/** Parts that the encoder and the decoder of a Transformer have in common. */
export interface TransformerParts {
  readonly positions: Positions;
  readonly feedForward: readonly FeedForward[];
  readonly stack: ResidualStack;
}

/**
 * @param name prefix of the parameters
 * @param sublayers names of the sublayers of each layer
 */
export function transformerParts(
  parameters: () => Parameters,
  settings: TransformerSettings,
  name: 'encoder' | 'decoder',
  sublayers: readonly string[],
): TransformerParts {
  const { layers, hiddenSize: size, feedForwardSize, activation, activationDropout } = settings;
  const inner = { size, innerSize: feedForwardSize, activation, dropout: activationDropout };
  return {
    positions: new Positions(parameters, { ...settings, name, kind: settings.positions, size }),
    feedForward: Array.from(
      { length: layers },
      (_, layer) => new FeedForward({ ...inner, name: `${name}.layers.${layer}.feedForward` }),
    ),
    stack: new ResidualStack(parameters, { ...settings, name, sublayers, size }),
  };
}
