import { z } from 'zod';

const count = () => z.int().min(1);
const probability = () => z.number().min(0).lt(1);

const recurrentEncoder = z.strictObject({
  type: z.enum(['lstm', 'gru']).optional().default('lstm').describe('Encoder type.'),
  layers: count().default(1).describe('Number of layers.'),
  hiddenSize: count()
    .default(512)
    .describe('Hidden size of a layer; a bidirectional layer has half of it per direction.'),
  bidirectional: z.boolean().default(true).describe('Whether the encoder is bidirectional.'),
  dropout: probability().default(0.2).describe('Dropout probability between layers.'),
});

const recurrentDecoder = z.strictObject({
  type: z.enum(['lstm', 'gru']).optional().default('lstm').describe('Decoder type.'),
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
 * Moves the model settings of version 0.1 to their present keys, so that its configurations and runs still work. A key
 * that is set in both places stays, and is reported as unknown.
 *
 * @param value a whole configuration, valid or not
 */
export function upgradeConfig(value: unknown): unknown {
  return isGroup(value) && 'model' in value ? { ...value, model: upgradeModel(value['model']) } : value;
}

/** `upgradeConfig` for the `model` section. */
export function upgradeModel(value: unknown): unknown {
  if (!isGroup(value)) return value;
  const model = structuredClone(value);
  for (const [from, ...targets] of MOVES) {
    const moved = settingAt(model, from);
    if (moved === undefined || !targets.every((target) => isFree(model, target))) continue;
    delete (from.length === 1 ? model : (model[from[0]] as Group))[from.at(-1)!];
    for (const [group, key] of targets) model[group] = { ...(model[group] as Group | undefined), [key]: moved };
  }
  return model;
}

type Group = Record<string, unknown>;

/** Where a setting of version 0.1 was, and where it is now. */
const MOVES: readonly (readonly [
  from: readonly [string, string?],
  ...targets: (readonly [group: string, key: string])[],
])[] = [
  [['architecture'], ['encoder', 'type'], ['decoder', 'type']],
  [['attention'], ['decoder', 'attention']],
  [['bridge'], ['decoder', 'bridge']],
  [
    ['dropout', 'layers'],
    ['encoder', 'dropout'],
    ['decoder', 'dropout'],
  ],
];

function settingAt(model: Group, [group, key]: readonly [string, string?]): unknown {
  const value = model[group];
  if (key === undefined) return value;
  return isGroup(value) ? value[key] : undefined;
}

function isFree(model: Group, [group, key]: readonly [string, string]): boolean {
  const value = model[group];
  return value === undefined || (isGroup(value) && value[key] === undefined);
}

function isGroup(value: unknown): value is Group {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
