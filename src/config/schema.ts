import { z } from 'zod';
import { modelSchema } from './model.js';

export type { ModelConfig } from './model.js';

/*
 * The one declaration of every setting: type, default, range and a sentence. The loader, `s2s config --schema`,
 * and the table in the README are made from it.
 */

const path = () => z.string().min(1);
const count = () => z.int().min(1);
const probability = () => z.number().min(0).lt(1);

/** One corpus: two aligned files, or one file with both sides. */
export const corpusSchema = z.strictObject({
  source: path().optional().describe('File with the source sentences, one a line (plain or .gz); needs `target`.'),
  target: path().optional().describe('File whose line N translates line N of `source`.'),
  file: path()
    .optional()
    .describe('One file with both sides: TSV, CSV or JSON lines (plain or .gz), instead of `source` and `target`.'),
  format: z.enum(['tsv', 'csv', 'jsonl']).optional().describe('Format of `file`; read off its name when not given.'),
  sourceColumn: z
    .union([z.string(), count()])
    .optional()
    .describe('Column (name, or number from 1) or JSON key of the source side; 1 or `source` when not given.'),
  targetColumn: z
    .union([z.string(), count()])
    .optional()
    .describe('Column (name, or number from 1) or JSON key of the target side; 2 or `target` when not given.'),
  header: z
    .boolean()
    .optional()
    .describe('Whether the first row of a TSV or CSV names the columns; true when a column is given by name.'),
  delimiter: z.string().length(1).optional().describe('Character between columns; a tab for TSV, a comma for CSV.'),
  quote: z.string().max(1).optional().describe('Quoting character; `"` for CSV, none (empty) for TSV.'),
  weight: z
    .number()
    .positive()
    .optional()
    .describe('Share of this corpus in an epoch relative to its size: 2 shows each pair twice, 0.5 half of them.'),
});

const corpora = z.array(corpusSchema);

const tokenizerSide = z.strictObject({
  type: z.enum(['char', 'word', 'bpe', 'unigram']).optional().describe('Kind of tokens on this side.'),
  size: z.int().min(8).optional().describe('Vocabulary size on this side.'),
  minimumFrequency: count().optional().describe('Occurrences that a token needs on this side.'),
  normalization: z.enum(['none', 'nfc', 'nfkc']).optional().describe('Unicode normalisation on this side.'),
  lowercase: z.boolean().optional().describe('Whether this side is lowercased.'),
});

