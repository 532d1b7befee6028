import type { ModelConfig } from '../config/schema.js';
import type { BatchShape } from '../data/batch.js';

const FLOAT32_BYTES = 4;

/**
 * An estimate of the memory that a training step of the LSTM model needs for a batch of this shape in float32, in bytes.
 *
 * The values of the forward pass and the gradients with respect to them all exist at the end of the backward pass, because
 * tfjs frees neither before. So the estimate is their sum; the few temporary values within one operation are left out.
 * Parameters, their gradients and the optimizer are not counted, except that input feeding makes a gradient of the
 * decoder's parameters for every step.
 *
 * Compared with the growth of the resident memory in a step on a CPU, over 7 models and 5 shapes from 75 MB to 5.5 GB, it is
 * 0.86 to 1.06 of what was measured (test/unit/model/lstm-memory.test.ts repeats a part of this). In bfloat16 the logits take
 * half as much, and the estimate was up to 1.23 of it.
 *
 * @param vocabularySize of the target
 */
export function trainingMemory(config: ModelConfig, vocabularySize: number, shape: BatchShape): number {
  return FLOAT32_BYTES * (encoderValues(config, shape) + decoderValues(config, shape) + attentionValues(config, shape) + outputValues(config, vocabularySize, shape));
}

function encoderValues({ embeddingSize, encoder, dropout }: ModelConfig, { sentences, sourceTime }: BatchShape): number {
  const positions = sentences * sourceTime;
  let perPosition = embeddingValues(embeddingSize, dropout.embedding);
  for (let layer = 0; layer < encoder.layers; layer++) {
    const inputs = layer === 0 ? embeddingSize : encoder.hiddenSize;
    perPosition += recurrentValues(inputs, encoder.hiddenSize);
    // Both directions: their outputs concatenated and split, and the sum of the gradients of their inputs.
    if (encoder.bidirectional) perPosition += 2 * encoder.hiddenSize + 2 * inputs;
    if (layer > 0 && dropout.layers > 0) perPosition += 2 * encoder.hiddenSize;
  }
  return positions * perPosition;
}

function decoderValues({ embeddingSize, encoder, decoder, dropout }: ModelConfig, { sentences, sourceTime, targetTime }: BatchShape): number {
  const { layers, hiddenSize, inputFeeding } = decoder;
  let perPosition = embeddingValues(embeddingSize, dropout.embedding);
  let parameters = (encoder.hiddenSize + hiddenSize) * hiddenSize;
  for (let layer = 0; layer < layers; layer++) {
    const inputs = layer === 0 ? embeddingSize + (inputFeeding ? hiddenSize : 0) : hiddenSize;
    perPosition += recurrentValues(inputs, hiddenSize);
    if (layer > 0 && dropout.layers > 0) perPosition += 2 * hiddenSize;
    // Step by step, each step keeps its inputs and both of its products of four gates.
    if (inputFeeding) perPosition += inputs + 8 * hiddenSize;
    parameters += 4 * (inputs + hiddenSize) * hiddenSize;
  }
  const ofBatch = sentences * targetTime * perPosition;
  if (!inputFeeding) return ofBatch;
  // Every step has a gradient of its own for the decoder's kernels and for the keys and values of the attention.
  return ofBatch + targetTime * (parameters + sentences * sourceTime * (encoder.hiddenSize + hiddenSize));
}

/** Of each position: its row of the table, the same with dropout, and the gradient of that. */
function embeddingValues(size: number, dropout: number): number {
  return (dropout > 0 ? 3 : 1) * size;
}

/** Of each position: four gates, cell and output; then the gradients of gates and inputs, and the state before the step. */
function recurrentValues(inputs: number, hiddenSize: number): number {
  return 6 * hiddenSize + 5 * hiddenSize + inputs;
}

function attentionValues({ attention, encoder, decoder }: ModelConfig, { sentences, sourceTime, targetTime }: BatchShape): number {
  if (attention === 'none') return 0;
  const [source, target] = [sentences * sourceTime, sentences * targetTime];
  // Encoder outputs: gradients as keys and as values, and their sum; projected keys and their gradient.
  const ofSource = source * (2 * encoder.hiddenSize + (attention === 'dot' ? 1 : 2) * decoder.hiddenSize);
  // Context and query, the product with the output kernel and its tanh; then the gradients of all, and those of the query.
  const ofTarget = target * (2 * (encoder.hiddenSize + decoder.hiddenSize) + 6 * decoder.hiddenSize);
  const weights = target * sourceTime;
  if (attention !== 'concat') return ofSource + ofTarget + weights;
  // The sum of every query and key and its tanh; then their gradients. Those of single steps are freed earlier.
  const sums = (decoder.inputFeeding ? 3 : 5) * weights * decoder.hiddenSize;
  return ofSource + ofTarget + 4 * weights + sums;
}

/**
 * The logits, whose memory their gradient takes over; the decoder's outputs at the real positions, with dropout, and the
 * gradients of both.
 */
function outputValues({ decoder, dropout }: ModelConfig, vocabularySize: number, { sentences, targetTime }: BatchShape): number {
  return sentences * targetTime * (vocabularySize + (dropout.output > 0 ? 5 : 3) * decoder.hiddenSize);
}
