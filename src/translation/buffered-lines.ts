/** Limits the memory of the buffer if lines are long. */
const MAX_BUFFERED_CHARACTERS = 1 << 24;

/**
 * Buffers lines while the caller processes earlier ones, and yields all buffered lines as one block. A line typed in a
 * terminal is thus processed immediately, and fast input is processed in large blocks. Reading starts with the call.
 *
 * @param source an error in it is thrown after the lines before it
 * @param maxLines maximum length of a block; reading pauses when as many lines are buffered
 */
export function bufferLines(source: AsyncIterable<readonly string[]>, maxLines: number): AsyncGenerator<string[]> {
  const queue = new LineQueue(maxLines);
  void queue.fill(source);
  return queue.blocks();
}

class LineQueue {
  private lines: string[] = [];
  private characters = 0;
  private state: 'reading' | 'ended' | { readonly error: unknown } = 'reading';
  private abandoned = false;
  private arrived = newSignal();
  private taken = newSignal();

  constructor(private readonly maxLines: number) {}

  async fill(source: AsyncIterable<readonly string[]>): Promise<void> {
    try {
      for await (const block of source) {
        for (const line of block) {
          this.lines.push(line);
          this.characters += line.length;
        }
        this.arrived.resolve();
        while ((this.lines.length >= this.maxLines || this.characters >= MAX_BUFFERED_CHARACTERS) && !this.abandoned)
          await this.taken.promise;
        if (this.abandoned) break;
      }
      this.state = 'ended';
    } catch (error) {
      this.state = { error };
    }
    this.arrived.resolve();
  }

  async *blocks(): AsyncGenerator<string[]> {
    try {
      for (;;) {
        if (this.lines.length > 0) {
          const block = this.lines.splice(0, this.maxLines);
          for (const line of block) this.characters -= line.length;
          this.taken.resolve();
          this.taken = newSignal();
          yield block;
        } else if (this.state === 'ended') {
          return;
        } else if (this.state !== 'reading') {
          throw this.state.error;
        } else {
          await this.arrived.promise;
          this.arrived = newSignal();
        }
      }
    } finally {
      this.abandoned = true;
      this.taken.resolve();
    }
  }
}

interface Signal {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function newSignal(): Signal {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((resolvePromise) => (resolve = resolvePromise));
  return { promise, resolve };
}
