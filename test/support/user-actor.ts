/** A user actor in the hand: folds and requests with everything around them made up, and inputs frozen. */
import { createSecretKey } from 'node:crypto';
import type { ActorRecord, FoldContext, Folded, HandleContext, Handling } from '../../src/actors/host/actor-kind.js';
import type { DecisionServices } from '../../src/actors/user/services.js';
import type { UserState } from '../../src/actors/user/state.js';
import { userKind } from '../../src/actors/user/user.kind.js';
import { CampaignLedger, type CampaignReplica } from '../../src/messages/campaigns.js';
import type { DecisionAnswer, DecisionBody } from '../../src/messages/decisions.js';
import { THIS_BUILD } from '../../src/messages/versions.js';
import type { EventData } from '../../src/messages/events.js';
import { DEFAULT_FOLD_SETTINGS, type FoldSettings } from '../../src/messages/settings.js';
import { partitionOf } from '../../src/kernel/ids.js';
import { GIVEN_ORDER } from '../../src/policies/declared-policies.js';
import type { Fault } from '../../src/policies/fault-book.js';
import type { Policy } from '../../src/policies/policy.js';
import { compileSurface, type Surface } from '../../src/surfaces/surface.js';
import { episodesOf, rewardsOf } from '../../src/surfaces/load-surfaces.js';

export const START_MS = Date.UTC(2025, 0, 6, 9);

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value) && !ArrayBuffer.isView(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}

/** A policy that makes all candidates equally likely. */
export const uniformPolicy = (id: string): Policy => ({
  ref: { id, version: 3 },
  distribution: (_context, candidates) => candidates.map(() => 1 / candidates.length),
  scores: (_context, candidates) => candidates.map(() => 0.5),
  explain: () => [{ code: 'uniform', text: 'All are the same.' }],
});

export const surfaceWith = (overrides: Record<string, unknown> = {}): Surface =>
  compileSurface({
    id: 'test.offer',
    subjectKinds: ['rider', 'driver'],
    slate: { k: 1, max: 5 },
    candidates: { source: 'request' },
    policy: 'live',
    fallback: ['given-order'],
    reward: {
      windowMs: 600_000,
      signals: { accept: { value: 1 }, click: { value: 0.3 }, 'trip.completed': { value: 0.8 } },
    },
    validMs: 60_000,
    ...overrides,
  });

export const replica = (id: string, overrides: Partial<CampaignReplica> = {}): CampaignReplica => ({
  id,
  status: 'live',
  surface: 'test.offer',
  offerValidMs: 30_000,
  offers: [{ id: 'five', costCents: 500, features: {} }],
  grantedCents: 1000,
  heldCents: 0,
  spentCents: 0,
  asked: false,
  recalled: false,
  ...overrides,
});

export interface RigOptions {
  readonly kind?: 'user' | 'anon';
  readonly token?: string;
  readonly surfaces?: readonly Surface[];
  readonly policies?: Readonly<Record<string, Policy>>;
  readonly sources?: DecisionServices['sources'];
  readonly settings?: Partial<FoldSettings>;
}

/** One actor with its fold and its handler; every input is frozen, so that a fold that writes to one fails. */
export class UserRig {
  readonly kind;
  readonly address;
  readonly partition: number;
  readonly settings: FoldSettings;
  readonly services: DecisionServices;
  state: UserState;
  private campaigns = CampaignLedger.EMPTY;
  /** What deciding has told of. */
  readonly faults: Fault[] = [];
  reserved: Record<string, number> = {};
  overlay: DecisionBody[] = [];
  degraded: string[] = [];
  nowMs = START_MS;
  sequence = 0;
  private nonces = 0;

  constructor(options: RigOptions = {}) {
    const surfaces = options.surfaces ?? [surfaceWith()];
    this.kind = userKind(options.kind ?? 'user');
    this.address = { kind: this.kind.kind, token: options.token ?? '42' };
    const byId = new Map(surfaces.map((surface) => [surface.id, surface]));
    this.settings = deepFreeze({
      ...DEFAULT_FOLD_SETTINGS,
      rewards: rewardsOf(byId),
      episodes: episodesOf(byId),
      ...options.settings,
    });
    this.partition = partitionOf(this.address.token, this.settings.partitions);
    const policies: Record<string, Policy> = {
      live: uniformPolicy('live'),
      'given-order': GIVEN_ORDER,
      ...options.policies,
    };
    this.services = {
      surfaces: byId,
      policies: { get: (id) => policies[id] },
      sources: options.sources ?? new Map(),
      zones: { get: () => undefined, all: () => [], staleMs: () => 0 },
      samplingKey: createSecretKey('a key for tests', 'utf8'),
      faults: { report: (fault) => void this.faults.push(fault) },
    };
    this.state = this.kind.create(this.address);
  }

