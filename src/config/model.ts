import { z } from 'zod';
import { transformerDecoder, transformerEncoder } from './transformer.js';

const count = () => z.int().min(1);
const probability = () => z.number().min(0).lt(1);

const residualFrom = () =>
  count()
    .optional()
    .describe(
      'First layer, counted from 1, whose input is added to its output (He et al. 2016; Wu et al. 2016); ' +
        'without it, there are no residual connections.',
    );

const recurrentEncoder = z.strictObject({
  type: z.enum(['lstm', 'gru']).optional().default('lstm').describe('Encoder type.'),
  layers: count().default(1).describe('Number of layers.'),
  hiddenSize: count()
    .default(512)
    .describe('Hidden size of a layer; a bidirectional layer has half of it per direction.'),
  bidirectional: z
    .union([z.boolean(), z.literal('first')])
    .default(true)
    .describe('Whether the layers read in both directions; with `first`, only the first one does.'),
  residualFrom: residualFrom(),
  dropout: probability().default(0.2).describe('Dropout probability between layers.'),
});

const recurrentDecoder = z.strictObject({
  type: z.enum(['lstm', 'gru']).optional().default('lstm').describe('Decoder type.'),
  layers: count().default(1).describe('Number of layers.'),
  hiddenSize: count().default(512).describe('Hidden size of a layer and of the attentional hidden state.'),
  attention: z
    .enum(['none', 'dot', 'general', 'concat', 'scaled', 'bahdanau'])
    .default('general')
    .describe(
      'Attention: a score function after the recurrence (Luong et al. 2015), where `scaled` multiplies `general` by a ' +
        'learned scalar; or `bahdanau`, additive attention whose context is an input of the recurrence (Bahdanau et ' +
        'al. 2015), slower. With `none`, the decoder receives only the final encoder state.',
    ),
  attentionHeads: count()
    .default(1)
    .describe(
      'Number of attention heads; each has its slice of the projected queries, keys and values (Vaswani et al. 2017).',
    ),
  contextLayers: z
    .enum(['first', 'all'])
    .default('first')
    .describe(
      'With attention `bahdanau`, the layers whose input contains the context: the first, or all, as in GNMT (Wu et ' +
        'al. 2016).',
    ),
  coverage: z
    .boolean()
    .default(false)
    .describe(
      'Whether the scores depend on the sum of earlier attention weights (Tu et al. 2016; See et al. 2017); requires ' +
        'attention `bahdanau` or `concat`.',
    ),
  coverageLoss: z
    .number()
    .min(0)
    .default(0)
    .describe(
      'Weight of the coverage loss (See et al. 2017), which penalises repeated attention; requires `coverage`.',
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
  residualFrom: residualFrom(),
  dropout: probability().default(0.2).describe('Dropout probability between layers.'),
});

/** The `model` section. Encoder and decoder are discriminated unions on `type`: each type has its own settings. */
export const modelSchema = z.strictObject({
  embeddingSize: count().default(256).describe('Size of the source and target embeddings.'),
  encoder: z.discriminatedUnion('type', [recurrentEncoder, transformerEncoder]).prefault({}).describe('Encoder.'),
  decoder: z.discriminatedUnion('type', [recurrentDecoder, transformerDecoder]).prefault({}).describe('Decoder.'),
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
      embedding: probability()
        .default(0.2)
        .describe('Dropout probability on the embeddings; in a Transformer, on their sum with the positions.'),
      output: probability()
        .default(0.2)
        .describe('Dropout probability on the decoder output before the output projection.'),
      sourceWord: probability()
        .default(0)
        .describe('Probability of dropping the whole embedding of a source token (Sennrich et al. 2016).'),
      targetWord: probability()
        .default(0)
        .describe('Probability of dropping the whole embedding of a target token (Sennrich et al. 2016).'),
      variational: z
        .boolean()
        .default(false)
        .describe(
          'Whether dropout of embeddings, between layers and of the output has one mask for all time steps of a ' +
            'sentence (Gal and Ghahramani 2016); recurrent connections have no dropout.',
        ),
    })
    .prefault({})
    .describe('Dropout (Srivastava et al. 2014) outside encoder and decoder.'),
  initialization: z
    .number()
    .positive()
    .default(0.1)
    .describe(
      'Bound b of the uniform initialiser of the embeddings, [-b, b]; those that a Transformer reads are normal with ' +
        'variance 1 / embeddingSize. Other weights are initialised as in Glorot and Bengio (2010).',
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
