import type { Stored } from '../host/ports.js';

interface Entry {
  readonly value: Uint8Array;
  readonly revision: number;
  readonly writtenMs: number;
  /** Since which revision the key has had this value, without a moment of anything else. */
  readonly sinceRevision: number;
}

/** One bucket of the simulated server. Values older than `ttlMs` are gone, without a word to anybody. */
export class SimulatedBucket {
  private readonly entries = new Map<string, Entry>();
  private revision = 0;

  constructor(
    readonly name: string,
    private readonly ttlMs: number = Infinity,
    /** Without it whoever writes last wins: what the simulator takes away to see whether it is missed. */
    private readonly compares = true,
  ) {}

  get(key: string, nowMs: number): Stored | undefined {
    const entry = this.alive(key, nowMs);
    return entry === undefined ? undefined : { value: entry.value, revision: entry.revision };
  }

  /** When the present value was last written, and since which revision it has stood there. */
  tenure(key: string, nowMs: number): Readonly<Entry> | undefined {
    return this.alive(key, nowMs);
  }

  put(key: string, value: Uint8Array, expected: number, nowMs: number): number | undefined {
    if (this.compares && (this.alive(key, nowMs)?.revision ?? 0) !== expected) return undefined;
    const before = this.alive(key, nowMs);
    const revision = ++this.revision;
    const isSame = before !== undefined && Buffer.compare(before.value, value) === 0;
    const sinceRevision = isSame ? before.sinceRevision : revision;
    this.entries.set(key, { value, revision, writtenMs: nowMs, sinceRevision });
    return this.revision;
  }

  remove(key: string, expected: number, nowMs: number): boolean {
    const entry = this.alive(key, nowMs);
    if (entry === undefined || entry.revision !== expected) return false;
    this.entries.delete(key);
    this.revision++;
    return true;
  }

  keys(prefix: string, nowMs: number): string[] {
    return [...this.entries.keys()].filter((key) => key.startsWith(prefix) && this.alive(key, nowMs) !== undefined);
  }

  private alive(key: string, nowMs: number): Entry | undefined {
    const entry = this.entries.get(key);
    return entry !== undefined && nowMs - entry.writtenMs < this.ttlMs ? entry : undefined;
  }
}
