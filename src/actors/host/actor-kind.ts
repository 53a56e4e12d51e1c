/**
 * What a kind of actor is to the host: a pure fold over journal records, and a synchronous handler of requests.
 * Neither performs I/O, reads a clock or rolls dice: time comes with the record, randomness with the request.
 */
import { ENGINE_APP } from '../../kernel/ids.js';
import type { WireError } from '../../kernel/errors.js';
import type { InboundEvent } from '../../messages/events.js';
import type { FoldSettings } from '../../messages/settings.js';
import type { ActorKindName } from '../../messages/subjects.js';

export interface ActorAddress {
  readonly kind: ActorKindName;
  /** The subject token; `decodeToken` gives the id. */
  readonly token: string;
}

/** A record as an actor's fold sees it; already fenced, deduplicated and in chain order. */
export type ActorRecord =
  | { readonly type: 'event'; readonly event: InboundEvent }
  | { readonly type: 'decision'; readonly body: unknown }
  | { readonly type: 'command'; readonly body: unknown }
  | { readonly type: 'timer'; readonly dueMs: number }
  | { readonly type: 'output'; readonly name: string; readonly from: number; readonly body: unknown };

export interface FoldContext<Shared> {
  readonly address: ActorAddress;
  readonly partition: number;
  readonly sequence: number;
  /** Fold time: max(previous, the record's stored timestamp), milliseconds since the epoch. */
  readonly atMs: number;
  readonly settings: FoldSettings;
  /** The rules this record is folded by; a fold whose meaning has changed branches on it. */
  readonly semantics: number;
  /** The partition's shared state before this record. */
  readonly shared: Shared;
}

/** What a fold causes elsewhere. Bodies are plain JSON. */
export type Effect =
  /** A record on another actor's subject, applied exactly once. */
  | { readonly to: 'actor'; readonly address: ActorAddress; readonly name: string; readonly body: unknown }
  /** A change of another partition's shared state (or this one's), applied exactly once. */
  | { readonly to: 'partition'; readonly partition: number; readonly name: string; readonly body: unknown }
  /** One message on `attune.experience.<surface>`, counted exactly once by its receivers. */
  | { readonly to: 'experience'; readonly surface: string; readonly body: unknown }
  /** A change of this partition's shared state, applied within this record. */
  | { readonly to: 'shared'; readonly op: unknown };

/**
 * `applied`: state and effects count. `ignored`: understood, but nothing to do. `refused`: an owned record that may no
 * longer happen (its budget is gone, consent was withdrawn); its writer is told the reason, the state stays, and of the
 * effects only `experience` counts (a decision then says `status: 'refused'`, so that facts forget it). `rejected`: an
 * event or output that makes no sense; the state stays and it is copied to the dead letters.
 */
export type FoldOutcome = 'applied' | 'ignored' | 'refused' | 'rejected';

export interface Folded<State> {
  readonly state: State;
  readonly outcome: FoldOutcome;
  readonly reason?: string;
  readonly effects: readonly Effect[];
}

/** On whose behalf a request is made. */
export interface Asker {
  /** The app, or `engine`. */
  readonly app: string;
  readonly trace: string | undefined;
  /** The app asks by itself, over NATS: what it says of who asks, nobody has checked. */
  readonly isDirect?: boolean;
  /** Of the request as it came over NATS; left out where it is asked in this process, which bounds it itself. */
  readonly bytes?: number;
}

export const ENGINE_ASKER: Asker = { app: ENGINE_APP, trace: undefined };

export interface HandleContext<Shared, Services> {
  readonly address: ActorAddress;
  readonly partition: number;
  /** Journal identity, for read-your-writes tokens. */
  readonly identity: string;
  /** Last folded sequence: what the state reflects. */
  readonly sequence: number;
  /** The server's time as far as the owner knows: last fold time plus what has passed since on its own clock. */
  readonly nowMs: number;
  readonly settings: FoldSettings;
  /** The rules that what it appends is folded by. */
  readonly semantics: number;
  readonly shared: Shared;
  /** What pending owned records of this partition would take of `key` (a campaign id), in its unit. */
  readonly reserved: (key: string) => number;
  /** Bodies of this actor's owned records that are published but not yet folded, oldest first. */
  readonly overlay: readonly unknown[];
  readonly services: Services;
  /** Parts of the answer already known to be missing, as in `after` for a token that could not be waited for. */
  readonly degraded: readonly string[];
  /** Fresh, unguessable, `[0-9A-Za-z]{8,32}`. */
  readonly nonce: () => string;
  readonly trace: string | undefined;
  /** The app that asks by itself; undefined where the engine asks, which has checked for whom. */
  readonly directApp: string | undefined;
}

