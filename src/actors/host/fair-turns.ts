/**
 * Whose request is next, where more are asked than an owner works on at once: apps take turns, each by what its requests
 * cost, so that one app's flood makes its own requests wait and nobody else's (deficit round robin; Shreedhar and Varghese,
 * 1996). As long as there is room, nobody waits.
 */
import { EngineError } from '../../kernel/errors.js';

export interface TurnLimits {
  /** Requests that are worked on at once. */
  readonly openMax: number;
  /** Requests that may be here, waiting or open, and their bytes. */
  readonly requestsMax: number;
  readonly bytesMax: number;
}

interface Waiting {
  readonly cost: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Line {
  readonly waiting: Waiting[];
  /** What it may still take in this round. */
  credit: number;
  open: number;
  /** Of all its requests here. */
  bytes: number;
}

/** What an app may take a round: as much as a large request costs. */
const QUANTUM = 4;

export class FairTurns {
  private readonly lines = new Map<string, Line>();
  /** Apps with somebody waiting, the next one first. */
  private readonly round: string[] = [];
  private openNow = 0;
  private waitingNow = 0;
  private bytesNow = 0;

  constructor(private readonly limits: TurnLimits) {}

  get open(): number {
    return this.openNow;
  }

  /** Waiting and open. */
  get present(): number {
    return this.openNow + this.waitingNow;
  }

  /**
   * Undefined where the request may begin now, else a promise of its turn; `leave` must be called with the same bytes when it
   * is done. Throws Overloaded `OVERLOADED` where the app's share of what may be here is taken, in requests or bytes: all of
   * it, while it is alone; with others here, an equal part. An app's only request is never too large.
   */
  enter(app: string, cost: number, bytes = 0): Promise<void> | undefined {
    const line = this.lineOf(app);
    if (this.isFull(line, bytes)) {
      this.drop(app, line);
      throw overloaded(app);
    }
    line.bytes += bytes;
    this.bytesNow += bytes;
    if (this.openNow < this.limits.openMax && this.waitingNow === 0) {
      this.begin(line);
      return undefined;
    }
    if (line.waiting.length === 0) this.round.push(app);
    this.waitingNow++;
    return new Promise<void>((resolve, reject) => line.waiting.push({ cost, resolve, reject }));
  }

  leave(app: string, bytes = 0): void {
    const line = this.lines.get(app)!;
    line.open--;
    line.bytes -= bytes;
    this.bytesNow -= bytes;
    this.openNow--;
    this.drop(app, line);
    this.next();
  }

  /** Nobody gets a turn any more. */
  stop(error: () => unknown): void {
    for (const { waiting } of this.lines.values()) for (const { reject } of waiting.splice(0)) reject(error());
    this.round.length = 0;
    this.waitingNow = 0;
  }

  private isFull(line: Line, bytes: number): boolean {
    const { requestsMax, bytesMax } = this.limits;
    const present = line.open + line.waiting.length;
    const share = Math.ceil(requestsMax / this.lines.size);
    if (present >= share || this.present >= requestsMax + share) return true;
    const byteShare = bytesMax / this.lines.size;
    return present > 0 && (line.bytes + bytes > byteShare || this.bytesNow + bytes > bytesMax + byteShare);
  }

  private next(): void {
    while (this.openNow < this.limits.openMax && this.round.length > 0) {
      const app = this.round[0]!;
      const line = this.lines.get(app)!;
      const first = line.waiting[0]!;
      if (line.credit < first.cost) {
        line.credit += QUANTUM;
        this.round.push(this.round.shift()!);
        continue;
      }
      line.credit -= first.cost;
      line.waiting.shift();
      this.waitingNow--;
      if (line.waiting.length === 0) {
        // Who has nothing waiting saves nothing up.
        line.credit = 0;
        this.round.shift();
      }
      this.begin(line);
      first.resolve();
    }
  }

  private begin(line: Line): void {
    line.open++;
    this.openNow++;
  }

  private lineOf(app: string): Line {
    let line = this.lines.get(app);
    if (!line) this.lines.set(app, (line = { waiting: [], credit: 0, open: 0, bytes: 0 }));
    return line;
  }

  private drop(app: string, line: Line): void {
    if (line.open === 0 && line.waiting.length === 0) this.lines.delete(app);
  }
}

const overloaded = (app: string): EngineError =>
  new EngineError('Overloaded', 'OVERLOADED', `Too many requests of ${app} are under way for this partition.`, {
    retryAfterMs: 1000,
  });
