import { EngineError } from '../../kernel/errors.js';
import type { SimulatedProcess, Timeline } from './clock.js';
import type { Weather } from './faults.js';
import type { SimulatedServer } from './server.js';

/** How long a caller waits for an answer before it calls the outcome unknown. */
export const ANSWER_TIMEOUT_MS = 2000;

/** What becomes of messages in flight when a connection breaks. */
export type BreakFate = 'lost' | 'late';

/** One TCP connection's life: both directions keep their order. */
class Session {
  open = true;
  outArrivalMs = 0;
  inArrivalMs = 0;
  /** After the break: messages still on the way arrive so much later, or never. */
  lateByMs: number | undefined;
  /** After the break: so many of them still arrive. */
  stillArriving = 0;
}

/**
 * A process's connection to the server. Messages of one connection arrive in order; when it breaks, those in flight are
 * lost, or arrive later than what the next connection sends. Reconnects by itself.
 */
export class SimulatedConnection {
  private session = new Session();
  /** Nobody gets through before this time. */
  private blockedUntilMs = 0;
  private readonly breakListeners = new Set<() => void>();
  private readonly reconnectListeners = new Set<() => void>();

  constructor(
    readonly process: SimulatedProcess,
    readonly server: SimulatedServer,
  ) {
    server.connections.add(this);
  }

  get timeline(): Timeline {
    return this.server.timeline;
  }

  get weather(): Weather {
    return this.server.weather;
  }

  /** Whether nobody gets through at the moment. */
  get isBlocked(): boolean {
    return this.timeline.nowMs < this.blockedUntilMs;
  }

  /** What was sent until then has waited until then. */
  get waitsUntilMs(): number {
    return Math.max(this.blockedUntilMs, this.server.upAtMs);
  }

  latencyMs(): number {
    return this.timeline.between(this.weather.latencyMinMs, this.weather.latencyMaxMs);
  }

  /** Runs `arrive` at the server, in order of sending, if the message gets there. */
  send(arrive: () => void): void {
    const session = this.session;
    const earliestMs = Math.max(this.blockedUntilMs, this.server.upAtMs, this.timeline.nowMs);
    session.outArrivalMs = Math.max(session.outArrivalMs, earliestMs + this.latencyMs());
    const attempt = (): void => {
      if (session.open) return arrive();
      if (session.lateByMs === undefined || session.stillArriving-- <= 0) return;
      this.timeline.at(Math.max(this.timeline.nowMs + session.lateByMs, this.server.upAtMs), () => {
        this.timeline.note(this.process.name, 'a message of a broken connection arrives');
        arrive();
      });
    };
    this.timeline.at(session.outArrivalMs, attempt);
  }

  /**
   * What the server says back on the connection that is open now: the returned function runs its argument in the
   * process, in order, unless the connection breaks before.
   */
  replier(): (receive: () => void, extraMs?: number) => void {
    const session = this.session;
    return (receive, extraMs = 0) => {
      if (!session.open) return;
      session.inArrivalMs = Math.max(session.inArrivalMs, this.timeline.nowMs + this.latencyMs());
      this.process.at(session.inArrivalMs + extraMs, () => {
        if (session.open) receive();
      });
    };
  }

  /**
   * Asks the server: `execute` runs there. Rejects with Dependency when no answer comes in time, whether or not it has
   * been executed.
   */
  call<T>(what: string, execute: () => T, keys: boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      let settled = false;
      const fail = (code: string, message: string): void => {
        if (settled) return;
        settled = true;
        this.breakListeners.delete(onBreak);
        cancelTimeout();
        reject(new EngineError('Dependency', code, message));
      };
      const onBreak = (): void =>
        this.process.run(() => fail('CONNECTION_LOST', `The connection broke during ${what}.`));
      this.breakListeners.add(onBreak);
      const cancelTimeout = this.process.clock.after(ANSWER_TIMEOUT_MS, () =>
        fail('ANSWER_TIMEOUT', `No answer to ${what} in time.`),
      );
      const reply = this.replier();
      this.send(() => {
        const unavailable = keys && this.timeline.nowMs < this.server.keysDownUntilMs;
        if (unavailable || this.timeline.chance(this.weather.callRefused)) {
          this.timeline.note('server', `refuses ${what} of ${this.process.name}`);
          return reply(() => fail('UNAVAILABLE', `${what} is out of reach.`));
        }
        const answer = execute();
        if (this.timeline.chance(this.weather.answerLost)) {
          return this.timeline.note('server', `executes ${what} of ${this.process.name}; the answer is lost`);
        }
        reply(() => {
          if (settled) return;
          settled = true;
          this.breakListeners.delete(onBreak);
          cancelTimeout();
          resolve(answer);
        });
      });
    });
  }

  /** Breaks the connection; the next one is open at once, but gets through only after `downMs`. */
  breakOff(fate: BreakFate, downMs = 0): void {
    const broken = this.session;
    broken.open = false;
    if (fate === 'late') {
      broken.lateByMs = this.timeline.between(0, this.weather.lateAfterBreakMaxMs);
      broken.stillArriving = Math.floor(this.timeline.between(1, 8));
    }
    this.timeline.note(this.process.name, `connection breaks, in flight: ${fate}`);
    this.session = new Session();
    this.blockedUntilMs = Math.max(this.blockedUntilMs, this.timeline.nowMs + downMs);
    for (const listener of [...this.breakListeners]) listener();
    if (this.process.status === 'killed') {
      this.server.connections.delete(this);
      return;
    }
    const session = this.session;
    const reconnectMs = Math.max(this.blockedUntilMs, this.server.upAtMs, this.timeline.nowMs) + this.latencyMs();
    this.timeline.at(reconnectMs, () => {
      if (this.session === session) for (const listener of [...this.reconnectListeners]) listener();
    });
  }

  /** Calls `listener` when the connection breaks, also while the process is paused. */
  onBreak(listener: () => void): () => void {
    this.breakListeners.add(listener);
    return () => void this.breakListeners.delete(listener);
  }

  /** Calls `listener`, at the server, when the next connection is up. */
  onReconnect(listener: () => void): () => void {
    this.reconnectListeners.add(listener);
    return () => void this.reconnectListeners.delete(listener);
  }
}