/** What a handler wants done. */
export type Handling =
  | { readonly do: 'reply'; readonly body: unknown }
  | { readonly do: 'fail'; readonly error: WireError }
  /**
   * Journal an owned record; the reply is made once the owner's own fold has applied it, or certainly will. `key` must be unique.
   * `reply` gets the sequence; `refused` the fold's reason, and may ask for another try (once) by returning undefined.
   */
  | {
      readonly do: 'append';
      readonly class: 'decision' | 'command';
      readonly address: ActorAddress;
      readonly key: string;
      readonly body: unknown;
      readonly reply: (at: { sequence: number; token: string }) => unknown;
      readonly refused: (reason: string) => WireError | undefined;
    }
  /** The same request is already in flight under this key: answer with its outcome. */
  | { readonly do: 'join'; readonly key: string }
  /** Answer from the record journaled at `sequence`. */
  | { readonly do: 'reread'; readonly sequence: number; readonly reply: (record: unknown) => unknown }
  /** Handle the same request at another actor of the same partition. */
  | { readonly do: 'redirect'; readonly address: ActorAddress };

export interface ActorKind<State, Shared, Services> {
  readonly kind: ActorKindName;
  create(address: ActorAddress): State;
  /** Pure: returns new state, never mutates `state`; throwing leaves it as it was and makes the record poison. */
  fold(state: State, record: ActorRecord, ctx: FoldContext<Shared>): Folded<State>;
  /** Fold time at which this actor next wants a `timer` record, or 0. */
  timer(state: State): number;
  /**
   * Whether events of a type may be folded any number of times, in any order, to the same end: then one is folded however
   * old it is. Refusing one where nobody can tell whether it is a repeat would lose it.
   */
  isIdempotent?(type: string): boolean;
  /** Whether events of a type count whatever time they say, also one far ahead: any other is then refused. */
  countsWhenever?(type: string): boolean;
  /** True if the state is as good as a fresh one: its snapshot need not be kept for ever. */
  isVacant(state: State): boolean;
  /** Checks and revives what JSON.parse gave for a saved state; throws if it is not one. */
  revive(saved: unknown): State;
  handle(state: State, verb: string, request: unknown, ctx: HandleContext<Shared, Services>): Handling;
  /** What to broadcast on `attune.state.<kind>.<token>` after a change, or undefined for nothing. Every app hears it. */
  broadcast?(state: State, address: ActorAddress, atMs: number): unknown;
  /** The same for the engine's own eyes, on `attune.books.<kind>.<token>`: money. */
  confide?(state: State, address: ActorAddress, atMs: number): unknown;
}

/**
 * State that all actors of a partition share and that changes within a record's fold: campaign replicas and allotments.
 * `reserve`/`release` keep a volatile overlay of what pending owned records would take.
 */
export interface SharedState<Shared> {
  create(): Shared;
  revive(saved: unknown): Shared;
  /** Pure. `name` is an output's name, or `op` for a fold's own operation. Effects as for actors, without `shared`. */
  apply(
    shared: Shared,
    name: string,
    body: unknown,
    ctx: SharedContext,
  ): { shared: Shared; effects: readonly Effect[] };
  /** Called when an owned record is published; must be undone exactly by `release`. */
  reserve(body: unknown): void;
  release(body: unknown): void;
  reserved(key: string): number;
  /**
   * Whether a fold will find all that an owned record takes, which is reserved, whatever records of actors are folded before
   * it; asked where nothing waits that is said to the partition itself. Nobody can tell where it is left out.
   */
  suffices?(shared: Shared, body: unknown): boolean;
  /** Forgets all reservations (step-down). */
  clear(): void;
}

export interface SharedContext {
  readonly partition: number;
  readonly sequence: number;
  readonly atMs: number;
  readonly settings: FoldSettings;
  readonly semantics: number;
}
