import type { LoadedConfig } from '../config/file-schema.js';
import type { ModelConfig } from '../config/schema.js';
import type { Choices } from './choices.js';
import type { Chosen } from './rules.js';
import { chooseTransformer } from './transformer.js';

type Size = number | 'auto';

/**
 * Chooses the sizes, ties and dropout of a model. Given numbers are kept, and the others are chosen such that the model
 * is valid wherever the given ones allow it: tied embeddings have the width of the decoder, and attention `dot` and
 * bridge `copy` get equal hidden sizes.
 *
 * @param dropoutOf the dropout for a decoder of this width
 */
export function chooseModel(
  given: LoadedConfig['model'],
  sharedTokenizer: boolean,
  width: Chosen<number>,
  dropoutOf: (width: number) => Chosen<number>,
  choices: Choices,
): ModelConfig {
  const { encoder, decoder } = given;
  const sizes = chooseSizes(given, width, choices);
  const dropout = dropoutOf(sizes.decoder);
  const rate = (key: string, value: Size, rule = dropout): number => choices.take(key, value, () => rule);
  return {
    ...given,
    embeddingSize: sizes.embedding,
    encoder:
      encoder.type === 'transformer'
        ? { ...encoder, ...chooseTransformer('encoder', encoder, sizes.encoder, dropout, choices) }
        : { ...encoder, hiddenSize: sizes.encoder, dropout: rate('model.encoder.dropout', encoder.dropout) },
    decoder:
      decoder.type === 'transformer'
        ? { ...decoder, ...chooseTransformer('decoder', decoder, sizes.decoder, dropout, choices) }
        : { ...decoder, hiddenSize: sizes.decoder, dropout: rate('model.decoder.dropout', decoder.dropout) },
    tieTargetEmbeddings: sizes.tied,
    shareEmbeddings: choices.take('model.shareEmbeddings', given.shareEmbeddings, () => ({
      value: sharedTokenizer,
      reason: `tokenizer.shared is ${sharedTokenizer}`,
    })),
    dropout: {
      ...given.dropout,
      embedding: rate('model.dropout.embedding', given.dropout.embedding),
      output: rate(
        'model.dropout.output',
        given.dropout.output,
        decoder.type === 'transformer' ? { value: 0, reason: 'the layers of a Transformer have dropout' } : dropout,
      ),
    },
  };
}

interface Sizes {
  readonly embedding: number;
  readonly encoder: number;
  readonly decoder: number;
  readonly tied: boolean;
}

/** Transformers are as wide as the embeddings; a recurrent encoder or decoder that is paired with one is as wide, too. */
function chooseSizesOfTransformer(given: LoadedConfig['model'], width: Chosen<number>, choices: Choices): Sizes {
  const { encoder, decoder, tieTargetEmbeddings } = given;
  const sides = [
    ['model.encoder', encoder],
    ['model.decoder', decoder],
  ] as const;
  const embedding = choices.take('model.embeddingSize', given.embeddingSize, () => {
    const wide = sides.find(([, { type, hiddenSize }]) => type === 'transformer' && hiddenSize !== 'auto');
    if (wide !== undefined) return equalTo(`${wide[0]}.hiddenSize`, wide[1].hiddenSize as number);
    if (tieTargetEmbeddings === true && decoder.hiddenSize !== 'auto')
      return equalTo('model.decoder.hiddenSize', decoder.hiddenSize);
    return dividedBy(width, ...sides.map(([, side]) => headsOf(side)));
  });
  const [encoderSize, decoderSize] = sides.map(([key, { hiddenSize, ...side }]) =>
    choices.take(`${key}.hiddenSize`, hiddenSize, () => {
      const isOdd = 'bidirectional' in side && side.bidirectional && embedding % 2 !== 0;
      return isOdd
        ? { value: embedding + 1, reason: `model.embeddingSize is ${embedding}, and a bidirectional layer is even` }
        : equalTo('model.embeddingSize', embedding);
    }),
  ) as [number, number];
  return {
    embedding,
    encoder: encoderSize,
    decoder: decoderSize,
    tied: chooseTies(given, embedding, decoderSize, choices),
  };
}

