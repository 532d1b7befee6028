import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-node-gpu';
import type { Cost } from '../cost.js';
import type { ForwardPass } from '../forward-pass.js';
import type { LayerState } from '../model.js';
import type { ParameterSpec, Parameters } from '../parameters.js';
import { GruCell } from './gru.js';
import { LstmCell } from './lstm.js';

/** One recurrent layer in one direction. */
export interface RecurrentCell {
  /** Names of the parts of its state; the first part is also its output. */
  readonly parts: readonly string[];
  specs(): ParameterSpec[];
  /**
   * Runs over whole sentences. Padded steps leave the state unchanged and have output zero.
   *
   * @param inputs `[batch, time, input]`
   * @param lengths int32 `[batch]`: real steps of each row
   * @param initial state before the first step; zero when undefined
   * @param reverse whether each row is processed from its last real step to its first
   * @returns outputs `[batch, time, hidden]` in the order of the inputs, and the state after the last processed step
   */
  sequence(
    inputs: Tensor3D,
    lengths: Tensor1D,
    options: { readonly initial: LayerState | undefined; readonly reverse: boolean },
    pass: ForwardPass,
  ): { outputs: Tensor3D; final: LayerState };
  /** One step from `[rows, input]` and the state before it to the state after it. */
  step(input: Tensor2D, state: LayerState, pass: ForwardPass): LayerState;
  cost(shape: { readonly rows: number; readonly time: number }): Cost;
}

/** Options of a cell. */
export interface CellOptions {
  readonly parameters: () => Parameters;
  /** Prefix of the names of its parameters. */
  readonly name: string;
  readonly inputSize: number;
  readonly hiddenSize: number;
}

/** Recurrent cells by the `type` of encoders and decoders. */
const CELLS = {
  lstm: (options: CellOptions): RecurrentCell => new LstmCell(options),
  gru: (options: CellOptions): RecurrentCell => new GruCell(options),
};

export type CellType = keyof typeof CELLS;

export function buildCell(type: CellType, options: CellOptions): RecurrentCell {
  return CELLS[type](options);
}
