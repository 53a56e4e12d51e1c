/** Ctrl-C as a rejection, so that what was started is stopped in order. */
import { EXIT } from './outcome.js';
import { systemClock, type Clock } from '../kernel/clock.js';

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

/**
 * Runs a tool as this process. `main` gives the exit code; where a signal has ended it, its process ends too, whatever work
 * was left alone: a request that is never answered, a file that never ends.
 */
export async function runTool(main: (argv: readonly string[]) => Promise<number>): Promise<void> {
  process.exitCode = await main(process.argv.slice(2));
  if (process.exitCode === EXIT.interrupted) process.exit();
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** A terminal sends Ctrl-C to everything in the foreground, and npm hands it on to its script once more: that is one press. */
const ONE_PRESS_MS = 1_000;

/** The part of the process that signals concern. */
export type Signalled = Pick<NodeJS.Process, 'on' | 'off' | 'exit'>;

export function onInterrupt(target: Signalled = process, clock: Pick<Clock, 'monotonicMs'> = systemClock): Interrupt {
  const controller = new AbortController();
  let pressedMs = 0;
  const end = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      // Whoever presses Ctrl-C again does not want to wait for an orderly end.
      if (clock.monotonicMs() - pressedMs > ONE_PRESS_MS) target.exit(130);
      return;
    }
    pressedMs = clock.monotonicMs();
    controller.abort(new Interrupted(name));
  };
  for (const name of SIGNALS) target.on(name, end);
  const interrupted = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason as Interrupted), { once: true });
  });
  interrupted.catch(() => undefined);
  return {
    signal: controller.signal,
    during: (work) => Promise.race([work, interrupted]),
    release: () => {
      for (const name of SIGNALS) target.off(name, end);
    },
  };
}