function chooseSizes(given: LoadedConfig['model'], width: Chosen<number>, choices: Choices): Sizes {
  const { embeddingSize, tieTargetEmbeddings, encoder, decoder } = given;
  if (encoder.type === 'transformer' || decoder.type === 'transformer')
    return chooseSizesOfTransformer(given, width, choices);
  const sameHidden = decoder.attention === 'dot' || decoder.bridge === 'copy';
  // A residual connection from the first layer on adds the embedding, which must then have its width.
  const [encoderAdds, decoderAdds] = [encoder.residualFrom === 1, decoder.residualFrom === 1];
  const hidden = choices.take('model.decoder.hiddenSize', decoder.hiddenSize, () => {
    const sameByEmbedding = encoderAdds && (decoderAdds || tieTargetEmbeddings === true);
    if ((sameHidden || sameByEmbedding) && encoder.hiddenSize !== 'auto')
      return equalTo('model.encoder.hiddenSize', encoder.hiddenSize);
    if ((decoderAdds || (encoderAdds && sameHidden)) && embeddingSize !== 'auto')
      return equalTo('model.embeddingSize', embeddingSize);
    const mayTie = tieTargetEmbeddings === true || (tieTargetEmbeddings === 'auto' && embeddingSize !== 'auto');
    if (!mayTie || embeddingSize === 'auto') return dividedBy(width, headsOf(decoder));
    // The encoder follows the decoder, and needs an even size for two directions.
    const fits = encoder.hiddenSize !== 'auto' || !sameHidden || !encoder.bidirectional || embeddingSize % 2 === 0;
    const wideEnough = 2 * embeddingSize >= width.value;
    const isDivided = embeddingSize % headsOf(decoder) === 0;
    if (tieTargetEmbeddings === true || (fits && wideEnough && isDivided))
      return equalTo('model.embeddingSize', embeddingSize);
    return dividedBy(width, headsOf(decoder));
  });
  const encoderSize = choices.take('model.encoder.hiddenSize', encoder.hiddenSize, () => {
    if (encoderAdds && embeddingSize !== 'auto') return equalTo('model.embeddingSize', embeddingSize);
    const isOdd = encoder.bidirectional && hidden % 2 !== 0 && !sameHidden;
    return isOdd
      ? { value: hidden + 1, reason: `model.decoder.hiddenSize is ${hidden}, and a bidirectional layer is even` }
      : equalTo('model.decoder.hiddenSize', hidden);
  });
  const embedding = choices.take('model.embeddingSize', embeddingSize, () => {
    if (encoderAdds) return equalTo('model.encoder.hiddenSize', encoderSize);
    return tieTargetEmbeddings === false && !decoderAdds
      ? { value: Math.max(1, Math.round(hidden / 2)), reason: 'half of model.decoder.hiddenSize' }
      : equalTo('model.decoder.hiddenSize', hidden);
  });
  return { embedding, encoder: encoderSize, decoder: hidden, tied: chooseTies(given, embedding, hidden, choices) };
}

function chooseTies(given: LoadedConfig['model'], embedding: number, hidden: number, choices: Choices): boolean {
  return choices.take('model.tieTargetEmbeddings', given.tieTargetEmbeddings, () => ({
    value: embedding === hidden,
    reason:
      embedding === hidden
        ? 'fewer weights to learn'
        : `model.embeddingSize (${embedding}) differs from model.decoder.hiddenSize (${hidden})`,
  }));
}

function headsOf(side: LoadedConfig['model']['encoder' | 'decoder']): number {
  if (side.type === 'transformer') return side.heads === 'auto' ? 1 : side.heads;
  return 'attentionHeads' in side ? side.attentionHeads : 1;
}

/** The width, increased to an even multiple of all numbers of heads: bidirectional layers have an even size. */
function dividedBy(width: Chosen<number>, ...heads: readonly number[]): Chosen<number> {
  const unit = heads.reduce((left, right) => (left * right) / greatestCommonDivisor(left, right), 2);
  return { value: unit * Math.ceil(width.value / unit), reason: width.reason };
}

function greatestCommonDivisor(left: number, right: number): number {
  return right === 0 ? left : greatestCommonDivisor(right, left % right);
}

function equalTo(key: string, value: number): Chosen<number> {
  return { value, reason: `equal to ${key}` };
}
