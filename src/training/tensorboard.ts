import { join } from 'node:path';
import { tf } from '../runtime/tf.js';
import type { TrainingEvent } from './events.js';

/** Writes the learning curves of a run as TensorBoard event files to `RUN_DIRECTORY/tensorboard`. */
export class TensorBoardLog {
  private readonly writer: ReturnType<typeof tf.node.summaryFileWriter>;

  constructor(runDirectory: string) {
    this.writer = tf.node.summaryFileWriter(join(runDirectory, 'tensorboard'));
  }

  append(event: TrainingEvent): void {
    if (event.type === 'update' && event.report) {
      this.scalars(event.step, {
        'train/loss': event.loss,
        'train/perplexity': event.perplexity,
        'train/learning_rate': event.learningRate,
        'train/gradient_norm': event.gradientNorm,
        'train/target_tokens_per_second': event.targetTokensPerSecond,
      });
    }
    if (event.type === 'validation') {
      this.scalars(event.step, {
        'dev/loss': event.loss,
        'dev/perplexity': event.perplexity,
        'dev/accuracy': event.accuracy,
        'dev/bleu': event.bleu,
        'dev/chrf': event.chrf,
      });
      this.writer.flush();
    }
  }

  close(): void {
    this.writer.flush();
  }

  private scalars(step: number, values: Record<string, number | undefined>): void {
    for (const [name, value] of Object.entries(values)) {
      if (value !== undefined) this.writer.scalar(name, value, step);
    }
  }
}