  get ledger(): CampaignLedger {
    return this.campaigns;
  }

  /** What the partition knows of campaigns, by id. */
  set ledger({ campaigns }: Pick<CampaignLedger, 'campaigns'>) {
    this.campaigns = CampaignLedger.of(Object.values(campaigns));
  }

  /** Folds a record at the current time and takes its state over. */
  fold(record: ActorRecord): Folded<UserState> {
    const ctx: FoldContext<CampaignLedger> = {
      address: this.address,
      partition: this.partition,
      sequence: ++this.sequence,
      atMs: this.nowMs,
      settings: this.settings,
      semantics: THIS_BUILD.semantics,
      shared: deepFreeze(this.ledger),
    };
    const folded = this.kind.fold(deepFreeze(this.state), deepFreeze(record), deepFreeze(ctx));
    if (folded.outcome === 'applied') this.state = folded.state;
    return folded;
  }

  /** `at` is the sender's own time and, for what is driven again, when it was first folded. */
  event(
    type: string,
    data: EventData = {},
    { saidMs, firstFoldedMs = this.nowMs }: { saidMs?: number; firstFoldedMs?: number } = {},
  ): Folded<UserState> {
    const timeMs = saidMs ?? this.nowMs;
    return this.fold({
      type: 'event',
      event: { source: 'test', id: String(this.sequence), type, timeMs, saidMs, firstFoldedMs, data },
    });
  }

  consent(): this {
    this.event('consent.granted');
    return this;
  }

  /** Fires every timer that is due until `untilMs`, and goes there. */
  pass(durationMs: number): Folded<UserState>[] {
    const untilMs = this.nowMs + durationMs;
    const fired: Folded<UserState>[] = [];
    for (;;) {
      const dueMs = this.kind.timer(this.state);
      if (dueMs === 0 || dueMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, dueMs);
      fired.push(this.fold({ type: 'timer', dueMs }));
      if (fired.length > 1000) throw new Error('a timer does not end');
    }
    this.nowMs = untilMs;
    return fired;
  }

  handle(verb: string, request: unknown): Handling {
    const ctx: HandleContext<CampaignLedger, DecisionServices> = {
      address: this.address,
      partition: this.partition,
      identity: 'journal1',
      sequence: this.sequence,
      nowMs: this.nowMs,
      settings: this.settings,
      semantics: THIS_BUILD.semantics,
      shared: this.ledger,
      reserved: (key) => this.reserved[key] ?? 0,
      overlay: this.overlay,
      degraded: this.degraded,
      services: this.services,
      nonce: () => `nonce${String(this.nonces++).padStart(6, '0')}`,
      trace: undefined,
      directApp: undefined,
    };
    return this.kind.handle(deepFreeze(this.state), verb, deepFreeze(request), ctx);
  }

  /** Asks for a decision and leaves it unfolded. */
  ask(request: Record<string, unknown> = {}): { body: DecisionBody; answer: DecisionAnswer } {
    const handling = this.handle('decide', {
      surface: 'test.offer',
      candidates: [{ id: 'a' }, { id: 'b' }],
      ...request,
    });
    if (handling.do !== 'append') throw new Error(`not a decision: ${JSON.stringify(handling)}`);
    const body = JSON.parse(JSON.stringify(handling.body)) as DecisionBody;
    return { body, answer: handling.reply({ sequence: this.sequence + 1, token: 't' }) as DecisionAnswer };
  }

  /** Asks for a decision and folds it. */
  decide(request: Record<string, unknown> = {}): DecisionBody {
    const { body } = this.ask(request);
    const folded = this.fold({ type: 'decision', body });
    if (folded.outcome !== 'applied') throw new Error(`decision ${folded.outcome}: ${folded.reason}`);
    return body;
  }
}

/** The experiences among what was folded. */
export const experiencesOf = (folded: readonly Folded<UserState>[]): Record<string, unknown>[] =>
  folded.flatMap(({ effects }) =>
    effects.flatMap((effect) => (effect.to === 'experience' ? [effect.body as Record<string, unknown>] : [])),
  );

/** The ledger operations among what was folded. */
export const operationsOf = (folded: readonly Folded<UserState>[]): unknown[] =>
  folded.flatMap(({ effects }) => effects.flatMap((effect) => (effect.to === 'shared' ? [effect.op] : [])));
