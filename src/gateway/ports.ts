/** What the gateway needs of the engine behind it: actors to ask, journals to write events to, facts to look up. */
import type { LearnerStatus } from '../actors/learner/status.js';
import type { AppendOutcome } from '../actors/host/ports.js';
import type { FaultCount } from '../policies/fault-book.js';
import type { DecisionAnswer, DecisionBody, DecisionRequest } from '../messages/decisions.js';

/** A request's app and trace id. */
export interface RequestOrigin {
  readonly id: string;
  readonly app: string;
}

export interface ActorClient {
  /**
   * Asks the owner of an actor on an app's behalf and resolves to its answer; calls to an owner in this process stay in it. Rejects with the
   * owner's EngineError, or Dependency `OWNER_UNREACHABLE` (with retryAfterMs) once `deadlineMs` has passed.
   */
  request(
    kind: string,
    token: string,
    verb: string,
    body: unknown,
    options: { readonly deadlineMs: number; readonly app: string; readonly trace?: string },
  ): Promise<unknown>;
}

/** One event, already validated, on its way to its actor's journal. */
export interface OutgoingEvent {
  /** The app that sent it. */
  readonly app: string;
  readonly kind: string;
  readonly token: string;
  readonly type: string;
  readonly payload: Uint8Array;
}

export interface EventIngress {
  /** Publishes as one group; an outcome each, same order, and the position token of those stored. Never rejects. */
  publish(events: readonly OutgoingEvent[]): Promise<readonly (AppendOutcome & { readonly token?: string })[]>;
}

/** Answers for a subject whose owner cannot be reached: non-personal, uncapped, unbudgeted candidates only. */
export interface FallbackDecider {
  decide(request: DecisionRequest, reason: string): DecisionAnswer;
}

/** The long memory: facts in PostgreSQL. Undefined where the store is off or down. */
export interface FactsReader {
  decision(decisionId: string): Promise<DecisionBody | undefined>;
}

export interface StatusSource {
  /** Status of every host that answers within the deadline. */
  hosts(deadlineMs: number): Promise<readonly unknown[]>;
  /** Not ready: why. */
  notReady(): readonly string[];
}

export interface LearnerDirectory {
  /** Ids of the configured learners, in their order. */
  readonly ids: readonly string[];
  /** Every configured learner, whether or not the process that runs it answers within the deadline. */
  list(deadlineMs: number): Promise<readonly LearnerStatus[]>;
}

/** What threw while decisions were made, in this process and at the hosts that answer within the deadline. */
export interface FaultDirectory {
  list(deadlineMs: number): Promise<readonly FaultCount[]>;
}

/** A record that was skipped or rejected, as copied to the dead-letter stream. */
export interface DeadLetter {
  /** The journal it stood in, and where. */
  readonly partition: number;
  readonly sequence: number;
  readonly subject: string;
  readonly reason: string;
  /** The original payload, base64: its beginning where `truncated`. */
  readonly payload: string;
  /** Whether the whole payload stands in the journal alone; a redrive takes it from there. */
  readonly truncated: boolean;
  readonly atMs: number;
  /** Its place in the list: a listing `before` it goes on there. */
  readonly cursor?: number;
}

export interface DeadLetterPage {
  readonly deadLetters: readonly DeadLetter[];
  /** Where a listing goes on (`before`); left out where nothing older is left. */
  readonly next?: number;
}

export interface DeadLetterQuery {
  readonly partition?: number;
  readonly limit: number;
  readonly before?: number;
}

/** What became of a dead letter that was tried again. */
export interface RedriveAnswer {
  /** Position of the new record. */
  readonly token: string;
  /**
   * What the fold made of it: it counts now (`applied`), it counted already (`duplicate`), there was nothing to do any more
   * (`ignored`, `stale`), it cannot hold (`refused`), or there is a new letter of it (`rejected`, `poison`).
   */
  readonly outcome: RedriveOutcome;
  /** Why, of what was refused, rejected or could not be folded. */
  readonly reason?: string;
}

export const REDRIVE_OUTCOMES = ['applied', 'duplicate', 'ignored', 'stale', 'refused', 'rejected', 'poison'] as const;
export type RedriveOutcome = (typeof REDRIVE_OUTCOMES)[number];

export interface DeadLetters {
  /**
   * Newest first, at most `limit`, older than the cursor `before`; of one partition where it is named. One call looks at
   * a bounded stretch, so it may find less than there is, or nothing: a listing ends where there is no `next`. Rejects with
   * Overloaded `OVERLOADED` while others are listing.
   */
  list(query: DeadLetterQuery): Promise<DeadLetterPage>;
  /**
   * Journals the original again under a new sequence and resolves to what became of it there. Rejects with NotFound
   * `DEAD_LETTER_UNKNOWN` where there is none at this place, Conflict `DEAD_LETTER_TRIMMED` where the letter has only the
   * beginning of its payload and the journal no longer has the rest, and InvalidRequest `DEAD_LETTER_TOO_LARGE`.
   */
  redrive(partition: number, sequence: number, by: string): Promise<RedriveAnswer>;
}

/** Depths of the process's bounded queues, by name; read at each scrape. */
export interface QueueGauges {
  collect(): Readonly<Record<string, number>>;
}
