import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { attribute, execute } from './ops/execute.js';
import { tf } from './tf.js';

let created = 0;

/**
 * A float32 tensor that lives across steps and is updated in place: a weight, or a moment of an optimiser.
 *
 * On the native backend it is a TensorFlow resource variable: `read` shares its buffer instead of copying it, and the
 * ResourceApply ops change it in place (as long as no earlier read is alive, else TensorFlow copies first). Elsewhere
 * it is a tfjs variable.
 */
export class StoredTensor {
  readonly shape: readonly number[];
  private readonly resource: Tensor | undefined;
  private plain: Tensor | undefined;

  /** Creates an uninitialised tensor, which must be assigned before it is read. */
  constructor(shape: readonly number[]) {
    this.shape = shape;
    if (tf.getBackend() === 'tensorflow') {
      const name = `s2s/${created++}`;
      const [handle] = execute(
        'VarHandleOp',
        [
          attribute.string('container', ''),
          attribute.string('shared_name', name),
          attribute.type('dtype', 'float32'),
          attribute.shape('shape', this.shape),
        ],
        [],
      );
      this.resource = tf.keep(handle!);
    }
  }

  /** Creates a stored tensor from a copy of `initial`, which the caller disposes. */
  static of(initial: Tensor): StoredTensor {
    const stored = new StoredTensor(initial.shape);
    stored.assign(initial);
    return stored;
  }

  /** Current value, owned by the enclosing `tidy`. Dispose it before an update, which otherwise copies the buffer. */
  read(): Tensor {
    if (this.resource === undefined) return tf.clone(this.current());
    return execute('ReadVariableOp', [attribute.type('dtype', 'float32')], [this.resource])[0]!;
  }

  /** Replaces the value by a copy of `value`, which the caller disposes. Throws a RangeError for another shape. */
  assign(value: Tensor): void {
    if (value.shape.join() !== this.shape.join()) {
      throw new RangeError(
        `Cannot assign shape [${value.shape.join(', ')}] to a stored tensor of shape [${this.shape.join(', ')}].`,
      );
    }
    // Copied, because in-place updates would otherwise change the caller's tensor too.
    this.adopt(this.resource === undefined ? tf.clone(value) : tf.tidy(() => tf.add(value, 0)));
  }

  /** Replaces the value by numbers from the host, in row-major order. */
  assignNumbers(values: Float32Array): void {
    // The tensor shares the memory of the array, so `assign` copies it before any in-place update.
    const value = tf.tensor(values, [...this.shape]);
    this.assign(value);
    value.dispose();
  }

  /** The TensorFlow resource for ops that update in place; undefined on other backends. */
  get handle(): Tensor | undefined {
    return this.resource;
  }

  dispose(): void {
    if (this.resource !== undefined) {
      execute('DestroyResourceOp', [attribute.bool('ignore_lookup_error', true)], [this.resource], 0);
      this.resource.dispose();
    }
    this.plain?.dispose();
    this.plain = undefined;
  }

  /** Makes `value`, which must not be shared, the value of this tensor. */
  private adopt(value: Tensor): void {
    if (this.resource === undefined) {
      this.plain?.dispose();
      this.plain = tf.keep(value);
      return;
    }
    execute('AssignVariableOp', [attribute.type('dtype', 'float32')], [this.resource, value], 0);
    value.dispose();
  }

  private current(): Tensor {
    if (this.plain === undefined) throw new Error('This stored tensor is uninitialised or disposed.');
    return this.plain;
  }
}
