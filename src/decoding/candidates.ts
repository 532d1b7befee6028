import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-node-gpu';
import type { Logits } from '../runtime/ops/best-tokens.js';
import { tf } from '../runtime/tf.js';
import type { TokenConstraint } from './constraints.js';

/** A hypothesis of a sentence extended by one token. */
export interface Candidate {
  /** Index among the live hypotheses of the sentence. */
  readonly parent: number;
  readonly token: number;
  /** Log-probability of all tokens, this one included. */
  readonly logProbability: number;
}

/** Inputs of the choice of candidates. */
export interface ChoiceInput {
  /** Log-probability of each hypothesis, `[sentences * width]`, sentence by sentence; -Infinity for unused rows. */
  readonly logProbabilities: Float32Array;
  /** Constraint of each row; undefined where no row has one. */
  readonly constraints: readonly (TokenConstraint | undefined)[] | undefined;
  readonly width: number;
  readonly beamSize: number;
  /** Tokens with a smaller id are never chosen. */
  readonly firstToken: number;
  readonly vocabularySize: number;
}

/** A top-k selection that runs asynchronously on the device. */
export interface PendingChoice {
  /** Tensors that `candidates` reads. The caller disposes them. */
  readonly tensors: readonly Tensor[];
  /**
   * Reads the tensors.
   *
   * @returns candidates of each sentence, best first; undefined if any logit is NaN
   */
  readonly candidates: () => Promise<Candidate[][] | undefined>;
}

/**
 * Largest beam size for which the host merges the candidates of all rows, whose number is quadratic in the beam size.
 */
const LARGEST_MERGED_BEAM = 16;

/**
 * Chooses the `2 * beamSize` best candidates of each sentence over all its hypotheses (one for greedy search). This is
 * enough, because at most `beamSize` of them end in `</s>`. Ties are broken by the earlier hypothesis, then the lower
 * id. Call it inside `tidy`.
 */
export function chooseCandidates(logits: Logits, input: ChoiceInput): PendingChoice {
  const merges = input.constraints === undefined && input.beamSize <= LARGEST_MERGED_BEAM;
  return merges ? mergeRows(logits, input) : chooseJointly(logits, input);
}

/**
 * Selects the top tokens of each row on the device and merges them on the host. At most `beamSize + 1` tokens of one
 * row can be used: `beamSize` that stay live and `</s>`. Greedy search needs only the best.
 */
function mergeRows(
  logits: Logits,
  { logProbabilities, width, beamSize, firstToken, vocabularySize }: ChoiceInput,
): PendingChoice {
  const perRow = Math.min(vocabularySize - firstToken, beamSize === 1 ? 1 : beamSize + 1);
  const best = logits.best(perRow, firstToken);
  const candidates = async (): Promise<Candidate[][] | undefined> => {
    const [ofTokens, tokens] = await Promise.all([
      best.logProbabilities.data<'float32'>(),
      best.tokens.data<'int32'>(),
    ]);
    // A single NaN logit makes all log-probabilities of its row NaN.
    if (ofTokens.some(Number.isNaN)) return undefined;
    return Array.from({ length: logProbabilities.length / width }, (_, sentence) => {
      const found: Candidate[] = [];
      for (let parent = 0; parent < width; parent++) {
        const row = sentence * width + parent;
        for (let place = row * perRow; place < (row + 1) * perRow; place++) {
          // In float32, like the addition on the device.
          const logProbability = Math.fround(logProbabilities[row]! + ofTokens[place]!);
          if (logProbability !== -Infinity) found.push({ parent, token: tokens[place]!, logProbability });
        }
      }
      if (width > 1) found.sort((a, b) => b.logProbability - a.logProbability);
      return found.slice(0, 2 * beamSize);
    });
  };
  return { tensors: [best.logProbabilities, best.tokens], candidates };
}

/** Selects over all rows of a sentence on the device, after applying constraints. Time is linear in the beam size. */
function chooseJointly(logits: Logits, input: ChoiceInput): PendingChoice {
  const { logProbabilities, width, beamSize, firstToken, vocabularySize } = input;
  const rows = logProbabilities.length;
  const columns = vocabularySize - firstToken;
  const values = logits.values();
  const logSums = tf.logSumExp(values, 1, true);
  const sums = tf.add<Tensor2D>(constrained(tf.sub(values, logSums), input), tf.tensor2d(logProbabilities, [rows, 1]));
  const joint = tf.reshape(tf.slice(sums, [0, firstToken]), [rows / width, width * columns]);
  const count = Math.min(width * columns, beamSize === 1 ? 1 : 2 * beamSize);
  const best = tf.topk(joint, count);
  const candidates = async (): Promise<Candidate[][] | undefined> => {
    const [sumsOfBest, places, logSumOfRows] = await Promise.all([
      best.values.data<'float32'>(),
      best.indices.data<'int32'>(),
      logSums.data<'float32'>(),
    ]);
    if (logSumOfRows.some(Number.isNaN)) return undefined;
    return Array.from({ length: rows / width }, (_, sentence) => {
      const found: Candidate[] = [];
      for (let at = sentence * count; at < (sentence + 1) * count; at++) {
        const [place, logProbability] = [places[at]!, sumsOfBest[at]!];
        if (logProbability === -Infinity) break;
        found.push({ parent: Math.floor(place / columns), token: firstToken + (place % columns), logProbability });
      }
      return found;
    });
  };
  return { tensors: [best.values, best.indices, logSums], candidates };
}

/** Log-probabilities `[rows, vocab]` with bonuses added, and -Infinity at forbidden tokens. */
function constrained(logProbabilities: Tensor2D, { constraints, vocabularySize }: ChoiceInput): Tensor2D {
  if (constraints === undefined) return logProbabilities;
  const changed = new SparseMatrix(constraints.length, vocabularySize);
  const allowed = new SparseMatrix(constraints.length, vocabularySize);
  const restricted = new Float32Array(constraints.length);
  for (const [row, constraint] of constraints.entries()) {
    for (const token of constraint?.forbidden ?? []) changed.add(row, token, -Infinity);
    for (const [token, bonus] of constraint?.bonus ?? []) changed.add(row, token, bonus);
    if (constraint?.allowed === undefined) continue;
    restricted[row] = 1;
    for (const token of new Set(constraint.allowed)) allowed.add(row, token, 1);
  }
  const sums = changed.isEmpty ? logProbabilities : tf.add<Tensor2D>(logProbabilities, changed.tensor());
  if (!restricted.includes(1)) return sums;
  const isFree = tf.equal(tf.tensor2d(restricted, [restricted.length, 1]), 0);
  const mayBeChosen = allowed.isEmpty
    ? tf.broadcastTo(isFree, sums.shape)
    : tf.logicalOr(isFree, tf.greater(allowed.tensor(), 0));
  return tf.where(mayBeChosen, sums, tf.fill(sums.shape, -Infinity));
}

/** A matrix in coordinate format; values at repeated coordinates are summed. */
class SparseMatrix {
  private readonly places: number[] = [];
  private readonly values: number[] = [];

  constructor(
    private readonly rows: number,
    private readonly columns: number,
  ) {}

  get isEmpty(): boolean {
    return this.values.length === 0;
  }

  add(row: number, column: number, value: number): void {
    if (column < 0 || column >= this.columns) return;
    this.places.push(row, column);
    this.values.push(value);
  }

  tensor(): Tensor2D {
    const indices = tf.tensor2d(this.places, [this.values.length, 2], 'int32');
    const values: Tensor1D = tf.tensor1d(this.values);
    return tf.scatterND(indices, values, [this.rows, this.columns]);
  }
}
