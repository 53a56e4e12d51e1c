/**
 * A second app whose users come all at once, to hosts whose fold takes its time; and a look at whom that delays. Of the
 * other app some users are calm: nothing but their own events, requests and timers is about them, so they need not wait behind
 * the crowd.
 */
import { DEFAULT_APP } from '../../kernel/ids.js';
import type { SeededRandom } from '../../kernel/random.js';
import { subjects } from '../../messages/subjects.js';
import { decodePosition } from '../../messages/tokens.js';
import type { ActorKind } from '../host/actor-kind.js';
import type { AppsOfHost } from '../host/app-backlog.js';
import type { JournalRecord } from '../host/ports.js';
import type { SimulatedProcess } from './clock.js';
import type { SimulatedServer } from './server.js';

export const CROWD_APP = 'crowd';
export const CROWD_PREFIX = 'crowd-';
export const CALM_PREFIX = 'calm-';

/** An owner folds so many records without a turn for anything else. */
const TURN_RECORDS = 64;
/** For so many turns of the crowd a calm user may wait once the decision is back from the journal. */
const TURNS_MAX = 2;

export interface CrowdPlan {
  readonly floods: readonly { readonly atMs: number; readonly users: number }[];
  /** How long the fold of one record takes. */
  readonly foldMs: number;
  /** Of the crowd's events, per partition. */
  readonly eventsWaitingMax: number;
}

const FLOODS_MAX = 3;
const USERS_MIN = 150;
const USERS_MORE = 500;

/** Of one run in three; no other is touched by it. */
export function drawCrowd(random: SeededRandom, untilMs: number): CrowdPlan | undefined {
  if (random.next() >= 1 / 3) return undefined;
  return {
    floods: Array.from({ length: Math.ceil(FLOODS_MAX * random.next()) }, () => ({
      atMs: 1_000 + (untilMs - 1_000) * random.next(),
      users: USERS_MIN + Math.floor(USERS_MORE * random.next()),
    })),
    foldMs: 0.1 + 2 * random.next(),
    eventsWaitingMax: random.next() < 0.5 ? Infinity : 20 + Math.floor(200 * random.next()),
  };
}

export const appsWith = ({ eventsWaitingMax }: CrowdPlan): AppsOfHost =>
  new Map([
    [DEFAULT_APP, { eventsWaitingMax: Infinity, eventBytesWaitingMax: Infinity }],
    [CROWD_APP, { eventsWaitingMax, eventBytesWaitingMax: Infinity }],
  ]);

/** One process's decisions of calm users, from their coming back until they are answered. */
export class CrowdWatch {
  /** Events of the crowd folded here, by partition. */
  private readonly folded = new Map<number, number>();
  /** By partition and sequence: what was folded when the decision came. */
  private readonly came = new Map<string, number>();

  /** `foldedTo`: the sequence that this process's fold of the partition has come to, where it is served. */
  constructor(
    private readonly plan: CrowdPlan,
    private readonly process: SimulatedProcess,
    private readonly server: SimulatedServer,
    private readonly foldedTo: (partition: number) => number | undefined,
    private readonly tell: (what: string) => void,
  ) {}

  /** The kind, with a fold that takes its time. */
  slow<Kind extends ActorKind<never, never, never>>(kind: Kind): Kind {
    const { fold } = kind as unknown as ActorKind<unknown, unknown, unknown>;
    const slow: typeof fold = (state, record, ctx) => {
      this.process.spend(this.plan.foldMs);
      if (ctx.address.token.startsWith(CROWD_PREFIX)) this.folded.set(ctx.partition, this.count(ctx.partition) + 1);
      return fold(state, record, ctx);
    };
    return { ...kind, fold: slow };
  }

  /** A record has come to the reader of the partition. */
  delivered(partition: number, { subject, sequence }: JournalRecord): void {
    if (!subject.startsWith(`attune.p.${partition}.decision.${DEFAULT_APP}.user.${CALM_PREFIX}`)) return;
    const foldedTo = this.foldedTo(partition);
    if (foldedTo === undefined) return;
    // Behind a control record nobody knows yet whose turn it is at all, and behind what is said to the partition what is left
    // of a budget.
    const before = this.server.journals[partition]!.records.slice(foldedTo, sequence - 1);
    const decides = [subjects.allControls(partition).slice(0, -1), subjects.partitionOutput(partition, '')];
    if (before.some((record) => decides.some((prefix) => record.subject.startsWith(prefix)))) return;
    this.came.set(`${partition}:${sequence}`, this.count(partition));
  }

  /** The owner of the partition has answered something. */
  answered(partition: number, answer: Uint8Array): void {
    if (this.came.size === 0) return;
    const { token } = (JSON.parse(Buffer.from(answer).toString('utf8')) ?? {}) as { token?: string };
    if (token === undefined) return;
    const key = `${partition}:${decodePosition(token).sequence}`;
    const then = this.came.get(key);
    this.came.delete(key);
    const between = then === undefined ? 0 : this.count(partition) - then;
    if (between <= TURNS_MAX * TURN_RECORDS) return;
    this.tell(`${this.process.name} has folded ${between} events of the crowd before it answered ${key}`);
  }

  private count(partition: number): number {
    return this.folded.get(partition) ?? 0;
  }
}
