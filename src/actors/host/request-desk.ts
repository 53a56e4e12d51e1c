/**
 * Answers requests to the actors of one partition while it is served: bounded, one decision after the other, and never
 * before the record has come back from the journal and the owner's own fold has applied it, or certainly will.
 */
import type { Clock } from '../../kernel/clock.js';
import { EngineError, invalidRequest, type WireError } from '../../kernel/errors.js';
import { DEADLINE_MS_MAX } from '../../messages/decisions.js';
import { encodePosition, decodePosition } from '../../messages/tokens.js';
import { streams, subjects } from '../../messages/subjects.js';
import type { DataSchema } from '../../messages/versions.js';
import { keyOf, type Activation } from './activation.js';
import type { ActivationStore } from './activation-store.js';
import type { ActorAddress, ActorKind, Asker, HandleContext, Handling, SharedState } from './actor-kind.js';
import { FairTurns } from './fair-turns.js';
import type { Applied, PartitionFold } from './fold.js';
import type { HostLimits } from './limits.js';
import type { Journal } from './ports.js';
import type { Protections } from './protections.js';
import { decodeRecord } from './record-codec.js';
import type { RecordWriter } from './record-writer.js';

/** A refused record is tried once more on the newer state; redirects count too. */
const ATTEMPTS_MAX = 4;
/** Share of the deadline that may be spent waiting for an `after` token. */
const AFTER_SHARE = 0.8;

/** Candidates that cost as much as a request without any. */
const CANDIDATES_PER_COST = 100;
const COST_MAX = 4;

/** Of an actor's requests in flight so many are answered before they are folded. */
const FORETOLD_SHARE = 0.5;

type Append = Extract<Handling, { do: 'append' }>;
type Appended = { readonly done: true; readonly body: unknown } | { readonly done: false; readonly reason: string };

export interface RequestDeskOptions<Shared> {
  readonly partition: number;
  readonly identity: string;
  readonly schema: DataSchema;
  readonly kinds: ReadonlyMap<string, ActorKind<unknown, Shared, never>>;
  readonly shared: SharedState<Shared>;
  readonly services: unknown;
  readonly fold: PartitionFold<Shared>;
  readonly store: ActivationStore;
  readonly writer: RecordWriter;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly limits: HostLimits;
  readonly protections: Protections;
  readonly nonce: () => string;
  readonly nowMs: () => number;
  /** What whoever still waits is told when this owner ends. */
  readonly stale: () => EngineError;
  /** Throws StaleOwner where this owner may no longer answer. */
  readonly assertServing: () => void;
  /** Told of an actor that cannot be loaded, before the request fails. */
  readonly unreadable: (error: unknown) => void;
}

interface AfterWaiter {
  readonly sequence: number;
  readonly resolve: (reached: boolean) => void;
  readonly cancel: () => void;
}

/** A request's place among those that are open: it is given back once what it wrote is folded, though it was answered before. */
interface Place {
  isFolded: boolean;
  isAnswered: boolean;
  readonly leave: () => void;
}

export class RequestDesk<Shared> {
  private readonly turns: FairTurns;
  private readonly overlays = new Map<string, unknown[]>();
  /** Outcomes of owned records in flight, for requests that join them. */
  private readonly inFlight = new Map<string, Promise<Appended>>();
  private waiters: AfterWaiter[] = [];

  constructor(private readonly options: RequestDeskOptions<Shared>) {
    const {
      requestsOpenMax: openMax,
      requestsPerPartitionMax: requestsMax,
      requestBytesMax: bytesMax,
    } = options.limits;
    this.turns = new FairTurns({ openMax: Math.min(openMax, requestsMax), requestsMax, bytesMax });
  }

  get openRequests(): number {
    return this.turns.present;
  }

  /** Actors with records in flight stay active. */
  isPinned(key: string): boolean {
    return this.overlays.has(key);
  }

  async request(address: ActorAddress, verb: string, body: unknown, asker: Asker): Promise<unknown> {
    this.options.assertServing();
    const { app, bytes } = asker;
    const turn = this.turns.enter(app, costOf(verb, body), bytes);
    if (turn) await turn;
    const place: Place = { isFolded: true, isAnswered: false, leave: () => this.turns.leave(app, bytes) };
    try {
      if (turn) this.options.assertServing();
      const degraded = await this.awaitAfter(verb, body);
      return await this.answer(address, verb, body, asker, degraded, place);
    } finally {
      // Who is answered asks again: what is answered ahead of the fold must not make the fold's backlog longer.
      place.isAnswered = true;
      if (place.isFolded) place.leave();
    }
  }

  /** Told after every folded batch. */
  progressed(sequence: number): void {
    if (this.waiters.length === 0) return;
    const ready = this.waiters.filter((w) => w.sequence <= sequence);
    if (ready.length === 0) return;
    this.waiters = this.waiters.filter((w) => w.sequence > sequence);
    for (const waiter of ready) {
      waiter.cancel();
      waiter.resolve(true);
    }
  }

