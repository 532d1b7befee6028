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

  /** Without a value: the first one is to be assigned before it is read. */
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

  /** One that holds a copy of `initial`, which stays the caller's to dispose. */
  static of(initial: Tensor): StoredTensor {
    const stored = new StoredTensor(initial.shape);
    stored.assign(initial);
    return stored;
  }

  /** The present value, owned by the enclosing `tidy`; dispose it before an update. */
  read(): Tensor {
    if (this.resource === undefined) return tf.clone(this.present());
    return execute('ReadVariableOp', [attribute.type('dtype', 'float32')], [this.resource])[0]!;
  }

  /** Replaces the value. The tensor stays the caller's. */
  assign(value: Tensor): void {
    if (value.shape.join() !== this.shape.join()) {
      throw new RangeError(
        `Cannot assign shape [${value.shape.join(', ')}] to a stored tensor of shape [${this.shape.join(', ')}].`,
      );
    }
    // A buffer of its own: the variable would otherwise share the caller's, and in-place updates would change both.
    this.take(this.resource === undefined ? tf.clone(value) : tf.tidy(() => tf.add(value, 0)));
  }

  /** Replaces the value by numbers from the host, as many as the shape has. */
  assignNumbers(values: Float32Array): void {
    // Not as it is: the addon shares the memory of the array, which updates in place would change.
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

  /** Makes a tensor that nobody else holds the value. */
  private take(value: Tensor): void {
    if (this.resource === undefined) {
      this.plain?.dispose();
      this.plain = tf.keep(value);
      return;
    }
    execute('AssignVariableOp', [attribute.type('dtype', 'float32')], [this.resource, value], 0);
    value.dispose();
  }

  private present(): Tensor {
    if (this.plain === undefined) throw new Error('This stored tensor has no value, or has been disposed.');
    return this.plain;
  }
}
