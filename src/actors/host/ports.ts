/**
 * What the host needs from the outside world. Real adapters are in `src/actors/nats/`, the simulator's in
 * `src/actors/simulated/`; both pass test/conformance.
 */

import type { Intake } from '../../messages/subjects.js';

export interface JournalRecord {
  readonly sequence: number;
  /** When the server stored it, milliseconds since the epoch. */
  readonly timestampMs: number;
  readonly subject: string;
  readonly payload: Uint8Array;
  /** How many records were behind this one when it was delivered; 0 at the tail. */
  readonly pending: number;
}

export interface JournalInfo {
  /** Changes when the stream is deleted and made again; `[0-9a-zA-Z]{1,32}`. */
  readonly identity: string;
  /** Oldest stored sequence; lastSequence + 1 where nothing is stored. */
  readonly firstSequence: number;
  readonly lastSequence: number;
}

export interface JournalMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
}

/**
 * What became of a published message. `unknown`: no acknowledgement came, it may yet be stored; only a marker that was
 * published after it and has come back settles that.
 */
export type AppendOutcome =
  | { readonly status: 'stored'; readonly sequence: number }
  | { readonly status: 'refused'; readonly code: string; readonly message: string }
  | { readonly status: 'unknown' };

/** How full a journal is. Bytes. */
export interface JournalRoom {
  readonly bytes: number;
  /** What it may hold while it takes everything; by `reserve` more while it does not. */
  readonly limit: number;
  readonly reserve: number;
  readonly intake: Intake;
  /** Apps whose events it does not take although it takes events. */
  readonly leftOut: readonly string[];
}

export interface JournalReader {
  /** Stops deliveries at once; idempotent. */
  stop(): void;
}

/** One stream that messages are appended to in order. Never rejects: failures are outcomes. */
export interface Appender {
  /**
   * Publishes the messages in order, as one group, and resolves when each has an outcome (same order). Messages of
   * one call, and of calls one after the other, are stored in that order where they are stored.
   */
  append(messages: readonly JournalMessage[]): Promise<AppendOutcome[]>;
}

/** One partition's journal. */
export interface Journal extends Appender {
  info(): Promise<JournalInfo>;
  /**
   * Delivers every stored record with sequence ≥ `from`, each once, in ascending order, without gaps but for deleted
   * records, and then goes on with new ones. Never calls back synchronously. Reconnects by itself; `onLost` is called
   * when it cannot go on (stream gone).
   */
  read(from: number, onRecord: (record: JournalRecord) => void, onLost: (error: unknown) => void): JournalReader;
  /** The stored control records with sequence ≥ `from`, ascending. */
  control(from: number): Promise<JournalRecord[]>;
  get(sequence: number): Promise<JournalRecord | undefined>;
  /** Deletes what is below `sequence`. */
  trim(sequence: number): Promise<void>;
  room(): Promise<JournalRoom>;
  /**
   * Says what it takes from now on; its limit goes with it. What it refuses then is refused to everybody; the events of the
   * apps that are left out are refused to these alone.
   */
  take(intake: Intake, leftOut?: readonly string[]): Promise<void>;
}

export interface Stored {
  readonly value: Uint8Array;
  readonly revision: number;
}

/** Keys and values with compare-and-set. Keys are `[A-Za-z0-9_=.-]+`. Rejects with Dependency errors when out of reach. */
export interface KeyValue {
  get(key: string): Promise<Stored | undefined>;
  /**
   * Writes if the key's revision is `expected` (0: absent or deleted). Resolves to the new revision, or `undefined`
   * on conflict. Revisions rise over the whole bucket.
   */
  put(key: string, value: Uint8Array, expected: number): Promise<number | undefined>;
  /** Deletes if the revision is `expected`; resolves to whether it did. */
  remove(key: string, expected: number): Promise<boolean>;
  keys(prefix: string): Promise<string[]>;
}

/** Everything a host needs of one cluster. */
export interface Cluster {
  journal(partition: number): Journal;
  snapshots(partition: number): KeyValue;
  /** Who is there; written by their keepers. */
  readonly hosts: Pick<KeyValue, 'get' | 'keys'>;
  readonly experience: Appender;
  readonly deadLetters: Appender;
  readonly requests: RequestTransport;
  /** A round trip to the server and back on the connection of all these. Rejects with Dependency when none comes in time. */
  ping(): Promise<void>;
  /** The largest share in use of what the partition's owner writes to beside its journal: snapshots, experience. 0 to 1. */
  pressure(partition: number): Promise<number>;
}

/** What a keeper writes to. Values vanish by themselves `leaseTtlMs` after their last write. */
export interface KeeperBuckets {
  readonly leases: KeyValue;
  readonly hosts: KeyValue;
}

export interface RequestEnvelope {
  /** `attune.p.<N>.req.<app>.<kind>.<token>.<verb>` */
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly trace: string | undefined;
}

/** Requests to actors from other processes, and the state broadcast. */
export interface RequestTransport {
  /** Serves `attune.p.<partition>.req.>`; the returned function stops it. */
  serve(partition: number, handler: (request: RequestEnvelope) => Promise<Uint8Array>): () => void;
  /** One message a subject is kept. Resolves to whether the stream has it; never rejects. */
  broadcast(subject: string, payload: Uint8Array): Promise<boolean>;
}