  stop(): void {
    for (const waiter of this.waiters) {
      waiter.cancel();
      waiter.resolve(false);
    }
    this.waiters = [];
    this.turns.stop(this.options.stale);
    this.options.shared.clear();
    this.overlays.clear();
  }

  private async answer(
    first: ActorAddress,
    verb: string,
    body: unknown,
    asker: Asker,
    degraded: readonly string[],
    place: Place,
  ): Promise<unknown> {
    const { store, kinds, services, limits } = this.options;
    let address = first;
    for (let attempt = 1; ; attempt++) {
      const kind = kinds.get(address.kind);
      if (!kind) throw new EngineError('NotFound', 'KIND_UNKNOWN', `There are no actors of kind ${address.kind}.`);
      const activated = store.activate(address, asker.app);
      const activation = activated instanceof Promise ? await this.loaded(activated) : activated;
      // It may have been passivated again, or the tenure may have ended, while it was loading.
      this.options.assertServing();
      if (activated instanceof Promise && store.peek(activation.key) !== activation) continue;
      if ((this.overlays.get(activation.key)?.length ?? 0) >= limits.requestsPerActorMax) {
        throw overloaded(`${address.kind} ${address.token}`);
      }
      const ctx = this.context(activation, asker, degraded);
      const handling = kind.handle(activation.state, verb, body, { ...ctx, services: services as never });
      switch (handling.do) {
        case 'reply':
          return handling.body;
        case 'fail':
          throw EngineError.fromWire(handling.error);
        case 'redirect':
          if (attempt >= ATTEMPTS_MAX) throw invariant('REDIRECT_LOOP', 'A request was redirected too often.');
          address = handling.address;
          continue;
        case 'join': {
          const outcome = this.inFlight.get(handling.key);
          if (!outcome) throw invariant('JOIN_UNKNOWN', 'A request joined a record that is not in flight.');
          const joined = await outcome;
          if (joined.done) return joined.body;
          // Refused: the first caller tries again on the newer state, and so does this one.
          if (attempt >= ATTEMPTS_MAX) throw EngineError.fromWire(refused(joined.reason));
          continue;
        }
        case 'reread':
          return this.reread(handling);
        case 'append': {
          const result = await this.append(handling, asker, place);
          if (result.done) return result.body;
          const error = handling.refused(result.reason);
          if (error || attempt >= ATTEMPTS_MAX) throw EngineError.fromWire(error ?? refused(result.reason));
          continue;
        }
      }
    }
  }

  private async loaded(loading: Promise<Activation>): Promise<Activation> {
    try {
      return await loading;
    } catch (error) {
      this.options.unreadable(error);
      throw error;
    }
  }

  private context(
    activation: Activation,
    asker: Asker,
    degraded: readonly string[],
  ): Omit<HandleContext<Shared, never>, 'services'> {
    const { partition, identity, fold, protections, shared, nonce, nowMs } = this.options;
    return {
      address: activation.address,
      partition,
      identity,
      sequence: fold.state.sequence,
      nowMs: nowMs(),
      settings: fold.state.settings,
      semantics: fold.state.semantics,
      shared: fold.state.shared,
      reserved: (key) => (protections.overlay ? shared.reserved(key) : 0),
      overlay: protections.overlay ? (this.overlays.get(activation.key) ?? NOTHING) : NOTHING,
      degraded,
      nonce,
      trace: asker.trace,
      directApp: asker.isDirect ? asker.app : undefined,
    };
  }

  private append(handling: Append, asker: Asker, place: Place): Promise<Appended> {
    const { partition, identity, writer, shared } = this.options;
    const { address, body, key } = handling;
    const actorKey = keyOf(address);
    const overlay = this.overlays.get(actorKey) ?? [];
    overlay.push(body);
    this.overlays.set(actorKey, overlay);
    shared.reserve(body);
    place.isFolded = false;
    const done = (sequence: number): Appended => ({
      done: true,
      body: handling.reply({ sequence, token: encodePosition({ partition, sequence, identity }) }),
    });
    const outcome = new Promise<Appended>((resolve, reject) => {
      let isTold = false;
      const tell = (what: () => Appended): void => {
        if (isTold) return;
        isTold = true;
        try {
          resolve(what());
        } catch (thrown) {
          // This is told while the fold goes on, which is not to blame.
          reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
        }
      };
      // Who is answered asks again: then it is the fold that must set the pace.
      const hears = overlay.length <= FORETOLD_SHARE * this.options.limits.requestsPerActorMax;
      writer.write({
        key,
        subject: subjects.record(partition, handling.class, asker.app, address.kind, address.token),
        body,
        trace: asker.trace,
        ...(handling.class === 'decision' ? { decision: address } : undefined),
        foretell: hears ? (sequence) => tell(() => done(sequence)) : undefined,
        settle: (applied, sequence, error) => {
          this.uncover(actorKey, body);
          this.inFlight.delete(key);
          if (error || !applied) reject(error);
          else tell(() => outcomeOf(applied, () => done(sequence)));
          place.isFolded = true;
          if (place.isAnswered) place.leave();
        },
      });
    });
    // Whoever asks the same as long as it is not folded is told the same.
    if (overlay.includes(body)) this.inFlight.set(key, outcome);
    return outcome;
  }

