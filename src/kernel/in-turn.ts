/** Tasks one after the other, in the order in which they were asked for. One that fails holds up none behind it. */
export class InTurn {
  #last: Promise<unknown> = Promise.resolve();

  /** What `task` comes to, once all before it are over. */
  run<T>(task: () => T | Promise<T>): Promise<T> {
    const done = this.#last.then(task);
    // Whoever asked for it is told.
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Resolves once all that was asked for until now is over. Never rejects. */
  async over(): Promise<void> {
    await this.#last;
  }
}