export const configSchema = z.strictObject({
  runDirectory: path()
    .default('runs/default')
    .describe('Folder of the run: checkpoints, vocabulary, metrics and resolved config.'),
  seed: z
    .int()
    .min(0)
    .max(0x7fffffff)
    .default(1)
    .describe('Seed of all randomness: the same seed, config and machine give the same model.'),
  device: z
    .string()
    .regex(/^(auto|cpu|gpu|gpu:\d+)$/, 'auto, cpu, gpu or gpu:N')
    .default('auto')
    .describe(
      'Where to compute: `auto`, `cpu`, `gpu` or `gpu:N`; auto takes the first GPU, or the CPU where there is none.',
    ),
  precision: z
    .enum(['auto', 'float32', 'bfloat16', 'float16'])
    .default('auto')
    .describe(
      'Number format of the large matrix products; auto takes bfloat16 where the device multiplies it natively, float16 on a GPU that multiplies only that, else float32. With a trained model, bfloat16 and float16 are auto.',
    ),

  data: z
    .strictObject({
      sourceLanguage: z.string().min(1).default('source').describe('Name or code of the source language, for reports.'),
      targetLanguage: z.string().min(1).default('target').describe('Name or code of the target language, for reports.'),
      train: corpora.min(1).describe('Corpora to train on.'),
      dev: corpora.min(1).describe('Corpora for validation during training.'),
      test: corpora.default([]).describe('Corpora for `s2s eval --split test`; never seen in training.'),
      maxSourceLength: count().default(100).describe('Training pairs with more source tokens are dropped.'),
      maxTargetLength: count().default(100).describe('Training pairs with more target tokens are dropped.'),
      maxLengthRatio: z
        .number()
        .gt(1)
        .default(9)
        .describe(
          'Training pairs whose longer side has more than this many times the tokens of the shorter are dropped.',
        ),
      cacheDirectory: path()
        .optional()
        .describe('Folder for the encoded corpora; `cache` in the run directory when not given.'),
    })
    .describe('The parallel text, and what of it is too long to train on.'),

  tokenizer: z
    .strictObject({
      shared: z.boolean().default(true).describe('One tokenizer and vocabulary for both sides.'),
      type: z
        .enum(['char', 'word', 'bpe', 'unigram'])
        .default('bpe')
        .describe('Kind of tokens: characters, words (Unicode word boundaries), byte-pair or unigram subwords.'),
      size: z
        .int()
        .min(8)
        .default(8000)
        .describe('Vocabulary size, the four special tokens included; an upper limit for char and word.'),
      minimumFrequency: count()
        .default(1)
        .describe('Occurrences in the training text that a token needs (for bpe: that a merge needs).'),
      normalization: z
        .enum(['none', 'nfc', 'nfkc'])
        .default('nfc')
        .describe('Unicode normalisation before tokenising.'),
      lowercase: z.boolean().default(false).describe('Whether text is lowercased before tokenising.'),
      source: tokenizerSide.optional().describe('Settings of the source side where they differ; not with `shared`.'),
      target: tokenizerSide.optional().describe('Settings of the target side where they differ; not with `shared`.'),
      directory: path()
        .optional()
        .describe(
          'Folder of the tokenizer files; the run directory when not given. Tokenizers found in a folder named here are used as they are.',
        ),
    })
    .prefault({})
    .describe('How text becomes tokens.'),

  model: modelSchema.prefault({}).describe('The network.'),

  training: z
    .strictObject({
      batch: z
        .strictObject({
          size: count().default(2048).describe('Size of a batch, in `unit`s.'),
          unit: z
            .enum(['tokens', 'sentences'])
            .default('tokens')
            .describe('Whether `size` counts target tokens (padding included) or sentences.'),
          accumulate: count().default(1).describe('Batches whose gradients are added up for one update.'),
        })
        .prefault({})
        .describe('How many pairs make an update.'),
      optimizer: z
        .strictObject({
          name: z.enum(['adam', 'adamw', 'sgd']).default('adam').describe('Optimiser.'),
          learningRate: z.number().positive().default(0.001).describe('Learning rate before the schedule.'),
          beta1: probability().default(0.9).describe('Decay of the first moment (adam, adamw).'),
          beta2: probability().default(0.999).describe('Decay of the second moment (adam, adamw).'),
          epsilon: z
            .number()
            .positive()
            .default(1e-8)
            .describe('Added to the root of the second moment (adam, adamw).'),
          weightDecay: z.number().min(0).default(0).describe('Decoupled weight decay (adamw only).'),
          momentum: probability().default(0).describe('Momentum (sgd only).'),
        })
        .prefault({})
        .describe('The rule by which gradients change the weights.'),
      schedule: z
        .strictObject({
          name: z
            .enum(['constant', 'inverse-sqrt', 'step', 'exponential', 'plateau'])
            .default('constant')
            .describe(
              'Course of the learning rate: constant; linear warm-up, then inverse square root; times `factor` every `interval` updates from `start` on; exponential decay at that pace; times `factor` when dev stops improving.',
            ),
          warmupSteps: z
            .int()
            .min(0)
            .default(0)
            .describe('Updates over which the learning rate rises linearly from zero (all schedules).'),
          start: z.int().min(0).default(0).describe('Update at which decay starts (step, exponential).'),
          interval: count()
            .default(1000)
            .describe('Updates between decays (step), or for one factor of decay (exponential).'),
          factor: z.number().gt(0).lt(1).default(0.5).describe('Factor of one decay (step, exponential, plateau).'),
          patience: z.int().min(0).default(1).describe('Validations without improvement before a decay (plateau).'),
          minimumLearningRate: z.number().min(0).default(0).describe('The schedule goes no lower than this.'),
        })
        .prefault({})
        .describe('How the learning rate changes in the course of training.'),
      clipNorm: z.number().min(0).default(1).describe('Largest global norm of the gradient; 0 does not clip.'),
      labelSmoothing: probability()
        .default(0.1)
        .describe('Probability mass spread evenly over the vocabulary (Szegedy et al. 2016).'),
      lossNormalization: z
        .enum(['token', 'sentence'])
        .default('token')
        .describe(
          'Whether the loss is averaged over target tokens or summed in a sentence and averaged over sentences.',
        ),
      maxSteps: count().optional().describe('Stop after this many updates.'),
      maxEpochs: count().optional().describe('Stop after this many passes over the training data.'),
      maxMinutes: z
        .number()
        .positive()
        .optional()
        .describe('Stop after this many minutes of training, earlier sessions of the run included.'),
      validation: z
        .strictObject({
          every: count().default(1).describe('Validate every this many `unit`s.'),
          unit: z.enum(['steps', 'epochs']).default('epochs').describe('What `every` counts.'),
          bleu: z.boolean().default(true).describe('Whether to translate dev greedily and compute BLEU.'),
          maxSentences: count()
            .optional()
            .describe('Translate only the first this many dev sentences for BLEU; all when not given.'),
          samples: z.int().min(0).default(3).describe('Sample translations in the log.'),
        })
        .prefault({})
        .describe('When and how dev is scored.'),
      earlyStopping: z
        .strictObject({
          metric: z
            .enum(['loss', 'bleu'])
            .default('bleu')
            .describe(
              'Dev score that selects the best checkpoint, and that early stopping and the plateau schedule watch.',
            ),
          patience: z
            .int()
            .min(0)
            .default(0)
            .describe('Stop after this many validations without improvement; 0 never stops.'),
        })
        .prefault({})
        .describe('Which score counts, and when to give up on a better one.'),
      checkpoints: z
        .strictObject({
          keepLast: count().default(2).describe('Most recent checkpoints to keep.'),
          keepBest: count().default(1).describe('Best checkpoints to keep.'),
          everySteps: count().optional().describe('Also save every this many updates; otherwise at each validation.'),
        })
        .prefault({})
        .describe('When the state of training is saved, and how much is kept.'),
      logEvery: count().default(50).describe('Updates between log lines and between rows of metrics.jsonl.'),
      tensorboard: z
        .boolean()
        .default(false)
        .describe('Whether to write TensorBoard event files into the run directory.'),
      maxNonFiniteSteps: count()
        .default(5)
        .describe(
          'Stop after this many updates in a row with an infinite or NaN loss, perplexity or gradient; each is skipped and counted.',
        ),
    })
    .prefault({})
    .describe('How the model learns, and for how long.'),

  decoding: z
    .strictObject({
      beamSize: count().default(5).describe('Hypotheses kept a step; 1 is greedy.'),
      lengthPenalty: z
        .number()
        .min(0)
        .default(1)
        .describe('Exponent of the length by which a hypothesis score is divided; 0 does not normalise.'),
      maxLengthRatio: z.number().positive().default(2).describe('Longest translation, in tokens for one source token.'),
      maxLengthMargin: z
        .int()
        .min(0)
        .default(10)
        .describe('Tokens on top of `maxLengthRatio` times the source length.'),
      noRepeatNgramSize: z
        .int()
        .min(0)
        .default(0)
        .describe('No sequence of so many tokens comes twice in a translation; 0 allows it.'),
      copyUnknown: z
        .boolean()
        .default(false)
        .describe(
          'Whether `<unk>` may be generated; the source word to which attention points takes its place. Otherwise it never is.',
        ),
      batchTokens: count().default(4096).describe('Source tokens (padding included) translated at once.'),
    })
    .prefault({})
    .describe('How translations are searched for.'),
});

/** A complete configuration: every default filled in, every path absolute. */
export type Config = z.output<typeof configSchema>;
/** What a configuration file may hold. */
export type ConfigInput = z.input<typeof configSchema>;
export type CorpusConfig = Config['data']['train'][number];
export type TrainingConfig = Config['training'];
export type DecodingConfig = Config['decoding'];
export type TokenizerConfig = Config['tokenizer'];
