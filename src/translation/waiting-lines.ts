/** Reading pauses, too, when the waiting lines have this many characters: long lines must not fill the memory. */
const MAX_WAITING_CHARACTERS = 1 << 24;

/**
 * Lines as they arrive, in blocks of what is waiting: reading starts at once and goes on while the caller works on a
 * block, so a lone line typed at a terminal is a block, and a fast input makes large ones.
 *
 * @param source blocks of lines; an error in it is thrown after the lines before it
 * @param maxLines longest block; reading pauses when as many lines are waiting
 */
export function waitingLines(source: AsyncIterable<readonly string[]>, maxLines: number): AsyncGenerator<string[]> {
  const queue = new LineQueue(maxLines);
  void queue.fill(source);
  return queue.blocks();
}

class LineQueue {
  private waiting: string[] = [];
  private characters = 0;
  private state: 'reading' | 'ended' | { readonly error: unknown } = 'reading';
  private abandoned = false;
  private arrived = newSignal();
  private taken = newSignal();

  constructor(private readonly maxLines: number) {}

  /** Reads the source to its end, no faster than blocks are taken. */
  async fill(source: AsyncIterable<readonly string[]>): Promise<void> {
    try {
      for await (const lines of source) {
        for (const line of lines) {
          this.waiting.push(line);
          this.characters += line.length;
        }
        this.arrived.give();
        while ((this.waiting.length >= this.maxLines || this.characters >= MAX_WAITING_CHARACTERS) && !this.abandoned)
          await this.taken.given;
        if (this.abandoned) break;
      }
      this.state = 'ended';
    } catch (error) {
      this.state = { error };
    }
    this.arrived.give();
  }

  async *blocks(): AsyncGenerator<string[]> {
    try {
      for (;;) {
        if (this.waiting.length > 0) {
          const block = this.waiting.splice(0, this.maxLines);
          for (const line of block) this.characters -= line.length;
          this.taken.give();
          this.taken = newSignal();
          yield block;
        } else if (this.state === 'ended') {
          return;
        } else if (this.state !== 'reading') {
          throw this.state.error;
        } else {
          await this.arrived.given;
          this.arrived = newSignal();
        }
      }
    } finally {
      this.abandoned = true;
      this.taken.give();
    }
  }
}

interface Signal {
  readonly given: Promise<void>;
  readonly give: () => void;
}

function newSignal(): Signal {
  let give: () => void = () => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give };
}
