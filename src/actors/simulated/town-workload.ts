import type { SeededRandom } from '../../kernel/random.js';
import type { CampaignLedger } from '../../messages/campaigns.js';
import type { ConsentAnswer } from '../../messages/consent.js';
import type { DecisionAnswer, DecisionRequest } from '../../messages/decisions.js';
import { isConsentType, type ConsentType } from '../../messages/events.js';
import { decodePosition } from '../../messages/tokens.js';
import type { Apps, Envelope } from './apps.js';
import type { Violation } from './checks.js';
import type { Replay } from './replay.js';
import type { Scenario, Workload, WorkloadOptions } from './scenario.js';
import { brokenMoney, checkTown } from './town-checks.js';
import { TownOwners } from './town-owners.js';
import { TOWN_CAMPAIGNS, type ToldConsent, type ToldDecision, type TownPromises } from './town-promises.js';
import { TOWN_CAST, TOWN_PICKUP, TOWN_PROMO, townSettings } from './town.js';

const PLACES = [
  { lat: 40.7484, lng: -73.9857 },
  { lat: 40.7061, lng: -74.0087 },
  { lat: 40.6413, lng: -73.7781 },
] as const;
/** Apps that share ids, of which each counts by its source. */
const SOURCES = ['app', 'phone'] as const;
const PURPOSES = [['personalization'], ['marketing'], ['personalization', 'marketing'], undefined] as const;
/** What is sent as an event and is none. */
const NO_EVENTS = ['nonsense', '[]', '7', '{"specversion":"1.0","source":"app","data":5}', '{"lat":999}'] as const;

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

/** What an event of consent says beside its envelope. */
interface ConsentData {
  readonly purposes?: readonly string[];
}

class TownWorkload implements Workload<CampaignLedger>, TownPromises {
  readonly apps: Apps;
  readonly decisions: ToldDecision[] = [];
  readonly consents: ToldConsent[] = [];
  private readonly random: SeededRandom;
  private readonly users: readonly string[];
  private readonly owners: TownOwners;
  private readonly tokens = new Map<string, string>();
  private nextId = 0;

  constructor(private readonly options: WorkloadOptions) {
    this.apps = options.apps;
    this.random = options.random;
    this.users = Array.from({ length: 2 + Math.floor(4 * this.random.next()) }, (_, index) => `rider-${index}`);
    this.owners = new TownOwners(this.apps, this.random, options.untilMs);
  }

  get commands(): TownPromises['commands'] {
    return this.owners.commands;
  }

  get acknowledged(): number {
    return this.apps.events.length + this.decisions.length + this.consents.length + this.commands.length;
  }

  start(): void {
    const { random, apps, options } = this;
    for (const campaign of TOWN_CAMPAIGNS) apps.at(100 * random.next(), () => this.owners.run(campaign));
    for (const user of this.users) {
      if (random.next() < 0.8) this.send(500 * random.next(), user, 'consent.granted', {});
      if (random.next() < 0.4) this.consent(options.untilMs * random.next(), user, 'consent.granted');
      if (random.next() < 0.3) this.consent(options.untilMs * random.next(), user, 'consent.withdrawn');
    }
    for (let left = Math.floor(10 * random.next()); left > 0; left--)
      apps.redriveAt(options.untilMs * random.next(), random);
    const actions = 50 + Math.floor(random.next() * 60);
    for (let index = 0; index < actions; index++) {
      const atMs = options.untilMs * random.next();
      const user = this.pick(this.users);
      const draw = random.next();
      if (draw < 0.2) this.send(atMs, user, 'pickup', this.pick(PLACES));
      else if (draw < 0.3)
        this.send(atMs, user, this.pick(['driver.online', 'driver.moved', 'driver.offline']), this.pick(PLACES));
      else if (draw < 0.33) apps.at(atMs, () => apps.publishRaw('user', user, 'pickup', this.pick(NO_EVENTS)));
      else this.ask(atMs, user);
    }
    for (const { atMs, users } of options.crowd?.floods ?? []) {
      apps.at(atMs, () => apps.crowd(users, 'consent.granted'));
    }
  }

  /** Public views are no states; those are compared where hosts have stored them. */
  look(): Promise<[]> {
    return Promise.resolve([]);
  }

  check(replays: readonly Replay<CampaignLedger>[]): Violation[] {
    return checkTown(replays, this);
  }

  private consent(atMs: number, user: string, type: string): void {
    const purposes = this.pick(PURPOSES);
    this.send(atMs, user, type, purposes === undefined ? {} : { purposes });
  }

  /** Some events are sent twice under one id. */
  private send(atMs: number, user: string, type: string, data: Record<string, unknown>): void {
    const { random, apps } = this;
    const envelope = this.envelope(atMs);
    const publish = async (): Promise<void> => {
      const token = await apps.publish('user', user, type, envelope, data);
      if (token === undefined) return;
      this.tokens.set(user, token);
      if (isConsentType(type)) await this.hear(user, type, token, { ...envelope, ...data });
    };
    apps.at(atMs, publish);
    if (random.next() < 0.2) apps.at(atMs + 1_500 * random.next(), publish);
  }

  /** Asks what became of a change of consent. */
  private async hear(user: string, type: ConsentType, after: string, said: Envelope & ConsentData): Promise<void> {
    const { time, purposes } = said;
    const { partition, sequence } = decodePosition(after);
    const change = { type, sequence, ...(time === undefined ? {} : { time }), ...(purposes ? { purposes } : {}) };
    const answer = await this.apps.insist('user', user, 'consent', { after, changes: [change] });
    if (answer === undefined) return;
    const [outcomes] = (answer as ConsentAnswer).outcomes;
    this.consents.push({ user, type, partition, sequence, outcomes: outcomes! });
  }

  /** An id of its own, or the last one from another app, or none; and a time of its own, late or early, or none. */
  private envelope(atMs: number): Envelope {
    const { random, apps } = this;
    const reuses = this.nextId > 0 && random.next() < 0.1;
    const id = random.next() < 0.1 ? {} : { id: `e${reuses ? this.nextId - 1 : this.nextId++}` };
    const source = this.pick(SOURCES);
    if (random.next() < 0.5) return { ...id, source };
    const offMs = random.next() < 0.8 ? -20_000 * random.next() ** 3 : 2_000 * random.next();
    return { ...id, source, time: new Date(apps.wallMs + atMs + offMs).toISOString() };
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
    if (random.next() < 0.5) return { surface: TOWN_PROMO, context: {}, ...(random.next() < 0.5 ? { k: 2 } : {}) };
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
    if (answer.slate.length === 0) return;
    const about = (): Record<string, unknown> => ({ decisionId: id, candidateId: this.pick(answer.slate).id });
    const tell = (type: string, of: Record<string, unknown>): Promise<unknown> =>
      apps.publish('user', user, type, this.envelope(apps.timeline.nowMs), of);
    if (random.next() < 0.7) await tell('impression', about());
    if (random.next() < 0.2) await tell('click', about());
    const draw = random.next();
    if (draw > 0.8) return;
    // Often around the end of the offer, where its hold is on its way back; now and then twice.
    await apps.wait(draw < 0.4 ? 1_600 * random.next() : 200 * random.next());
    await tell(draw < 0.6 ? 'accept' : 'skip', about());
    if (random.next() < 0.3) await tell('accept', about());
    if (random.next() < 0.2) {
      await apps.wait(2_500 * random.next());
      await tell(this.pick(['click', 'accept', 'skip']), about());
    }
  }

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random.next() * from.length)]!;
  }
}
