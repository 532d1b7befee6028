import { z } from 'zod';

const count = () => z.int().min(1);
const probability = () => z.number().min(0).lt(1);

/** Settings that the encoder and the decoder of a Transformer have in common, for the complete configuration. */
const layers = {
  layers: count().default(6).describe('Number of layers.'),
  hiddenSize: count().default(256).describe('Width of the model; must equal `model.embeddingSize`.'),
  heads: count().default(4).describe('Number of attention heads; must divide `hiddenSize`.'),
  feedForwardSize: count().default(1024).describe('Width of the feed-forward networks between their two products.'),
  activation: z
    .enum(['relu', 'gelu', 'swish', 'swiglu'])
    .default('relu')
    .describe('Activation of the feed-forward networks; `swiglu` has a third kernel as a gate (Shazeer 2020).'),
  normPosition: z
    .enum(['pre', 'post'])
    .default('pre')
    .describe(
      'Where a sublayer normalises: its input, with a final normalisation after the last layer (pre), or its sum with ' +
        'the residual (post, Vaswani et al. 2017), which trains well only with warm-up.',
    ),
  normalization: z
    .enum(['layer', 'rms'])
    .default('layer')
    .describe('Layer normalisation (Ba et al. 2016) or by the root mean square (Zhang and Sennrich 2019).'),
  positions: z
    .enum(['sinusoidal', 'learned'])
    .default('sinusoidal')
    .describe('Position vectors: sinusoidal (Vaswani et al. 2017, sines before cosines) or learned.'),
  maxPositions: count()
    .default(512)
    .describe('Number of learned positions, and so the maximum number of tokens of a sentence, `</s>` included.'),
  scaleEmbeddings: z
    .boolean()
    .default(true)
    .describe('Whether embeddings are multiplied by the square root of their size before positions are added.'),
  dropout: probability().default(0.1).describe('Dropout probability on the output of each sublayer.'),
  attentionDropout: probability().default(0).describe('Dropout probability on the attention weights.'),
  activationDropout: probability()
    .default(0)
    .describe('Dropout probability after the activation of the feed-forward networks.'),
  layerDrop: probability()
    .default(0)
    .describe('Probability that an update skips a layer (Fan et al. 2020); all layers translate.'),
};

export const transformerEncoder = z.strictObject({
  type: z.enum(['transformer']).describe('Encoder type.'),
  ...layers,
});

export const transformerDecoder = z.strictObject({
  type: z.enum(['transformer']).describe('Decoder type.'),
  ...layers,
  autoregression: z
    .enum(['attention', 'ssru'])
    .default('attention')
    .describe(
      'How a layer depends on earlier target tokens: self-attention, or a simpler simple recurrent unit ' +
        '(Kim et al. 2019), with which decoding is faster.',
    ),
});

export type TransformerEncoderConfig = z.output<typeof transformerEncoder>;
export type TransformerDecoderConfig = z.output<typeof transformerDecoder>;
