import { z } from 'zod';
import { configSchema } from './schema.js';
import { transformerDecoder, transformerEncoder } from './transformer.js';

/*
 * The schema of configuration files: that of src/config/schema.ts, in which the settings that depend on the text can
 * also be `auto`, which is their default. src/auto/ chooses their values from the training corpora.
 */

/** A setting that can also be `auto`, which is its default. */
function orAuto<Setting extends z.ZodType>(setting: z.ZodDefault<Setting>) {
  return z
    .union([setting.unwrap(), z.literal('auto')])
    .prefault('auto')
    .describe(setting.description ?? '');
}

/** The settings of a Transformer that can be `auto`. */
function transformerAuto({
  hiddenSize,
  heads,
  feedForwardSize,
  dropout,
  attentionDropout,
  activationDropout,
}: typeof transformerEncoder.shape | typeof transformerDecoder.shape) {
  return {
    hiddenSize: orAuto(hiddenSize),
    heads: orAuto(heads),
    feedForwardSize: orAuto(feedForwardSize),
    dropout: orAuto(dropout),
    attentionDropout: orAuto(attentionDropout),
    activationDropout: orAuto(activationDropout),
  };
}

const { data, tokenizer, model, training } = configSchema.shape;

const fileData = data
  .extend({
    maxSourceLength: orAuto(data.shape.maxSourceLength),
    maxTargetLength: orAuto(data.shape.maxTargetLength),
  })
  .describe(data.description ?? '');

const fileTokenizer = tokenizer.unwrap().extend({ size: orAuto(tokenizer.unwrap().shape.size) });

const modelShape = model.unwrap().shape;
const [lstmEncoder] = modelShape.encoder.unwrap().options;
const [lstmDecoder] = modelShape.decoder.unwrap().options;
const fileEncoder = z.discriminatedUnion('type', [
  lstmEncoder.extend({
    hiddenSize: orAuto(lstmEncoder.shape.hiddenSize),
    dropout: orAuto(lstmEncoder.shape.dropout),
  }),
  transformerEncoder.extend(transformerAuto(transformerEncoder.shape)),
]);
const fileDecoder = z.discriminatedUnion('type', [
  lstmDecoder.extend({
    hiddenSize: orAuto(lstmDecoder.shape.hiddenSize),
    dropout: orAuto(lstmDecoder.shape.dropout),
  }),
  transformerDecoder.extend(transformerAuto(transformerDecoder.shape)),
]);
const dropout = modelShape.dropout.unwrap();
const fileModel = model.unwrap().extend({
  embeddingSize: orAuto(modelShape.embeddingSize),
  encoder: fileEncoder.prefault({}).describe(modelShape.encoder.description ?? ''),
  decoder: fileDecoder.prefault({}).describe(modelShape.decoder.description ?? ''),
  tieTargetEmbeddings: orAuto(modelShape.tieTargetEmbeddings),
  shareEmbeddings: orAuto(modelShape.shareEmbeddings),
  dropout: dropout
    .extend({ embedding: orAuto(dropout.shape.embedding), output: orAuto(dropout.shape.output) })
    .prefault({})
    .describe(modelShape.dropout.description ?? ''),
});

const trainingShape = training.unwrap().shape;
const batch = trainingShape.batch.unwrap();
const optimizer = trainingShape.optimizer.unwrap();
const schedule = trainingShape.schedule.unwrap();
const validation = trainingShape.validation.unwrap();
const earlyStopping = trainingShape.earlyStopping.unwrap();
const fileTraining = training.unwrap().extend({
  batch: batch
    .extend({ size: orAuto(batch.shape.size) })
    .prefault({})
    .describe(trainingShape.batch.description ?? ''),
  optimizer: optimizer
    .extend({ learningRate: orAuto(optimizer.shape.learningRate) })
    .prefault({})
    .describe(trainingShape.optimizer.description ?? ''),
  schedule: schedule
    .extend({
      name: z
        .enum(['auto', ...schedule.shape.name.unwrap().options])
        .default('auto')
        .describe(schedule.shape.name.description ?? ''),
      warmupSteps: orAuto(schedule.shape.warmupSteps),
      start: orAuto(schedule.shape.start),
      interval: orAuto(schedule.shape.interval),
    })
    .prefault({})
    .describe(trainingShape.schedule.description ?? ''),
  maxEpochs: z
    .union([trainingShape.maxEpochs.unwrap(), z.literal('auto')])
    .default('auto')
    .optional()
    .describe('Maximum number of passes over the training data; auto is no limit if another limit is given.'),
  validation: validation
    .extend({
      every: orAuto(validation.shape.every),
      unit: z
        .enum(['auto', ...validation.shape.unit.unwrap().options])
        .default('auto')
        .describe(validation.shape.unit.description ?? ''),
    })
    .prefault({})
    .describe(trainingShape.validation.description ?? ''),
  earlyStopping: earlyStopping
    .extend({ patience: orAuto(earlyStopping.shape.patience) })
    .prefault({})
    .describe(trainingShape.earlyStopping.description ?? ''),
});

/** The schema of configuration files: like `configSchema`, with `auto`. */
export const configFileSchema = configSchema.extend({
  data: fileData,
  tokenizer: fileTokenizer.prefault({}).describe(tokenizer.description ?? ''),
  model: fileModel.prefault({}).describe(model.description ?? ''),
  training: fileTraining.prefault({}).describe(training.description ?? ''),
});

/** A configuration as loaded, with `auto` where neither the file nor the command line gives a value. */
export type LoadedConfig = z.output<typeof configFileSchema>;
/** The contents of a configuration file. */
export type ConfigInput = z.input<typeof configFileSchema>;

/** The JSON Schema (draft 2020-12) of configuration files, with the description and default of every setting. */
export function jsonSchema(): Record<string, unknown> {
  return { title: 's2s configuration', ...z.toJSONSchema(configFileSchema, { io: 'input' }) };
}
