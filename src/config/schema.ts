import { z } from 'zod';
import { modelSchema } from './model.js';
import { trainingSchema } from './training.js';

export type { ModelConfig } from './model.js';

/*
 * The single declaration of all settings: type, default, range and description. src/config/file-schema.ts derives the
 * schema of configuration files from it, in which some settings are `auto` by default. Their defaults here complete the
 * configurations of earlier runs, which have no `auto`.
 */

const path = () => z.string().min(1);
const count = () => z.int().min(1);

/** One corpus: two aligned files, or one file with both sides. */
export const corpusSchema = z.strictObject({
  source: path().optional().describe('Source file with one sentence per line (plain or .gz); requires `target`.'),
  target: path().optional().describe('Target file in which line N is the translation of line N of `source`.'),
  file: path()
    .optional()
    .describe('One file with both sides: TSV, CSV or JSON Lines (plain or .gz), instead of `source` and `target`.'),
  format: z
    .enum(['tsv', 'csv', 'jsonl'])
    .optional()
    .describe('Format of `file`; inferred from the file extension by default.'),
  sourceColumn: z
    .union([z.string(), count()])
    .optional()
    .describe('Column (name, or number from 1) or JSON key of the source side; defaults to 1 or `source`.'),
  targetColumn: z
    .union([z.string(), count()])
    .optional()
    .describe('Column (name, or number from 1) or JSON key of the target side; defaults to 2 or `target`.'),
  header: z
    .boolean()
    .optional()
    .describe('Whether the first row of a TSV or CSV file is a header; defaults to true if a column is given by name.'),
  delimiter: z
    .string()
    .length(1)
    .optional()
    .describe('Column delimiter; defaults to a tab for TSV and a comma for CSV.'),
  quote: z.string().max(1).optional().describe('Quote character; defaults to `"` for CSV and to none (empty) for TSV.'),
  weight: z
    .number()
    .positive()
    .optional()
    .describe('Sampling weight of this corpus: 2 uses each pair twice per epoch, 0.5 uses half of the pairs.'),
});

const corpora = z.array(corpusSchema);

/** A split that is drawn from the training corpora instead of being read from its own. */
const holdOut = z.strictObject({
  holdOut: count().describe(
    'Number of pairs to hold out: drawn from the training corpora by the seed; neither they nor pairs with the same ' +
      'source or target text are used for training.',
  ),
});

const data = z.strictObject({
  sourceLanguage: z
    .string()
    .min(1)
    .default('source')
    .describe('Name or code of the source language, used only in reports.'),
  targetLanguage: z
    .string()
    .min(1)
    .default('target')
    .describe('Name or code of the target language, used only in reports.'),
  train: corpora.min(1).describe('Training corpora.'),
  dev: z
    .union([corpora.min(1), holdOut])
    .describe('Development corpora, used for validation during training, or `{ holdOut: N }`.'),
  test: z
    .union([corpora, holdOut])
    .default([])
    .describe('Test corpora, used only by `s2s eval --split test`, or `{ holdOut: N }`.'),
  maxSourceLength: count().default(100).describe('Maximum number of source tokens; longer training pairs are dropped.'),
  maxTargetLength: count().default(100).describe('Maximum number of target tokens; longer training pairs are dropped.'),
  maxLengthRatio: z
    .number()
    .gt(1)
    .default(9)
    .describe('Maximum length ratio of the longer to the shorter side in tokens; training pairs above it are dropped.'),
  invalidUtf8: z
    .enum(['refuse', 'drop'])
    .default('refuse')
    .describe('What is done about a training pair that is not valid UTF-8: an error with its line, or dropping it.'),
  cacheDirectory: path()
    .optional()
    .describe('Directory of the encoded corpora; defaults to `cache` in the run directory.'),
});

const tokenType = () => z.enum(['char', 'word', 'bpe', 'unigram']);
const normalization = () => z.enum(['none', 'nfc', 'nfkc']);
const vocabularySize = () => z.int().min(8);

const tokenizerSide = z.strictObject({
  type: tokenType().optional().describe('Token type of this side.'),
  size: vocabularySize().optional().describe('Vocabulary size of this side.'),
  minimumFrequency: count().optional().describe('Minimum token frequency on this side.'),
  normalization: normalization().optional().describe('Unicode normalisation of this side.'),
  lowercase: z.boolean().optional().describe('Whether to lowercase this side.'),
});

