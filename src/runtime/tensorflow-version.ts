import { tf } from './tf.js';

/** Version of the native library, such as `2.21.0`; undefined where it does not tell. `loadTensorFlow` comes first. */
export function tensorflowVersion(): string | undefined {
  return (tf.backend() as unknown as { binding?: { TF_Version?: string } }).binding?.TF_Version;
}
