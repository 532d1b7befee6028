import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-node-gpu';
import type { Architecture } from '../../src/model/build.js';
import type { Cost } from '../../src/model/cost.js';
import type { ForwardPass } from '../../src/model/forward-pass.js';
import { glorot } from '../../src/model/initializers.js';
import type {
  Decoder,
  EncodedSource,
  Encoder,
  PreparedSource,
  StepInput,
  StepOutput,
  TeacherForced,
} from '../../src/model/model.js';
import type { ParameterSpec } from '../../src/model/parameters.js';
import { tf } from '../../src/runtime/tf.js';

/*
 * A custom encoder and decoder, as different from the recurrent ones as the interfaces allow: the encoder has no final
 * state; the memory of the decoder contains a tensor of rank 4; its state has rank 3 and grows by one position per
 * step; it uses the position and adds an auxiliary loss.
 */

const NO_COST: Cost = { products: [], values: 1 };

/** Projects every token, concatenated with its left neighbour. */
class NeighbourEncoder implements Encoder {
  readonly finalState = undefined;

  constructor(readonly outputSize: number) {}

  specs(): ParameterSpec[] {
    const shape = [2 * this.outputSize, this.outputSize];
    return [{ name: 'encoder.kernel', shape, initializer: glorot(shape[0]!, shape[1]!) }];
  }

  encode(embedded: Tensor3D, _lengths: Tensor1D, mask: Tensor2D, { multiply }: ForwardPass): EncodedSource {
    const [batch, time, size] = embedded.shape;
    const left = tf.slice(
      tf.pad(embedded, [
        [0, 0],
        [1, 0],
        [0, 0],
      ]),
      [0, 0, 0],
      [batch, time, size],
    );
    const flat = tf.reshape(tf.concat([embedded, left], 2), [batch * time, 2 * size]) as Tensor2D;
    const outputs = tf.reshape(multiply(flat, 'encoder.kernel', { activation: 'tanh' }), [batch, time, size]);
    return { outputs: tf.mul(outputs, tf.expandDims(mask, 2)), mask, finalState: undefined };
  }

  cost(): Cost {
    return NO_COST;
  }
}

/** `tanh(W [token; mean of the tokens so far; attention context])`; dot attention, queried by token and position. */
class PrefixMeanDecoder implements Decoder {
  constructor(readonly outputSize: number) {}

  specs(): ParameterSpec[] {
    const shape = [3 * this.outputSize, this.outputSize];
    return [
      { name: 'decoder.kernel', shape, initializer: glorot(shape[0]!, shape[1]!) },
      {
        name: 'decoder.query',
        shape: [this.outputSize, this.outputSize],
        initializer: glorot(this.outputSize, this.outputSize),
      },
    ];
  }

  prepare({ outputs, mask }: EncodedSource): PreparedSource {
    const [batch, time, size] = outputs.shape;
    return { memory: [tf.reshape(outputs, [batch, time, 1, size]), mask], state: [tf.zeros([batch, 0, size])] };
  }

  sequence(
    embedded: Tensor3D,
    _lengths: Tensor1D,
    { memory, state: initial }: PreparedSource,
    pass: ForwardPass,
    options: { readonly attention: boolean },
  ): TeacherForced {
    let state = initial;
    const steps = Array.from({ length: embedded.shape[1] }, (_, position) => {
      const input = tf.squeeze<Tensor2D>(tf.slice(embedded, [0, position, 0], [-1, 1, -1]), [1]);
      const step = this.step({ embedded: input, position, memory, state }, pass);
      ({ state } = step);
      return step;
    });
    const hidden = tf.reshape(
      tf.stack(
        steps.map((step) => step.hidden),
        1,
      ),
      [-1, this.outputSize],
    ) as Tensor2D;
    return {
      hidden,
      attention: options.attention
        ? tf.concat(
            steps.map((step) => step.attention as Tensor3D),
            1,
          )
        : undefined,
      auxiliaryLosses: { activity: tf.mul(tf.sum(tf.square(hidden)), 1e-3) },
    };
  }

  step({ embedded, position, memory, state }: StepInput, { multiply }: ForwardPass): StepOutput {
    const [outputs, mask] = memory as [Tensor4D, Tensor2D];
    const [batch, time, , size] = outputs.shape;
    const [rows] = embedded.shape;
    const prefix = tf.concat([state[0] as Tensor3D, tf.expandDims(embedded, 1)], 1);
    const query = tf.add(multiply(embedded, 'decoder.query'), Math.sin(position));
    const keys = tf.reshape(outputs, [batch, time, size]) as Tensor3D;
    const scores = tf.matMul<Tensor3D>(tf.reshape(query, [batch, rows / batch, size]) as Tensor3D, keys, false, true);
    const attention = tf.softmax(tf.add(scores, tf.expandDims(tf.mul(tf.sub(mask, 1), 1e9), 1))) as Tensor3D;
    const context = tf.reshape(tf.matMul<Tensor3D>(attention, keys), [rows, size]) as Tensor2D;
    const joined = tf.concat([embedded, tf.mean(prefix, 1) as Tensor2D, context], 1);
    return { hidden: multiply(joined, 'decoder.kernel', { activation: 'tanh' }), state: [prefix as Tensor], attention };
  }

  cost(): Cost {
    return NO_COST;
  }
}

/** Builds this encoder and decoder for every configuration. */
export const PREFIX_MEAN: Architecture = {
  encoder: (_config, _parameters, { embeddingSize }) => new NeighbourEncoder(embeddingSize),
  decoder: (_config, _parameters, { embeddingSize }) => new PrefixMeanDecoder(embeddingSize),
};
