import type { Random } from '../random.js';

/** Writes the initial values of a parameter into `values`, in row-major order. */
export type Initializer = (random: Random, values: Float32Array) => void;

/** All zero. */
export function zeros(): Initializer {
  return () => undefined;
}

/** All equal to `value`. */
export function constant(value: number): Initializer {
  return (_random, values) => void values.fill(value);
}

/** Uniform between `-limit` and `limit`. */
export function uniform(limit: number): Initializer {
  return (random, values) => {
    for (let i = 0; i < values.length; i++) values[i] = (2 * random.uniform() - 1) * limit;
  };
}

/** Normal with mean zero. */
export function normal(standardDeviation: number): Initializer {
  return (random, values) => {
    for (let i = 0; i < values.length; i++) values[i] = standardDeviation * random.normal();
  };
}

/** Glorot uniform initializer (Glorot and Bengio 2010, equation 16). */
export function glorot(inputs: number, outputs: number): Initializer {
  return uniform(Math.sqrt(6 / (inputs + outputs)));
}

/** Bias `[4 * hidden]` of an LSTM: one for the forget gate, zero elsewhere (Jozefowicz et al. 2015). */
export function forgetGateBias(hiddenSize: number): Initializer {
  return (_random, values) => void values.fill(1, hiddenSize, 2 * hiddenSize);
}
