import type { ModelConfig } from '../config/schema.js';
import type { BatchShape } from '../data/batch.js';

/** Matrix products of one kind: `[rows, inner]` times `[inner, columns]`, `count` of them in a forward pass. */
export interface MatrixProduct {
  readonly name: string;
  readonly count: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

/**
 * Every matrix product of the LSTM model's forward pass over a full batch under teacher forcing, derived from the shapes.
 *
 * A recurrent product counts at every step, the first included, whose state is zero.
 *
 * @param vocabularySize of the target
 */
export function forwardProducts(config: ModelConfig, vocabularySize: number, shape: BatchShape): MatrixProduct[] {
  return [
    ...encoderProducts(config, shape),
    ...bridgeProducts(config, shape),
    ...decoderProducts(config, shape),
    ...attentionProducts(config, shape),
    outputProduct(config, vocabularySize, shape),
  ];
}

/**
 * Floating-point operations of the matrix products of one training step.
 *
 * A product of `[m, k]` and `[k, n]` counts 2 m k n: a multiplication and an addition for each term. The backward pass
 * has two products of the same count for every one of the forward pass, for the gradient of each factor; so a step
 * counts three times the forward pass. Nothing else is counted: no activations, softmax, dropout, clipping or optimiser.
 */
export function trainingFlops(config: ModelConfig, vocabularySize: number, shape: BatchShape): number {
  const forward = forwardProducts(config, vocabularySize, shape).reduce((sum, { count, rows, inner, columns }) => sum + count * 2 * rows * inner * columns, 0);
  return 3 * forward;
}

function encoderProducts({ embeddingSize, encoder }: ModelConfig, { sentences: batch, sourceTime }: BatchShape): MatrixProduct[] {
  const directions = encoder.bidirectional ? 2 : 1;
  const hidden = encoder.hiddenSize / directions;
  return Array.from({ length: encoder.layers }, (_, layer) => layerProducts(`encoder.layers.${layer}`, directions, { batch, time: sourceTime, inputs: layer === 0 ? embeddingSize : encoder.hiddenSize, hidden })).flat();
}

function decoderProducts({ embeddingSize, decoder }: ModelConfig, { sentences: batch, targetTime }: BatchShape): MatrixProduct[] {
  const first = embeddingSize + (decoder.inputFeeding ? decoder.hiddenSize : 0);
  return Array.from({ length: decoder.layers }, (_, layer) => layerProducts(`decoder.layers.${layer}`, 1, { batch, time: targetTime, inputs: layer === 0 ? first : decoder.hiddenSize, hidden: decoder.hiddenSize })).flat();
}

/** The inputs of all steps at once, and the hidden state step by step; four gates each. */
function layerProducts(name: string, directions: number, { batch, time, inputs, hidden }: { batch: number; time: number; inputs: number; hidden: number }): MatrixProduct[] {
  return [
    { name: `${name}.input`, count: directions, rows: batch * time, inner: inputs, columns: 4 * hidden },
    { name: `${name}.recurrent`, count: directions * time, rows: batch, inner: hidden, columns: 4 * hidden },
  ];
}

/** Hidden state and cell of every decoder layer. */
function bridgeProducts({ bridge, encoder, decoder }: ModelConfig, { sentences: batch }: BatchShape): MatrixProduct[] {
  if (bridge !== 'projection') return [];
  return [{ name: 'bridge', count: 2 * decoder.layers, rows: batch, inner: encoder.hiddenSize, columns: decoder.hiddenSize }];
}

function attentionProducts({ attention, encoder, decoder }: ModelConfig, { sentences: batch, sourceTime, targetTime }: BatchShape): MatrixProduct[] {
  if (attention === 'none') return [];
  const [keys, queries] = [encoder.hiddenSize, decoder.hiddenSize];
  const products: MatrixProduct[] = [
    { name: 'attention.context', count: batch, rows: targetTime, inner: sourceTime, columns: keys },
    { name: 'attention.output', count: 1, rows: batch * targetTime, inner: keys + queries, columns: queries },
  ];
  if (attention !== 'dot') products.push({ name: 'attention.keys', count: 1, rows: batch * sourceTime, inner: keys, columns: queries });
  if (attention === 'concat') {
    products.push({ name: 'attention.queries', count: 1, rows: batch * targetTime, inner: queries, columns: queries });
    products.push({ name: 'attention.scores', count: 1, rows: batch * targetTime * sourceTime, inner: queries, columns: 1 });
  } else {
    products.push({ name: 'attention.scores', count: batch, rows: targetTime, inner: queries, columns: sourceTime });
  }
  return products;
}

function outputProduct({ decoder }: ModelConfig, vocabularySize: number, { sentences: batch, targetTime }: BatchShape): MatrixProduct {
  return { name: 'output', count: 1, rows: batch * targetTime, inner: decoder.hiddenSize, columns: vocabularySize };
}
