/**
 * Work that can wait yields to decisions: what a process does now and then (checkpoints, passivation, broadcasts) is cut
 * into pieces, and all of it together gets so much of each turn of the event loop and no more.
 */
import type { Clock } from './clock.js';

/** Of one turn, for all such work of a process. */
export const SLICE_MS = 2;
/** Pieces in one turn, however quick they are. */
export const SLICE_PIECES_MAX = 512;

export interface SliceLimits {
  readonly sliceMs: number;
  readonly slicePiecesMax: number;
}

export class Slices {
  private usedMs = 0;
  private pieces = 0;
  private nextTurn: Promise<void> | undefined;

  constructor(
    private readonly clock: Pick<Clock, 'monotonicMs' | 'soon'>,
    private readonly limits: SliceLimits = { sliceMs: SLICE_MS, slicePiecesMax: SLICE_PIECES_MAX },
  ) {}

  /**
   * Runs one piece as soon as a turn has room for it; resolves to what it gives, rejects with what it throws. A piece should
   * take a small part of a slice: it is not interrupted. What the world is like is only known within the piece.
   */
  async run<T>(piece: () => T): Promise<Awaited<T>> {
    while (this.usedMs >= this.limits.sliceMs || this.pieces >= this.limits.slicePiecesMax) await this.turn();
    return await this.charge(piece);
  }

  /**
   * `work` for each index below `count`, in order: as many to a piece as a slice has room for. A promise for each of a thousand
   * small things would cost more than they do. Rejects with what `work` throws; what comes after it is not done.
   */
  async each(count: number, work: (index: number) => void): Promise<void> {
    for (let next = 0; next < count;) {
      next = await this.run(() => {
        const untilMs = this.clock.monotonicMs() + this.limits.sliceMs - this.usedMs;
        const end = Math.min(count, next + this.limits.slicePiecesMax);
        do work(next++);
        while (next < end && this.clock.monotonicMs() < untilMs);
        return next;
      });
    }
  }

  private charge<T>(piece: () => T): T {
    const begunMs = this.clock.monotonicMs();
    try {
      return piece();
    } finally {
      this.usedMs += this.clock.monotonicMs() - begunMs;
      this.pieces++;
      void this.turn();
    }
  }

  /** The next one, in which everything starts anew. */
  private turn(): Promise<void> {
    this.nextTurn ??= new Promise((resolve) =>
      this.clock.soon(() => {
        this.nextTurn = undefined;
        this.usedMs = 0;
        this.pieces = 0;
        resolve();
      }),
    );
    return this.nextTurn;
  }
}
