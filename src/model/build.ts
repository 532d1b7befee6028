import type { ModelConfig } from '../config/schema.js';
import type { Random } from '../random.js';
import type { ComputePolicy } from '../runtime/policy.js';
import { BahdanauDecoder } from './decoders/bahdanau.js';
import { RecurrentDecoder } from './decoders/recurrent.js';
import { TransformerDecoder } from './decoders/transformer.js';
import { RecurrentEncoder } from './encoders/recurrent.js';
import { TransformerEncoder } from './encoders/transformer.js';
import type { Decoder, Encoder, TrainableModel } from './model.js';
import type { Parameters } from './parameters.js';
import { SequenceToSequenceModel } from './sequence-to-sequence.js';

type EncoderConfig = ModelConfig['encoder'];
type DecoderConfig = ModelConfig['decoder'];

/** Number of tokens in each vocabulary. */
export interface VocabularySizes {
  readonly source: number;
  readonly target: number;
}

/** Builds the encoder and the decoder of a configuration. */
export interface Architecture {
  encoder(config: EncoderConfig, parameters: () => Parameters, sizes: { readonly embeddingSize: number }): Encoder;
  decoder(
    config: DecoderConfig,
    parameters: () => Parameters,
    sizes: { readonly embeddingSize: number; readonly encoder: Encoder },
  ): Decoder;
}

/** Options of `buildModel`. */
export interface ModelOptions {
  /** Random stream of the initial weights. Without it, parameters are left uninitialised. */
  readonly random: Random | undefined;
  readonly policy: ComputePolicy;
  /** Available encoders and decoders; those of this project by default. */
  readonly architecture?: Architecture | undefined;
}

/** The encoders and decoders of this project, by `model.encoder.type` and `model.decoder.type`. */
export const ARCHITECTURE: Architecture = {
  encoder(config, parameters, sizes) {
    switch (config.type) {
      case 'lstm':
      case 'gru':
        return new RecurrentEncoder(parameters, config, sizes);
      case 'transformer':
        return new TransformerEncoder(parameters, config);
    }
  },
  decoder(config, parameters, sizes) {
    switch (config.type) {
      case 'lstm':
      case 'gru':
        if (config.attention === 'bahdanau') return new BahdanauDecoder(parameters, config, sizes);
        return new RecurrentDecoder(parameters, { ...config, attention: config.attention }, sizes);
      case 'transformer':
        return new TransformerDecoder(parameters, config, sizes);
    }
  },
};

/** Builds the model that a configuration describes. */
export function buildModel(
  config: ModelConfig,
  vocabulary: VocabularySizes,
  { architecture = ARCHITECTURE, ...options }: ModelOptions,
): TrainableModel {
  const { embeddingSize } = config;
  return new SequenceToSequenceModel(config, vocabulary, options, (parameters) => {
    const encoder = architecture.encoder(config.encoder, parameters, { embeddingSize });
    return { encoder, decoder: architecture.decoder(config.decoder, parameters, { embeddingSize, encoder }) };
  });
}
