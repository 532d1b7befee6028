import type { LoadedConfig } from '../config/file-schema.js';
import type { ModelConfig } from '../config/schema.js';
import type { Choices } from './choices.js';
import type { Chosen } from './rules.js';

type Size = number | 'auto';

/**
 * Chooses the sizes, ties and dropout of a model. Given numbers are kept, and the others are chosen such that the model
 * is valid wherever the given ones allow it: tied embeddings have the width of the decoder, and attention `dot` and
 * bridge `copy` get equal hidden sizes.
 */
export function chooseModel(
  given: LoadedConfig['model'],
  sharedTokenizer: boolean,
  width: Chosen<number>,
  dropout: Chosen<number>,
  choices: Choices,
): ModelConfig {
  const { encoder, decoder } = given;
  const sizes = chooseSizes(given, width, choices);
  const rate = (key: string, value: Size): number => choices.take(key, value, () => dropout);
  return {
    ...given,
    embeddingSize: sizes.embedding,
    encoder: {
      ...encoder,
      hiddenSize: sizes.encoder,
      dropout: rate('model.encoder.dropout', encoder.dropout),
    },
    decoder: {
      ...decoder,
      hiddenSize: sizes.decoder,
      dropout: rate('model.decoder.dropout', decoder.dropout),
    },
    tieTargetEmbeddings: sizes.tied,
    shareEmbeddings: choices.take('model.shareEmbeddings', given.shareEmbeddings, () => ({
      value: sharedTokenizer,
      reason: `tokenizer.shared is ${sharedTokenizer}`,
    })),
    dropout: {
      ...given.dropout,
      embedding: rate('model.dropout.embedding', given.dropout.embedding),
      output: rate('model.dropout.output', given.dropout.output),
    },
  };
}

interface Sizes {
  readonly embedding: number;
  readonly encoder: number;
  readonly decoder: number;
  readonly tied: boolean;
}

function chooseSizes(given: LoadedConfig['model'], width: Chosen<number>, choices: Choices): Sizes {
  const { embeddingSize, tieTargetEmbeddings, encoder, decoder } = given;
  const sameHidden = decoder.attention === 'dot' || decoder.bridge === 'copy';
  const hidden = choices.take('model.decoder.hiddenSize', decoder.hiddenSize, () => {
    if (sameHidden && encoder.hiddenSize !== 'auto') return equalTo('model.encoder.hiddenSize', encoder.hiddenSize);
    const mayTie = tieTargetEmbeddings === true || (tieTargetEmbeddings === 'auto' && embeddingSize !== 'auto');
    if (!mayTie || embeddingSize === 'auto') return width;
    // The encoder follows the decoder, and needs an even size for two directions.
    const fits = encoder.hiddenSize !== 'auto' || !sameHidden || !encoder.bidirectional || embeddingSize % 2 === 0;
    const wideEnough = 2 * embeddingSize >= width.value;
    if (tieTargetEmbeddings === true || (fits && wideEnough)) return equalTo('model.embeddingSize', embeddingSize);
    return width;
  });
  const encoderSize = choices.take('model.encoder.hiddenSize', encoder.hiddenSize, () => {
    const isOdd = encoder.bidirectional && hidden % 2 !== 0 && !sameHidden;
    return isOdd
      ? { value: hidden + 1, reason: `model.decoder.hiddenSize is ${hidden}, and a bidirectional layer is even` }
      : equalTo('model.decoder.hiddenSize', hidden);
  });
  const embedding = choices.take('model.embeddingSize', embeddingSize, () =>
    tieTargetEmbeddings === false
      ? { value: Math.max(1, Math.round(hidden / 2)), reason: 'half of model.decoder.hiddenSize' }
      : equalTo('model.decoder.hiddenSize', hidden),
  );
  const tied = choices.take('model.tieTargetEmbeddings', tieTargetEmbeddings, () => ({
    value: embedding === hidden,
    reason:
      embedding === hidden
        ? 'fewer weights to learn'
        : `model.embeddingSize (${embedding}) differs from model.decoder.hiddenSize (${hidden})`,
  }));
  return { embedding, encoder: encoderSize, decoder: hidden, tied };
}

function equalTo(key: string, value: number): Chosen<number> {
  return { value, reason: `equal to ${key}` };
}
