import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { attribute, execute } from './ops/execute.js';
import { tf } from './tensorflow.js';

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

  /** @param initial copied; stays the caller's to dispose */
  constructor(initial: Tensor) {
    this.shape = initial.shape;
    if (tf.getBackend() === 'tensorflow') {
      const name = `s2s/${process.pid}/${created++}`;
      const [handle] = execute(
        'VarHandleOp',
        [attribute.string('container', ''), attribute.string('shared_name', name), attribute.type('dtype', 'float32'), attribute.shape('shape', this.shape)],
        [],
      );
      this.resource = tf.keep(handle!);
      this.assign(initial);
    } else {
      this.plain = tf.keep(tf.clone(initial));
    }
  }

  /** The present value, owned by the enclosing `tidy`; dispose it before an update. */
  read(): Tensor {
    if (this.resource === undefined) return tf.clone(this.present());
    return execute('ReadVariableOp', [attribute.type('dtype', 'float32')], [this.resource])[0]!;
  }

  /** Replaces the value. The tensor stays the caller's. */
  assign(value: Tensor): void {
    if (value.shape.join() !== this.shape.join()) {
      throw new RangeError(`Cannot assign shape [${value.shape.join(', ')}] to a stored tensor of shape [${this.shape.join(', ')}].`);
    }
    if (this.resource === undefined) {
      const next = tf.keep(tf.clone(value));
      this.plain?.dispose();
      this.plain = next;
      return;
    }
    // A buffer of its own: the variable would otherwise share the caller's, and in-place updates would change both.
    const copy = tf.tidy(() => tf.add(value, 0));
    execute('AssignVariableOp', [attribute.type('dtype', 'float32')], [this.resource, copy], 0);
    copy.dispose();
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

  private present(): Tensor {
    if (this.plain === undefined) throw new Error('This stored tensor has been disposed.');
    return this.plain;
  }
}
