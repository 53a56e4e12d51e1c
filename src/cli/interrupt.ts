/** Ctrl-C as a rejection, so that what was started is stopped in order. */

/** Thrown into the work that Ctrl-C (or SIGTERM) ends. */
export class Interrupted extends Error {
  constructor(readonly signal: NodeJS.Signals) {
    super(`ended by ${signal}`);
    this.name = 'Interrupted';
  }
}

export interface Interrupt {
  readonly signal: AbortSignal;
  /** The outcome of `work`, unless a signal comes first: then it rejects with Interrupted, and `work` is left alone. */
  during<T>(work: Promise<T>): Promise<T>;
  /** From here on signals end the process as they do by default. */
  release(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  const end = (name: NodeJS.Signals): void => {
    // Whoever presses Ctrl-C again does not want to wait for an orderly end.
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new Interrupted(name));
  };
  for (const name of SIGNALS) process.on(name, end);
  const interrupted = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason as Interrupted), { once: true });
  });
  interrupted.catch(() => undefined);
  return {
    signal: controller.signal,
    during: (work) => Promise.race([work, interrupted]),
    release: () => {
      for (const name of SIGNALS) process.off(name, end);
    },
  };
}
