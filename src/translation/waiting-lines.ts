/**
 * Lines as they arrive, in blocks of all that is waiting: reading goes on while the caller works on a block, so a
 * lone line typed at a terminal is a block at once, and a fast input makes large blocks.
 *
 * @param source blocks of lines; an error in it is thrown after the lines before it
 * @param maxLines reading pauses when this many lines are waiting
 */
export async function* waitingLines(source: AsyncIterable<readonly string[]>, maxLines: number): AsyncGenerator<string[]> {
  let waiting: string[] = [];
  let state: 'reading' | 'ended' | { error: unknown } = 'reading';
  let abandoned = false;
  let arrived = newSignal();
  let taken = newSignal();

  const read = async (): Promise<void> => {
    for await (const lines of source) {
      for (const line of lines) waiting.push(line);
      arrived.give();
      while (waiting.length >= maxLines && !abandoned) await taken.given;
      if (abandoned) return;
    }
  };
  void read()
    .then(
      () => (state = 'ended'),
      (error: unknown) => (state = { error }),
    )
    .then(() => arrived.give());

  // The state changes while this function waits, which the compiler cannot see.
  const present = (): typeof state => state;
  try {
    for (;;) {
      if (waiting.length > 0) {
        const block = waiting;
        waiting = [];
        taken.give();
        taken = newSignal();
        yield block;
        continue;
      }
      const now = present();
      if (now === 'ended') return;
      if (now !== 'reading') throw now.error;
      await arrived.given;
      arrived = newSignal();
    }
  } finally {
    abandoned = true;
    taken.give();
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
