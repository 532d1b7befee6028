import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { ComputePolicy } from '../policy.js';
import { tf } from '../tf.js';
import { customGruCell, customGruSequence } from './custom-gru.js';
import { withGradients } from './gradient.js';
import { matMul } from './matmul.js';
import { inFloat32, inPrecision, productOf } from './product.js';
import { sequenceMask } from './time-major.js';

/** Inputs of a GRU layer over whole sequences. */
export interface GruSequenceInputs {
  /** `[batch, time, input]` */
  readonly inputs: Tensor3D;
  /** `[input, 3 * hidden]`, gates in the order r (reset), z (update), n (candidate). */
  readonly inputKernel: Tensor2D;
  /** `[3 * hidden]` */
  readonly bias: Tensor1D;
  /** `[hidden, 3 * hidden]` */
  readonly recurrentKernel: Tensor2D;
  /** `[3 * hidden]` */
  readonly recurrentBias: Tensor1D;
  /** `[batch, hidden]` */
  readonly initialHidden: Tensor2D;
  /** int32 `[batch]`: real steps of each row, from 1 to `time`. */
  readonly lengths: Tensor1D;
  /** Whether each row is processed from its last real step to its first. */
  readonly reverse?: boolean;
}

/** Outputs of a GRU layer over whole sequences. */
export interface GruSequenceOutputs {
  /** `[batch, time, hidden]`: the hidden state after each step, in the order of the inputs; zero at padding. */
  readonly outputs: Tensor3D;
  /** `[batch, hidden]`: hidden state after the last processed step of each row. */
  readonly finalHidden: Tensor2D;
}

/** What the gradient needs of all steps, each `[time, batch, hidden]`. */
interface Steps {
  readonly reset: Tensor3D;
  /** The update gate; 1 at padding, where the state does not change. */
  readonly update: Tensor3D;
  readonly candidate: Tensor3D;
  /** The recurrent part of the candidate, before the reset gate. */
  readonly recurrent: Tensor3D;
  /** The hidden state before each step. */
  readonly previous: Tensor3D;
}

/**
 * A gated recurrent unit (Cho et al. 2014) over whole sequences, in the form of cuDNN and PyTorch, which applies the
 * reset gate after the recurrent product: `r = σ(x W_r + b_r + h R_r + c_r)`, `z = σ(x W_z + b_z + h R_z + c_z)`,
 * `n = tanh(x W_n + b_n + r (h R_n + c_n))`, `h' = (1 - z) n + z h`. Padded steps leave the state unchanged.
 */
export function gruSequence(inputs: GruSequenceInputs, policy: ComputePolicy): GruSequenceOutputs {
  return policy.kernels === 'custom' ? customGruSequence(inputs, policy) : plainGruSequence(inputs, policy);
}

/**
 * `gruSequence` with portable tfjs ops, step by step. One product projects the inputs of all steps, and single products
 * compute the gradients of inputs and kernels.
 */