const tokenizer = z.strictObject({
  shared: z.boolean().default(true).describe('Whether source and target share one tokenizer and vocabulary.'),
  type: tokenType()
    .default('bpe')
    .describe('Token type: characters, words (Unicode word boundaries), byte-pair encoding or unigram subwords.'),
  size: vocabularySize()
    .default(8000)
    .describe('Vocabulary size including the four special tokens; an upper limit for char and word.'),
  minimumFrequency: count()
    .default(1)
    .describe('Minimum frequency of a token (for bpe: of a merge) in the training text.'),
  normalization: normalization().default('nfc').describe('Unicode normalisation before tokenisation.'),
  lowercase: z.boolean().default(false).describe('Whether to lowercase text before tokenisation.'),
  source: tokenizerSide.optional().describe('Settings that differ on the source side; requires `shared: false`.'),
  target: tokenizerSide.optional().describe('Settings that differ on the target side; requires `shared: false`.'),
  directory: path()
    .optional()
    .describe(
      'Directory of the tokenizer files (the run directory by default); ' +
        'existing tokenizers in a directory given here are used unchanged.',
    ),
});

const decoding = z.strictObject({
  beamSize: count().default(5).describe('Beam size; 1 is greedy search.'),
  lengthPenalty: z
    .number()
    .min(0)
    .default(1)
    .describe('Length normalisation: scores are divided by the length to the power of this value; 0 disables it.'),
  maxLengthRatio: z
    .number()
    .positive()
    .default(2)
    .describe('Maximum translation length per source token, to which `maxLengthMargin` is added.'),
  maxLengthMargin: z
    .int()
    .min(0)
    .default(10)
    .describe('Number of tokens added to `maxLengthRatio` times the source length.'),
  noRepeatNgramSize: z
    .int()
    .min(0)
    .default(0)
    .describe('Size of the n-grams that cannot occur twice in a translation; 0 disables this constraint.'),
  copyUnknown: z
    .boolean()
    .default(false)
    .describe(
      'Whether `<unk>` may be generated and is replaced by the source word with the highest attention weight; ' +
        'if false, `<unk>` is never generated.',
    ),
  batchTokens: count().default(4096).describe('Number of source tokens, including padding, per decoding batch.'),
});

/** The schema of complete configurations. */
export const configSchema = z.strictObject({
  runDirectory: path()
    .default('runs/default')
    .describe('Directory of checkpoints, vocabulary, metrics and the resolved configuration.'),
  seed: z
    .int()
    .min(0)
    .max(0x7fffffff)
    .default(1)
    .describe('Random seed: the same seed, configuration and machine give the same model.'),
  device: z
    .string()
    .regex(/^(auto|cpu|gpu|gpu:\d+)$/, 'auto, cpu, gpu or gpu:N')
    .default('auto')
    .describe('Device: `auto`, `cpu`, `gpu` or `gpu:N`; auto selects the first GPU, or the CPU if there is no GPU.'),
  precision: z
    .enum(['auto', 'float32', 'bfloat16', 'float16'])
    .default('auto')
    .describe(
      'Data type of large matrix products; auto selects bfloat16 if the device supports it natively, float16 on a ' +
        'GPU that supports only float16, and float32 otherwise; for trained models, bfloat16 and float16 mean auto.',
    ),
  data: data.describe('Parallel corpora and length filters.'),
  tokenizer: tokenizer.prefault({}).describe('Tokenizer and vocabulary.'),
  model: modelSchema.prefault({}).describe('Model architecture.'),
  training: trainingSchema.prefault({}).describe('Training procedure.'),
  decoding: decoding.prefault({}).describe('Beam search.'),
});

/** A complete configuration: a value for every setting, without `auto`, and absolute paths. */
export type Config = z.output<typeof configSchema>;
export type CorpusConfig = Config['data']['train'][number];
export type TrainingConfig = Config['training'];
export type DecodingConfig = Config['decoding'];
export type TokenizerConfig = Config['tokenizer'];
