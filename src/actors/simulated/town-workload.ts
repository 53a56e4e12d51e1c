import type { SeededRandom } from '../../kernel/random.js';
import type { CampaignLedger } from '../../messages/campaigns.js';
import type { DecisionAnswer, DecisionRequest } from '../../messages/decisions.js';
import { decodePosition } from '../../messages/tokens.js';
import type { Apps } from './apps.js';
import type { Violation } from './checks.js';
import type { Replay } from './replay.js';
import type { Scenario, Workload, WorkloadOptions } from './scenario.js';
import { brokenMoney, checkTown } from './town-checks.js';
import { TOWN_CAMPAIGNS, type DoneCommand, type ToldDecision, type TownPromises } from './town-promises.js';
import { TOWN_CAST, TOWN_PICKUP, TOWN_PROMO, townSettings } from './town.js';

const PLACES = [
  { lat: 40.7484, lng: -73.9857 },
  { lat: 40.7061, lng: -74.0087 },
  { lat: 40.6413, lng: -73.7781 },
] as const;

/** The engine's own users, zones and campaigns. */
export const TOWN_SCENARIO: Scenario<CampaignLedger> = {
  name: 'town',
  cast: TOWN_CAST,
  settings: townSettings,
  invariant: brokenMoney,
  // A campaign with partitions that wait for money looks after it again and again.
  restful: false,
  workload: (options) => new TownWorkload(options),
};

class TownWorkload implements Workload<CampaignLedger>, TownPromises {
  readonly apps: Apps;
  readonly decisions: ToldDecision[] = [];
  readonly commands: DoneCommand[] = [];
  private readonly random: SeededRandom;
  private readonly users: readonly string[];
  private readonly tokens = new Map<string, string>();
  private nextId = 0;

  constructor(private readonly options: WorkloadOptions) {
    this.apps = options.apps;
    this.random = options.random;
    this.users = Array.from({ length: 2 + Math.floor(4 * this.random.next()) }, (_, index) => `rider-${index}`);
  }

  get acknowledged(): number {
    return this.apps.events.length + this.decisions.length + this.commands.length;
  }

  start(): void {
    const { random, apps, options } = this;
    for (const campaign of TOWN_CAMPAIGNS) apps.at(100 * random.next(), () => this.run(campaign));
    for (const user of this.users) {
      if (random.next() < 0.8) this.send(500 * random.next(), user, 'consent.granted', {});
      if (random.next() < 0.2) this.send(options.untilMs * random.next(), user, 'consent.withdrawn', {});
    }
    const actions = 50 + Math.floor(random.next() * 60);
    for (let index = 0; index < actions; index++) {
      const atMs = options.untilMs * random.next();
      const user = this.pick(this.users);
      const draw = random.next();
      if (draw < 0.2) this.send(atMs, user, 'pickup', this.pick(PLACES));
      else if (draw < 0.3) this.send(atMs, user, this.pick(['driver.online', 'driver.offline']), this.pick(PLACES));
      else this.ask(atMs, user);
    }
  }

  /** Public views are no states; those are compared where hosts have stored them. */
  look(): Promise<[]> {
    return Promise.resolve([]);
  }

  check(replays: readonly Replay<CampaignLedger>[]): Violation[] {
    return checkTown(replays, this);
  }

  /** Some events are sent twice under one id. */
  private send(atMs: number, user: string, type: string, data: Record<string, unknown>): void {
    const id = `e${this.nextId++}`;
    const publish = async (): Promise<void> => {
      const token = await this.apps.publish('user', user, type, id, data);
      if (token !== undefined) this.tokens.set(user, token);
    };
    this.apps.at(atMs, publish);
    if (this.random.next() < 0.2) this.apps.at(atMs + 1_500 * this.random.next(), publish);
  }

  private ask(atMs: number, user: string): void {
    const { random } = this;
    const count = random.next() < 0.3 ? 2 + Math.floor(4 * random.next()) : 1;
    for (let i = 0; i < count; i++) {
      const waits = random.next() < 0.5;
      const request: DecisionRequest = {
        ...this.question(),
        requestId: `r${this.nextId++}`,
        ...(random.next() < 0.3 ? { sessionId: `s${Math.floor(3 * random.next())}` } : {}),
      };
      const repeats = random.next() < 0.2;
      this.apps.at(atMs, async () => {
        const after = waits ? this.tokens.get(user) : undefined;
        const full = after === undefined ? request : { ...request, after };
        await Promise.all([this.decide(user, full), repeats ? this.decide(user, full) : undefined]);
      });
    }
  }

  private question(): DecisionRequest {
    const { random } = this;
    if (random.next() < 0.5) return { surface: TOWN_PROMO, context: {} };
    const candidates = ['door-a', 'door-b', 'corner'].map((id) => ({
      id,
      features: { near: Math.floor(3 * random.next()) },
      nonPersonal: true,
    }));
    return { surface: TOWN_PICKUP, context: {}, candidates };
  }

  private async decide(user: string, request: DecisionRequest): Promise<void> {
    const { random, apps } = this;
    const answer = (await apps.insist('user', user, 'decide', request)) as DecisionAnswer | undefined;
    if (!answer) return;
    const { partition, sequence } = decodePosition(answer.token);
    const id = answer.decisionId;
    this.decisions.push({ user, request, id, partition, sequence });
    apps.note(`is told decision ${id} of ${user} at ${partition}:${sequence}`);
    this.tokens.set(user, answer.token);
    const [first] = answer.slate;
    if (!first) return;
    const data = { decisionId: id, candidateId: first.id };
    if (random.next() < 0.7) await apps.publish('user', user, 'impression', `i-${id}`, data);
    const draw = random.next();
    if (draw > 0.8) return;
    // Often around the end of the offer, where its hold is on its way back.
    await apps.wait(draw < 0.4 ? 1_100 * random.next() : 200 * random.next());
    await apps.publish('user', user, draw < 0.6 ? 'accept' : 'skip', `a-${id}`, data);
  }

  private async run(campaign: string): Promise<void> {
    const { random, apps, options } = this;
    const definition = {
      name: campaign,
      surface: TOWN_PROMO,
      budgetCents: 20 + Math.floor(40 * random.next()),
      offerValidMs: 1_000,
      offers: [
        { id: `${campaign}-small`, costCents: 3 },
        { id: `${campaign}-large`, costCents: 5 },
      ],
    };
    await this.command(campaign, 'define', definition);
    await this.command(campaign, 'launch', {});
    await apps.wait(options.untilMs * 0.4 * random.next());
    if (random.next() < 0.5) {
      await this.command(campaign, 'raise-budget', {
        budgetCents: definition.budgetCents + Math.ceil(30 * random.next()),
      });
    }
    await apps.wait(options.untilMs * 0.4 * random.next());
    if (random.next() < 0.3) await this.command(campaign, 'end', {});
  }

  /** Insists under one commandId. A campaign that is exhausted meanwhile may refuse. */
  private async command(campaign: string, name: string, payload: unknown): Promise<void> {
    const commandId = `c${this.nextId++}`;
    const body = { name, by: 'town', why: 'simulation', payload, commandId };
    const answer = (await this.apps.insist('campaign', campaign, 'command', body, ['CAMPAIGN_STATE'])) as
      { sequence: number } | undefined;
    if (!answer) return;
    this.commands.push({ campaign, partition: this.apps.partition(campaign), sequence: answer.sequence, commandId });
  }

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random.next() * from.length)]!;
  }
}
