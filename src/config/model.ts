import { z } from 'zod';

const count = () => z.int().min(1);
const probability = () => z.number().min(0).lt(1);

const recurrentEncoder = z.strictObject({
  type: z.enum(['lstm']).optional().default('lstm').describe('Encoder type.'),
  layers: count().default(1).describe('Number of layers.'),
  hiddenSize: count()
    .default(512)
    .describe('Hidden size of a layer; a bidirectional layer has half of it per direction.'),
  bidirectional: z.boolean().default(true).describe('Whether the encoder is bidirectional.'),
  dropout: probability().default(0.2).describe('Dropout probability between layers.'),
});

const recurrentDecoder = z.strictObject({
  type: z.enum(['lstm']).optional().default('lstm').describe('Decoder type.'),
  layers: count().default(1).describe('Number of layers.'),
  hiddenSize: count().default(512).describe('Hidden size of a layer and of the attentional hidden state.'),
  attention: z
    .enum(['none', 'dot', 'general', 'concat', 'scaled'])
    .default('general')
    .describe(
      'Attention score function (Luong et al. 2015): `scaled` multiplies `general` by a learned scalar; ' +
        'with `none`, the decoder receives only the final encoder state.',
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
    .describe('Initial decoder state: a learned projection of the final encoder state, a copy of it, or zero.'),
  dropout: probability().default(0.2).describe('Dropout probability between layers.'),
});

/** The `model` section. Encoder and decoder are discriminated unions on `type`: each type has its own settings. */
export const modelSchema = z.strictObject({
  embeddingSize: count().default(256).describe('Size of the source and target embeddings.'),
  encoder: z.discriminatedUnion('type', [recurrentEncoder]).prefault({}).describe('Encoder.'),
  decoder: z.discriminatedUnion('type', [recurrentDecoder]).prefault({}).describe('Decoder.'),
  tieTargetEmbeddings: z
    .boolean()
    .default(false)
    .describe(
      'Whether the target embedding and the output projection share weights; ' +
        'requires `embeddingSize` equal to `decoder.hiddenSize`.',
    ),
  shareEmbeddings: z
    .boolean()
    .default(false)
    .describe('Whether source and target share one embedding; requires a shared tokenizer.'),
  dropout: z
    .strictObject({
      embedding: probability().default(0.2).describe('Dropout probability on the embeddings.'),
      output: probability()
        .default(0.2)
        .describe('Dropout probability on the decoder output before the output projection.'),
    })
    .prefault({})
    .describe('Dropout (Srivastava et al. 2014) outside encoder and decoder.'),
  initialization: z
    .number()
    .positive()
    .default(0.1)
    .describe(
      'Bound b of the uniform initialiser of the embeddings, [-b, b]; ' +
        'other weights are initialised as in Glorot and Bengio (2010).',
    ),
});

export type ModelConfig = z.output<typeof modelSchema>;

/** Keys of version 0.1 and their present names. */
export const MOVED_KEYS: Readonly<Record<string, string>> = {
  'model.architecture': 'model.encoder.type and model.decoder.type',
  'model.attention': 'model.decoder.attention',
  'model.bridge': 'model.decoder.bridge',
  'model.dropout.layers': 'model.encoder.dropout and model.decoder.dropout',
};

/**
 * Converts the model settings of version 0.1 to the present keys, so that runs of version 0.1 can be used and resumed.
 * Settings of later versions are returned unchanged.
 */
export function upgradeModel(value: unknown): unknown {
  if (!isGroup(value) || !('architecture' in value)) return value;
  const { architecture: type, attention, bridge, encoder, decoder, dropout, ...others } = value;
  const { layers, ...otherDropout } = isGroup(dropout) ? dropout : {};
  const betweenLayers = layers === undefined ? {} : { dropout: layers };
  return {
    ...others,
    encoder: { type, ...(isGroup(encoder) ? encoder : {}), ...betweenLayers },
    decoder: {
      type,
      ...(isGroup(decoder) ? decoder : {}),
      ...withoutUndefined({ attention, bridge }),
      ...betweenLayers,
    },
    dropout: otherDropout,
  };
}

function withoutUndefined(group: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(group).filter(([, value]) => value !== undefined));
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