function plainGruSequence(args: GruSequenceInputs, policy: ComputePolicy): GruSequenceOutputs {
  const { inputs, inputKernel, bias, recurrentKernel, recurrentBias, initialHidden, lengths, reverse = false } = args;
  const { precision } = policy;
  const [batch, time, inputSize] = inputs.shape;
  const rows = batch * time;
  const [outputs, finalHidden] = withGradients(
    [inputs, inputKernel, bias, recurrentKernel, recurrentBias, initialHidden],
    (save) => {
      const flat = inPrecision(tf.reshape(tf.transpose(inputs, [1, 0, 2]), [rows, inputSize]) as Tensor2D, precision);
      const kernel = inPrecision(inputKernel, precision);
      const product = inFloat32(productOf(flat, kernel, policy), precision);
      const projected = tf.reshape(tf.add(product, bias), [time, batch, bias.shape[0]]) as Tensor3D;
      const mask = tf.expandDims(tf.transpose(sequenceMask(lengths, time)), 2) as Tensor3D;
      const { reset, update, candidate, recurrent, previous, after } = forward(projected, mask, args, policy);
      save([flat, kernel, recurrentKernel, mask, reset, update, candidate, recurrent, previous]);
      const masked = tf.mul<Tensor3D>(tf.stack(after), mask);
      return [tf.transpose(masked, [1, 0, 2]), after[reverse ? 0 : time - 1]!.clone()];
    },
    ([dOutputs, dFinal], [flat, kernel, savedRecurrentKernel, mask, ...saved]) => {
      const [reset, update, candidate, recurrent, previous] = saved as Tensor3D[] as [
        ...[Tensor3D, Tensor3D, Tensor3D, Tensor3D, Tensor3D],
      ];
      return inTidy(() => {
        const { dInput, dRecurrent, dInitial } = backward(
          tf.mul<Tensor3D>(tf.transpose(dOutputs as Tensor3D, [1, 0, 2]), mask!),
          dFinal as Tensor2D,
          { reset, update, candidate, recurrent, previous },
          { recurrentKernel: savedRecurrentKernel as Tensor2D, reverse },
          policy,
        );
        const [dProjected, dRecurrentSums] = [inPrecision(dInput, precision), inPrecision(dRecurrent, precision)];
        const before = inPrecision(tf.reshape(previous, [rows, previous.shape[2]]) as Tensor2D, precision);
        const dFlat = inFloat32(productOf(dProjected, kernel as Tensor2D, policy, { b: true }), precision);
        return [
          tf.transpose(tf.reshape(dFlat, [time, batch, inputSize]), [1, 0, 2]),
          inFloat32(productOf(flat as Tensor2D, dProjected, policy, { a: true }), precision),
          tf.sum(dInput, 0),
          inFloat32(productOf(before, dRecurrentSums, policy, { a: true }), precision),
          tf.sum(dRecurrent, 0),
          dInitial,
        ];
      });
    },
  );
  return { outputs: outputs as Tensor3D, finalHidden: finalHidden as Tensor2D };
}

/** The steps of `[time, batch, 3 * hidden]` projected inputs, and the hidden state after each, by position. */
function forward(
  projected: Tensor3D,
  mask: Tensor3D,
  { recurrentKernel, recurrentBias, initialHidden, reverse = false }: GruSequenceInputs,
  policy: ComputePolicy,
): Steps & { readonly after: Tensor2D[] } {
  const size = initialHidden.shape[1];
  const inputs = unstackSteps(projected);
  // An update gate of 1 keeps the state.
  const padding = unstackSteps(tf.sub<Tensor3D>(1, mask));
  const [reset, update, candidate, recurrent, previous, after] = Array.from({ length: 6 }, (): Tensor2D[] => []) as [
    ...[Tensor2D[], Tensor2D[], Tensor2D[], Tensor2D[], Tensor2D[], Tensor2D[]],
  ];
  let hidden = initialHidden;
  for (const index of stepOrder(inputs.length, reverse)) {
    const before = hidden;
    // The temporary values of each step are disposed, because memory would grow with the number of steps.
    const [r, kept, n, candidateSums, next] = inTidy(() => {
      const sums = matMul(before, recurrentKernel, policy, { bias: recurrentBias });
      const [gateInputs, candidateInput] = tf.split(inputs[index]!, [2 * size, size], 1) as [Tensor2D, Tensor2D];
      const [gateSums, candidateSum] = tf.split(sums, [2 * size, size], 1) as [Tensor2D, Tensor2D];
      const [ofReset, ofUpdate] = tf.split(tf.sigmoid(tf.add(gateInputs, gateSums)), 2, 1) as [Tensor2D, Tensor2D];
      const ofState = tf.maximum<Tensor2D>(ofUpdate, padding[index]!);
      const ofCandidate = tf.tanh(tf.add<Tensor2D>(candidateInput, tf.mul(ofReset, candidateSum)));
      const mixed = tf.add(tf.mul(tf.sub(1, ofState), ofCandidate), tf.mul(ofState, before));
      return [ofReset, ofState, ofCandidate, candidateSum, mixed];
    }) as [...[Tensor2D, Tensor2D, Tensor2D, Tensor2D, Tensor2D]];
    reset[index] = r;
    update[index] = kept;
    candidate[index] = n;
    recurrent[index] = candidateSums;
    previous[index] = before;
    hidden = next;
    after[index] = hidden;
  }
  const all = (list: Tensor2D[]): Tensor3D => tf.stack(list) as Tensor3D;
  return {
    reset: all(reset),
    update: all(update),
    candidate: all(candidate),
    recurrent: all(recurrent),
    previous: all(previous),
    after,
  };
}

