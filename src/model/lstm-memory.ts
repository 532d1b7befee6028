import type { ModelConfig } from '../config/schema.js';
import type { BatchShape } from '../data/batch.js';

const FLOAT32_BYTES = 4;

/** Values of one part of the model, in numbers. */
interface Values {
  /** From the forward pass, kept until the backward pass has ended. */
  readonly kept: number;
  /** The most that exist at the same time in the backward pass, in addition to those kept. */
  readonly backward: number;
}

/**
 * An estimate of the memory that a training step of the LSTM model needs for a batch of this shape in float32, in bytes.
 *
 * All values of the forward pass are kept at the same time, the gradient of the logits included, which is computed with
 * the loss. The backward pass goes through one part of the model after the other, so only the largest one counts.
 *
 * @param vocabularySize of the target
 */
export function trainingMemory(config: ModelConfig, vocabularySize: number, shape: BatchShape): number {
  const parts = [...encoderValues(config, shape), ...decoderValues(config, shape), attentionValues(config, shape), outputValues(config, vocabularySize, shape)];
  const kept = parts.reduce((sum, part) => sum + part.kept, 0);
  return FLOAT32_BYTES * (kept + Math.max(...parts.map(({ backward }) => backward)));
}

function encoderValues({ embeddingSize, encoder, dropout }: ModelConfig, { sentences, sourceTime }: BatchShape): Values[] {
  const positions = sentences * sourceTime;
  const layers = Array.from({ length: encoder.layers }, (_, layer) => {
    const inputs = layer === 0 ? embeddingSize : encoder.hiddenSize;
    const { kept, backward } = recurrentValues(positions, inputs, encoder.hiddenSize);
    // The outputs of both directions are concatenated; dropout between layers makes a copy.
    const copies = (encoder.bidirectional ? 1 : 0) + (layer > 0 && dropout.layers > 0 ? 1 : 0);
    return { kept: kept + copies * positions * encoder.hiddenSize, backward };
  });
  return [embeddingValues(positions, embeddingSize, dropout.embedding), ...layers];
}

function decoderValues({ embeddingSize, decoder, dropout }: ModelConfig, { sentences, targetTime }: BatchShape): Values[] {
  const positions = sentences * targetTime;
  const { hiddenSize, inputFeeding } = decoder;
  const layers = Array.from({ length: decoder.layers }, (_, layer) => {
    const inputs = layer === 0 ? embeddingSize + (inputFeeding ? hiddenSize : 0) : hiddenSize;
    const copies = layer > 0 && dropout.layers > 0 ? positions * hiddenSize : 0;
    const { kept, backward } = recurrentValues(positions, inputs, hiddenSize);
    if (!inputFeeding) return { kept: kept + copies, backward };
    // Step by step: each step also keeps its inputs and both products of four gates; the backward pass is in one step only.
    return { kept: kept + copies + positions * (inputs + 8 * hiddenSize), backward: backward / targetTime };
  });
  return [embeddingValues(positions, embeddingSize, dropout.embedding), ...layers];
}

function embeddingValues(positions: number, size: number, rate: number): Values {
  return { kept: positions * size * (rate > 0 ? 2 : 1), backward: 2 * positions * size };
}

/** Four gates, the cell and the output of each position; then the gradients of the gates, of the inputs and of the output. */
function recurrentValues(positions: number, inputs: number, hiddenSize: number): Values {
  return { kept: positions * 6 * hiddenSize, backward: positions * (inputs + 6 * hiddenSize) };
}

function attentionValues({ attention, encoder, decoder }: ModelConfig, { sentences, sourceTime, targetTime }: BatchShape): Values {
  if (attention === 'none') return { kept: 0, backward: 0 };
  const [source, target] = [sentences * sourceTime, sentences * targetTime];
  const weights = target * sourceTime;
  const keys = attention === 'dot' ? 0 : source * decoder.hiddenSize;
  const joined = target * (encoder.hiddenSize + decoder.hiddenSize);
  // The product with the output kernel and its tanh, and with them the query that some scores project or scale.
  const hidden = target * decoder.hiddenSize * (attention === 'concat' || attention === 'scaled' ? 3 : 2);
  const gradients = source * encoder.hiddenSize + keys + joined + target * decoder.hiddenSize;
  if (attention !== 'concat') return { kept: keys + weights + joined + hidden, backward: gradients + weights };
  // The sum of every query and key, and its tanh; backward, the gradient of both and two more factors of that of the tanh.
  const sums = weights * decoder.hiddenSize;
  const steps = decoder.inputFeeding ? targetTime : 1;
  return { kept: keys + 4 * weights + joined + hidden + 2 * sums, backward: gradients + 4 * (sums / steps) };
}

/** The logits, whose memory their gradient takes over, and the decoder's outputs with dropout and at the real positions. */
function outputValues({ decoder, dropout }: ModelConfig, vocabularySize: number, { sentences, targetTime }: BatchShape): Values {
  const positions = sentences * targetTime;
  const copies = dropout.output > 0 ? 2 : 1;
  return { kept: positions * (vocabularySize + copies * decoder.hiddenSize), backward: 2 * positions * decoder.hiddenSize };
}
