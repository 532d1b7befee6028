/** A stack of clean-up functions, like Python's `ExitStack`: releases several resources in reverse order. */
export class Cleanup {
  private readonly releases: (() => void | Promise<void>)[] = [];
  private running: Promise<void> | undefined;

  add(release: () => void | Promise<void>): void {
    this.releases.push(release);
  }

  /**
   * Releases all resources; a second call waits for the first. If a clean-up function throws, the others are called
   * nevertheless, and the first error is thrown at the end.
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
