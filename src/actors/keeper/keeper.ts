/** What a process asks of its keeper: the only writer of its leases and of its announcement. */

/** Whom a lease is written for. */
export interface LeaseValue {
  readonly host: string;
  /** Made anew at every start of a host: a restarted host does not take its former self's lease for its own. */
  readonly incarnation: string;
}

export interface LeaseRequest {
  /** Of the leases' bucket. */
  readonly key: string;
  readonly owner: LeaseValue;
  /**
   * `progress`: renewed by itself as long as this process proves that it works. `asking`: renewed by `confirm` alone, for a
   * lease that is held for somebody else, who must be heard of.
   */
  readonly renewal: 'progress' | 'asking';
}

/** One lease of one tenure. Once it has run out it stays lost; the next tenure acquires another. */
export interface Lease {
  /** The lease's revision at acquisition, or what `confirm` has raised it to. */
  readonly epoch: number;
  /** Whether the keeper holds it under this epoch, by the clock: whatever rests on the lease reads this first. */
  readonly held: boolean;
  /**
   * How this lease's user shows that it works: called after every round trip through the main connection; it calls `passed`
   * once its own work has come by. Until it is set, the round trip alone is the proof.
   */
  provenBy(probe: (passed: () => void) => void): void;
  /**
   * Asks the store whether the lease is still ours, renews it, and holds it under `epoch` from then on. Resolves to false
   * where it is lost. Rejects with Dependency errors when store or keeper are out of reach.
   */
  confirm(epoch?: number): Promise<boolean>;
  /** Gives the lease back, so that another need not wait for it to run out. Its user must have ended by then. */
  release(): Promise<void>;
  /** Ends the keeping of it and leaves it to run out, for whoever it is held for. */
  abandon(): Promise<void>;
}

export interface Keeper {
  /** Takes the lease for a new tenure; undefined while another holds it. Rejects with Dependency errors. */
  acquire(request: LeaseRequest): Promise<Lease | undefined>;
  /** Says under `key` that this process is there, again and again, as long as it makes progress. */
  announce(key: string, value: Uint8Array): void;
  /** Takes the announcement back; never rejects. */
  withdraw(): Promise<void>;
}
