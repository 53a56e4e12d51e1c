import type { SeededRandom } from '../../kernel/random.js';
import { DEFAULT_FOLD_SETTINGS } from '../../messages/settings.js';
import type { Apps } from './apps.js';
import { SIMULATED_EPOCH_MS } from './clock.js';
import type { Seen, Violation } from './checks.js';
import { CALM_PREFIX, type CrowdPlan } from './crowd.js';
import type { Replay } from './replay.js';
import type { Scenario, Workload, WorkloadOptions } from './scenario.js';
import { checkToys } from './toy-checks.js';
import { TOY_CAMPAIGNS, TOY_KINDS, TOY_ZONES } from './toy-kinds.js';
import { NEXT_TOYS } from './toy-next-build.js';
import { ToyLedgerState, type ToyLedger } from './toy-ledger.js';
import type { ToyDecideRequest, ToyDecision } from './toy-user.js';

/** A decision that an app has been told. */
export interface AckedDecision {
  readonly user: string;
  readonly partition: number;
  readonly request: ToyDecideRequest;
  readonly id: string;
  readonly sequence: number;
  readonly decision: ToyDecision;
  /** Answered from the journal, for a request that had been decided before. */
  readonly repeated: boolean;
}

export interface AckedRaise {
  readonly campaign: string;
  readonly partition: number;
  readonly sequence: number;
  readonly amount: number;
}

/** What apps were promised. */
export interface ToyPromises {
  readonly apps: Apps;
  readonly decisions: readonly AckedDecision[];
  readonly raises: readonly AckedRaise[];
}

interface ToyAnswer {
  readonly id: string;
  readonly sequence: number;
  readonly token?: string;
  readonly decision: ToyDecision;
  readonly repeated?: boolean;
  readonly capped?: boolean;
}

/** Toy actors: they trust the host blindly, so that whatever it does wrong shows. */
export const TOY_SCENARIO: Scenario<ToyLedger> = {
  name: 'toy',
  cast: { kinds: [...TOY_KINDS.values()], createShared: () => new ToyLedgerState(), services: {}, next: NEXT_TOYS },
  settings: (partitions) => ({
    ...DEFAULT_FOLD_SETTINGS,
    partitions,
    // So few that many a repeat comes when nobody can tell any more.
    events: { ...DEFAULT_FOLD_SETTINGS.events, dedupePerActor: 6 },
  }),
  restful: true,
  workload: (options) => new ToyWorkload(options),
};

const PEEKS = 40;
const CALM = 6;

/** Sends events, asks for decisions, accepts some of them, raises budgets. */
class ToyWorkload implements Workload<ToyLedger>, ToyPromises {
  readonly apps: Apps;
  private readonly random: SeededRandom;
  private readonly users: readonly string[];
  readonly decisions: AckedDecision[] = [];
  readonly raises: AckedRaise[] = [];
  /** Last token each user's app was given. */
  private readonly tokens = new Map<string, string>();

  constructor(private readonly options: WorkloadOptions) {
    this.apps = options.apps;
    this.random = options.random;
    this.users = Array.from({ length: 2 + Math.floor(5 * this.random.next()) }, (_, index) => `user-${index}`);
  }

  get acknowledged(): number {
    return this.apps.events.length + this.decisions.length + this.raises.length;
  }

  start(): void {
    const { random, apps } = this;
    const actions = 60 + Math.floor(random.next() * 80);
    for (let index = 0; index < actions; index++) {
      const atMs = this.options.untilMs * random.next();
      const user = this.users[Math.floor(random.next() * this.users.length)]!;
      const draw = random.next();
      if (draw < 0.45) this.click(atMs, user, `e${index}`);
      else if (draw < 0.92) this.burst(atMs, user, `r${index}`);
      else if (draw < 0.95) apps.at(atMs, () => apps.publish('user', user, 'nonsense', `e${index}`, {}));
      else if (draw < 0.96) apps.at(atMs, () => apps.publish('user', user, 'poison', `e${index}`, {}));
      else if (draw < 0.975) this.give(atMs, user, `e${index}`);
      else apps.at(atMs, () => this.raise());
    }
    for (const user of this.users) {
      // Without an id, only its being a dead letter tells a repeat.
      if (random.next() < 0.5) apps.at(3_000 * random.next() ** 2, () => apps.publish('user', user, 'early', {}, {}));
    }
    const redrives = Math.floor(20 * random.next());
    for (let index = 0; index < redrives; index++) apps.redriveAt(this.options.untilMs * random.next(), random);
    this.peek();
    if (this.options.crowd) this.crowd(this.options.crowd);
  }

