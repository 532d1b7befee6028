/**
 * Releases what was opened, in reverse order: for objects that hold several resources, and for functions that may fail
 * when only some of them are open.
 */
export class Cleanup {
  private readonly releases: (() => void | Promise<void>)[] = [];
  private running: Promise<void> | undefined;

  /** Adds how to release what has just been opened. */
  add(release: () => void | Promise<void>): void {
    this.releases.push(release);
  }

  /**
   * Releases everything, once: a second call waits for the first. An error does not keep the others from being released;
   * the first one is thrown at the end.
   */
  run(): Promise<void> {
    this.running ??= this.releaseAll();
    return this.running;
  }

  private async releaseAll(): Promise<void> {
    const errors: unknown[] = [];
    for (const release of this.releases.reverse()) {
      try {
        await release();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