  private uncover(actorKey: string, body: unknown): void {
    const overlay = this.overlays.get(actorKey);
    if (!overlay) return;
    const index = overlay.indexOf(body);
    if (index === -1) return;
    this.options.shared.release(body);
    if (overlay.length === 1) this.overlays.delete(actorKey);
    else overlay.splice(index, 1);
  }

  private async reread(handling: Extract<Handling, { do: 'reread' }>): Promise<unknown> {
    const record = await this.options.journal.get(handling.sequence);
    // The answer is not a record that was just folded here: it leaves only while the lease is held.
    this.options.assertServing();
    if (!record) {
      throw new EngineError('NotFound', 'RECORD_TRIMMED', 'The journal no longer holds this decision.');
    }
    const decoded = decodeRecord(record, this.options.schema);
    if (decoded.cls !== 'decision' && decoded.cls !== 'command') {
      throw invariant('REREAD_MISMATCH', 'The journal holds another record at this sequence.');
    }
    return handling.reply(decoded.body);
  }

  /** Waits until the fold has reached the request's `after` token; what could not be waited for is `degraded`. */
  private async awaitAfter(verb: string, body: unknown): Promise<readonly string[]> {
    const { partition, identity, fold, protections } = this.options;
    if (!WAITING_VERBS.has(verb) || typeof body !== 'object' || body === null) return NOT_DEGRADED;
    const { after, deadlineMs } = body as { after?: unknown; deadlineMs?: unknown };
    const awaited = placeIn(after, partition);
    if (awaited === undefined) return NOT_DEGRADED;
    if (awaited.partition !== partition || (awaited.identity ?? identity) !== identity) return AFTER_MISSED;
    const { sequence } = awaited;
    if (sequence <= fold.state.sequence || !protections.after) return NOT_DEGRADED;
    // Longer ones are not waited for; the actor says what is wrong with them.
    const isDeadline = typeof deadlineMs === 'number' && deadlineMs > 0 && deadlineMs <= DEADLINE_MS_MAX;
    const budgetMs = isDeadline ? deadlineMs : this.options.limits.requestDeadlineMs;
    const reached = await new Promise<boolean>((resolve) => {
      const waiter: AfterWaiter = {
        sequence,
        resolve,
        cancel: this.options.clock.after(budgetMs * AFTER_SHARE, () => {
          this.waiters = this.waiters.filter((w) => w !== waiter);
          resolve(false);
        }),
      };
      this.waiters.push(waiter);
    });
    this.options.assertServing();
    return reached ? NOT_DEGRADED : AFTER_MISSED;
  }
}

/** Place that a request waits for, by its token or, from an app that has no token, JetStream's acknowledgement. */
function placeIn(
  after: unknown,
  partition: number,
): { readonly partition: number; readonly identity?: string; readonly sequence: number } | undefined {
  if (typeof after === 'string') return decodePosition(after);
  const { stream, seq } = (after ?? {}) as { stream?: unknown; seq?: unknown };
  // What else it may be is the actor's to refuse.
  if (typeof stream !== 'string' || typeof seq !== 'number') return undefined;
  if (stream === streams.journal(partition)) return { partition, sequence: seq };
  throw invalidRequest('TOKEN_INVALID', 'after is not of the journal that has this actor.', 'after');
}

/** What a request takes of its app's turns. */
function costOf(verb: string, body: unknown): number {
  const candidates = verb === 'decide' ? (body as { candidates?: unknown } | null)?.candidates : undefined;
  if (!Array.isArray(candidates)) return 1;
  return Math.min(COST_MAX, 1 + Math.floor(candidates.length / CANDIDATES_PER_COST));
}

/** Throws what the caller is to be told where the fold made nothing of the record. */
function outcomeOf(applied: Applied, done: () => Appended): Appended {
  switch (applied.outcome) {
    case 'applied':
    case 'ignored':
      return done();
    case 'refused':
      return { done: false, reason: applied.reason ?? 'refused' };
    default:
      // Another try would end the same way.
      throw invariant('RECORD_SKIPPED', `The record could not be folded (${applied.outcome}): ${applied.reason ?? ''}`);
  }
}

/** Verbs whose requests may name a place to wait for. */
const WAITING_VERBS: ReadonlySet<string> = new Set(['decide', 'consent']);
const NOTHING: readonly unknown[] = [];
const NOT_DEGRADED: readonly string[] = [];
const AFTER_MISSED: readonly string[] = ['after'];

const overloaded = (what: string): EngineError =>
  new EngineError('Overloaded', 'OVERLOADED', `Too many requests are waiting for ${what}.`, { retryAfterMs: 100 });

const invariant = (code: string, message: string): EngineError => new EngineError('Invariant', code, message);

const refused = (reason: string): WireError => ({
  family: 'Conflict',
  code: 'REFUSED',
  message: `The record was refused when it was folded: ${reason}.`,
});
