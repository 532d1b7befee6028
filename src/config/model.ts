import { z } from 'zod';

/*
 * The `model` section: the declaration of every setting of the network. Encoder and decoder are discriminated unions on
 * `type`, so each kind has its own settings.
 */

const count = () => z.int().min(1);
const probability = () => z.number().min(0).lt(1);

const recurrentEncoder = z.strictObject({
  type: z.enum(['lstm']).optional().default('lstm').describe('Kind of encoder.'),
  layers: count().default(1).describe('Number of layers.'),
  hiddenSize: count()
    .default(512)
    .describe('Width of a layer; a bidirectional layer has half of it in each direction.'),
  bidirectional: z.boolean().default(true).describe('Whether the encoder also reads from right to left.'),
  dropout: probability().default(0.2).describe('Dropout between layers.'),
});

const recurrentDecoder = z.strictObject({
  type: z.enum(['lstm']).optional().default('lstm').describe('Kind of decoder.'),
  layers: count().default(1).describe('Number of layers.'),
  hiddenSize: count().default(512).describe('Width of a layer and of the attentional hidden state.'),
  attention: z
    .enum(['none', 'dot', 'general', 'concat', 'scaled'])
    .default('general')
    .describe(
      'Attention score (Luong et al. 2015); `scaled` is `general` times a learned scalar; with `none` the decoder sees only the final encoder state.',
    ),
  inputFeeding: z
    .boolean()
    .default(false)
    .describe(
      'Whether the attentional hidden state is an input of the next step (Luong et al. 2015, section 3.3); slower.',
    ),
  bridge: z
    .enum(['projection', 'copy', 'zero'])
    .default('projection')
    .describe('Initial state of the decoder: a learned projection of the final encoder state, a copy of it, or zero.'),
  dropout: probability().default(0.2).describe('Dropout between layers.'),
});

export const modelSchema = z.strictObject({
  embeddingSize: count().default(256).describe('Width of the source and target embeddings.'),
  encoder: z
    .discriminatedUnion('type', [recurrentEncoder])
    .prefault({})
    .describe('The encoder, which reads the source sentence.'),
  decoder: z
    .discriminatedUnion('type', [recurrentDecoder])
    .prefault({})
    .describe('The decoder, which writes the target sentence.'),
  tieTargetEmbeddings: z
    .boolean()
    .default(false)
    .describe(
      'Whether target embedding and output projection share weights; needs `embeddingSize` equal to `decoder.hiddenSize`.',
    ),
  shareEmbeddings: z
    .boolean()
    .default(false)
    .describe('Whether source and target share one embedding; needs a shared tokenizer.'),
  dropout: z
    .strictObject({
      embedding: probability().default(0.2).describe('Dropout on the embeddings.'),
      output: probability().default(0.2).describe('Dropout on the decoder output before the output projection.'),
    })
    .prefault({})
    .describe('Dropout (Srivastava et al. 2014) outside encoder and decoder.'),
  initialization: z
    .number()
    .positive()
    .default(0.1)
    .describe(
      'Embeddings are initialised uniformly between minus and plus this; other weights as in Glorot and Bengio (2010).',
    ),
});

/** The settings of a model. */
export type ModelConfig = z.output<typeof modelSchema>;

/** Keys of version 0.1 that have another place now. */
export const MOVED_KEYS: Readonly<Record<string, string>> = {
  'model.architecture': 'model.encoder.type and model.decoder.type',
  'model.attention': 'model.decoder.attention',
  'model.bridge': 'model.decoder.bridge',
  'model.dropout.layers': 'model.encoder.dropout and model.decoder.dropout',
};

/**
 * Model settings as version 0.1 wrote them, with every key in its present place; settings of later versions as they are. Runs
 * of version 0.1 can be used and resumed with it.
 */
export function upgradeModel(value: unknown): unknown {
  if (!isGroup(value) || !('architecture' in value)) return value;
  const { architecture: type, attention, bridge, encoder, decoder, dropout, ...others } = value;
  const { layers, ...otherDropout } = isGroup(dropout) ? dropout : {};
  const between = layers === undefined ? {} : { dropout: layers };
  return {
    ...others,
    encoder: { type, ...(isGroup(encoder) ? encoder : {}), ...between },
    decoder: { type, ...(isGroup(decoder) ? decoder : {}), ...withoutUndefined({ attention, bridge }), ...between },
    dropout: otherDropout,
  };
}

function withoutUndefined(group: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(group).filter(([, value]) => value !== undefined));
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