/**
 * Backpropagation through time.
 *
 * @param dSteps gradients of the hidden states after each step by the outputs, `[time, batch, hidden]`, zero at padding
 * @returns gradients of the projected inputs and of the recurrent products, `[time * batch, 3 * hidden]`, and of the
 *   initial state `[batch, hidden]`
 */
function backward(
  dSteps: Tensor3D,
  dFinal: Tensor2D,
  { reset, update, candidate, recurrent, previous }: Steps,
  { recurrentKernel, reverse }: { readonly recurrentKernel: Tensor2D; readonly reverse: boolean },
  policy: ComputePolicy,
): { dInput: Tensor2D; dRecurrent: Tensor2D; dInitial: Tensor2D } {
  // Derivatives of the next state by the sums of candidate and update gate, and of the candidate's sum by the reset
  // gate's. All are zero at padding, where the update gate is 1.
  const changed = (): Tensor3D => tf.sub(1, update);
  const byCandidate = inTidy(() => unstackSteps(tf.mul(changed(), tf.sub(1, tf.square(candidate)))));
  const byUpdate = inTidy(() => unstackSteps(tf.mul(tf.sub(previous, candidate), tf.mul(update, changed()))));
  const byReset = inTidy(() => unstackSteps(tf.mul(recurrent, tf.mul(reset, tf.sub(1, reset)))));
  const [resets, updates, gradients] = [unstackSteps(reset), unstackSteps(update), unstackSteps(dSteps)];
  const time = gradients.length;
  const [dInput, dRecurrent] = [new Array<Tensor2D>(time), new Array<Tensor2D>(time)];
  let carried = dFinal;
  for (const index of stepOrder(time, !reverse)) {
    const after = carried;
    [dInput[index], dRecurrent[index], carried] = inTidy(() => {
      const dHidden = tf.add<Tensor2D>(after, gradients[index]!);
      const dCandidate = tf.mul<Tensor2D>(dHidden, byCandidate[index]!);
      const dGates = [tf.mul<Tensor2D>(dCandidate, byReset[index]!), tf.mul<Tensor2D>(dHidden, byUpdate[index]!)];
      const dRecurrentSums = tf.concat([...dGates, tf.mul<Tensor2D>(dCandidate, resets[index]!)], 1);
      const dBefore = tf.add(
        tf.mul(dHidden, updates[index]!),
        matMul(dRecurrentSums, recurrentKernel, policy, { transposeB: true }),
      );
      return [tf.concat([...dGates, dCandidate], 1), dRecurrentSums, dBefore];
    }) as [...[Tensor2D, Tensor2D, Tensor2D]];
  }
  return { dInput: tf.concat(dInput, 0), dRecurrent: tf.concat(dRecurrent, 0), dInitial: carried };
}

/**
 * The element-wise part of one GRU step.
 *
 * @param projected `[rows, 3 * hidden]`: `x W + b`
 * @param recurrent `[rows, 3 * hidden]`: `h R + c`
 * @param hidden `[rows, hidden]`
 */
export function gruCell(projected: Tensor2D, recurrent: Tensor2D, hidden: Tensor2D, policy: ComputePolicy): Tensor2D {
  if (policy.kernels === 'custom') return customGruCell(projected, recurrent, hidden);
  const size = hidden.shape[1];
  const [gateInputs, candidateInput] = tf.split(projected, [2 * size, size], 1) as [Tensor2D, Tensor2D];
  const [gateSums, candidateSums] = tf.split(recurrent, [2 * size, size], 1) as [Tensor2D, Tensor2D];
  const [reset, update] = tf.split(tf.sigmoid(tf.add(gateInputs, gateSums)), 2, 1) as [Tensor2D, Tensor2D];
  const candidate = tf.tanh(tf.add<Tensor2D>(candidateInput, tf.mul(reset, candidateSums)));
  return tf.add(tf.mul(tf.sub(1, update), candidate), tf.mul(update, hidden));
}

/** Splits `[time, batch, size]` into `time` matrices. */
function unstackSteps(sequence: Tensor3D): Tensor2D[] {
  return tf.unstack(sequence) as Tensor2D[];
}

function stepOrder(time: number, reverse: boolean): number[] {
  return Array.from({ length: time }, (_, count) => (reverse ? time - 1 - count : count));
}

/** `tf.tidy` for a list of tensors. */
function inTidy<Result extends Tensor>(compute: () => Result[]): Result[] {
  return tf.tidy(compute as () => Result[] & Record<string, Tensor>);
}
