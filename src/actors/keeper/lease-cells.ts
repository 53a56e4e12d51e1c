/**
 * The memory that the keeper and the main thread share, a cell a lease. The keeper alone writes what is held, the main
 * thread alone what has made progress. Both read one monotonic clock, which is the process's.
 */

/** Of a cell: held until (µs), epoch, progress at (µs). */
const HELD_UNTIL = 0;
const EPOCH = 1;
const PROGRESS = 2;
const FIELDS = 3;
/** The first cell is the process's own: the keeper's last beat, and the main thread's last round trip. */
const PROCESS_CELL = 0;
const BYTES = BigInt64Array.BYTES_PER_ELEMENT;

const microseconds = (ms: number): bigint => BigInt(Math.floor(ms * 1_000));

export class LeaseCells {
  /** The other thread's view is made of the same one. */
  readonly buffer: SharedArrayBuffer;
  readonly #fields: BigInt64Array<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#fields = new BigInt64Array(buffer);
  }

  /** For so many leases at once. */
  static create(leases: number): LeaseCells {
    return new LeaseCells(new SharedArrayBuffer((leases + 1) * FIELDS * BYTES));
  }

  /** Cells for leases, numbered from 1. */
  get size(): number {
    return this.#fields.length / FIELDS - 1;
  }

  /** Whether the lease of that epoch is held at `nowMs`. */
  holds(cell: number, epoch: number, nowMs: number): boolean {
    // In this order: a cell that is used again gets its epoch last, so an old epoch never goes with a new time.
    const heldUntil = this.#load(cell, HELD_UNTIL);
    return this.#load(cell, EPOCH) === BigInt(epoch) && microseconds(nowMs) < heldUntil;
  }

  hold(cell: number, epoch: number, heldUntilMs: number): void {
    if (this.#load(cell, EPOCH) !== BigInt(epoch)) this.#store(cell, EPOCH, 0n);
    this.#store(cell, HELD_UNTIL, microseconds(heldUntilMs));
    this.#store(cell, EPOCH, BigInt(epoch));
  }

  lose(cell: number): void {
    this.#store(cell, EPOCH, 0n);
    this.#store(cell, HELD_UNTIL, 0n);
  }

  progressed(cell: number, atMs: number): void {
    this.#store(cell, PROGRESS, microseconds(atMs));
  }

  progressAtMs(cell: number): number {
    return Number(this.#load(cell, PROGRESS)) / 1_000;
  }

  /** The process as a whole has made a round trip. */
  processProgressed(atMs: number): void {
    this.progressed(PROCESS_CELL, atMs);
  }

  get processProgressAtMs(): number {
    return this.progressAtMs(PROCESS_CELL);
  }

  /** The keeper is at work. */
  beat(atMs: number): void {
    this.#store(PROCESS_CELL, HELD_UNTIL, microseconds(atMs));
  }

  get beatAtMs(): number {
    return Number(this.#load(PROCESS_CELL, HELD_UNTIL)) / 1_000;
  }

  #load(cell: number, field: number): bigint {
    return Atomics.load(this.#fields, cell * FIELDS + field);
  }

  #store(cell: number, field: number, value: bigint): void {
    Atomics.store(this.#fields, cell * FIELDS + field, value);
  }
}