  /** Floods, and calm users that ask right behind them. */
  private crowd({ floods }: CrowdPlan): void {
    const { random, apps } = this;
    floods.forEach(({ atMs, users }, flood) => {
      // Of a decision that nobody has made: what it caused elsewhere would be a flood of its own.
      apps.at(atMs, () => apps.crowd(users, 'accept'));
      for (let i = 0; i < CALM; i++) {
        const user = `${CALM_PREFIX}${i}`;
        const request: ToyDecideRequest = {
          requestId: `c${flood}`,
          campaign: TOY_CAMPAIGNS[0],
          cost: Math.floor(random.next() * 3),
          windowMs: 200 + Math.floor(random.next() * 3_000),
        };
        if (random.next() < 0.5) this.click(atMs + 300 * random.next(), user, `c${flood}`);
        apps.at(atMs + 600 * random.next(), () => this.decide(user, request));
      }
    });
  }

  private give(atMs: number, user: string, id: string): void {
    const { random, apps } = this;
    const campaign = TOY_CAMPAIGNS[Math.floor(random.next() * TOY_CAMPAIGNS.length)]!;
    const partition = Math.floor(random.next() * this.options.partitions);
    apps.at(atMs, () => apps.publish('user', user, 'gift', id, { campaign, partition }));
  }

  /** Now and then somebody looks: an answer that is no record, and rests on the lease alone. */
  private peek(): void {
    const { random, apps, users } = this;
    for (let index = 0; index < PEEKS; index++) {
      const user = users[Math.floor(random.next() * users.length)]!;
      apps.at(this.options.untilMs * random.next(), () => apps.ask('user', user, 'view', {}).catch(() => undefined));
    }
  }

  async look(): Promise<Seen[]> {
    const { apps } = this;
    const view = async (kind: string, token: string): Promise<Seen> => {
      const answer = (await apps.insist(kind, token, 'view', {})) as { state: unknown } | undefined;
      return { partition: apps.partition(token), kind, token, state: answer?.state };
    };
    return Promise.all([
      ...this.users.map((user) => view('user', user)),
      ...TOY_ZONES.map((zone) => view('zone', zone)),
      ...TOY_CAMPAIGNS.map((campaign) => view('campaign', campaign)),
    ]);
  }

  check(replays: readonly Replay<ToyLedger>[]): Violation[] {
    return checkToys(replays, this);
  }

  /** Some clicks are sent twice under one id, at once or after a while. */
  private click(atMs: number, user: string, id: string): void {
    const { random, apps } = this;
    const value = Math.floor(random.next() * 7);
    const time = new Date(SIMULATED_EPOCH_MS + Math.floor(atMs)).toISOString();
    const send = async (): Promise<void> => {
      const token = await apps.publish('user', user, 'click', { id, time }, { value });
      if (token !== undefined) this.tokens.set(user, token);
    };
    apps.at(atMs, send);
    if (random.next() < 0.3) apps.at(atMs + 6_000 * random.next() ** 2, send);
  }

  /** Several decisions at once, now and then the same one twice. */
  private burst(atMs: number, user: string, requestId: string): void {
    const { random, apps } = this;
    const count = random.next() < 0.3 ? 1 + Math.floor(random.next() * 5) : 1;
    for (let i = 0; i < count; i++) {
      const request: ToyDecideRequest = {
        requestId: `${requestId}.${i}`,
        campaign: TOY_CAMPAIGNS[Math.floor(random.next() * TOY_CAMPAIGNS.length)]!,
        cost: 1 + Math.floor(random.next() * 3),
        windowMs: 200 + Math.floor(random.next() * 3_000),
      };
      const waits = random.next() < 0.5;
      const ask = (): Promise<void> => {
        const after = waits ? this.tokens.get(user) : undefined;
        return this.decide(user, after === undefined ? request : { ...request, after });
      };
      apps.at(atMs, ask);
      if (random.next() < 0.2) apps.at(atMs, ask);
    }
  }

  private async decide(user: string, request: ToyDecideRequest): Promise<void> {
    const { random, apps } = this;
    const answer = (await apps.insist('user', user, 'decide', request)) as ToyAnswer | undefined;
    if (!answer || answer.capped) return;
    const partition = apps.partition(user);
    const { id, sequence, decision, token, repeated = false } = answer;
    this.decisions.push({ user, partition, request, id, sequence, decision, repeated });
    apps.note(`is told decision ${id} of ${user} at ${partition}:${sequence}`);
    if (token !== undefined) this.tokens.set(user, token);
    if (random.next() < 0.5) {
      // Around the window's end, where the timer is on its way.
      await apps.wait(Math.max(1, request.windowMs * (0.3 + 0.8 * random.next())));
      await apps.publish('user', user, 'accept', `a-${id}`, { decisionId: id });
    }
  }

  /** Without an id of its own a command is not repeatable: asked once, whatever becomes of it. */
  private async raise(): Promise<void> {
    const { random, apps } = this;
    const campaign = TOY_CAMPAIGNS[Math.floor(random.next() * TOY_CAMPAIGNS.length)]!;
    const amount = 1 + Math.floor(random.next() * 5);
    try {
      const { sequence } = (await apps.ask('campaign', campaign, 'raise', { amount })) as { sequence: number };
      this.raises.push({ campaign, partition: apps.partition(campaign), sequence, amount });
    } catch {
      // Whether it was done or not, nothing was promised.
    }
  }
}
