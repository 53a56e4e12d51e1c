import { EngineError, type WireError } from '../../kernel/errors.js';
import { partitionOf } from '../../kernel/ids.js';
import type { SeededRandom } from '../../kernel/random.js';
import { subjects } from '../../messages/subjects.js';
import { encodePosition } from '../../messages/tokens.js';
import type { SimulatedProcess, Timeline } from './clock.js';
import { requestActor } from './client.js';
import type { SimulatedConnection } from './connection.js';
import { SimulatedAppender } from './journal.js';
import type { SimulatedServer } from './server.js';
import type { ToyDecideRequest, ToyDecision } from './toy-user.js';

/** An event that the journal has acknowledged. */
export interface AckedEvent {
  readonly partition: number;
  readonly sequence: number;
  readonly user: string;
  readonly id: string;
}

/** A decision that a client has been told. */
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

export interface ViewedActor {
  readonly kind: string;
  readonly token: string;
  readonly state: unknown;
}

/** What clients were promised. */
export interface Ledger {
  readonly events: AckedEvent[];
  readonly decisions: AckedDecision[];
  readonly raises: AckedRaise[];
  /** Requests that never got an answer they could do something with. */
  readonly givenUp: string[];
  /** Answers that should not be: Invariant errors. */
  readonly alarms: string[];
}

export interface WorkloadOptions {
  readonly random: SeededRandom;
  readonly partitions: number;
  readonly users: number;
  /** Actions are drawn until this time. */
  readonly untilMs: number;
  readonly actions: number;
}

const REQUEST_TIMEOUT_MS = 3_000;
const RETRY_MS = 150;
const TRIES_MAX = 200;
export const TOY_CAMPAIGNS = ['promo-a', 'promo-b'] as const;
export const TOY_ZONES = ['zone-0', 'zone-1', 'zone-2'] as const;
export const toyUser = (index: number): string => `user-${index}`;

/** Apps that send events, ask for decisions and raise budgets, and insist until they are answered. */
export class ToyWorkload {
  readonly acked: Ledger = { events: [], decisions: [], raises: [], givenUp: [], alarms: [] };
  private readonly journals: readonly SimulatedAppender[];
  private readonly process: SimulatedProcess;
  /** Last token each user's app was given. */
  private readonly tokens = new Map<string, string>();
  private open = 0;

  constructor(
    private readonly connection: SimulatedConnection,
    private readonly server: SimulatedServer,
    private readonly options: WorkloadOptions,
  ) {
    this.process = connection.process;
    this.journals = server.journals.map((stream) => new SimulatedAppender(connection, stream));
  }

  /** Actions begun and not yet answered for good. */
  get openActions(): number {
    return this.open;
  }

  start(): void {
    const { random, actions, untilMs, users } = this.options;
    for (let index = 0; index < actions; index++) {
      const atMs = untilMs * random.next();
      const user = toyUser(Math.floor(random.next() * users));
      const draw = random.next();
      if (draw < 0.45) this.process.at(atMs, () => this.click(user, `e${index}`));
      else if (draw < 0.92) this.process.at(atMs, () => this.burst(user, `r${index}`));
      else if (draw < 0.95) this.process.at(atMs, () => this.send(user, 'nonsense', `e${index}`, {}));
      else if (draw < 0.97) this.process.at(atMs, () => this.send(user, 'poison', `e${index}`, {}));
      else this.process.at(atMs, () => this.raise());
    }
  }

  /** The state of an actor as its owner has it now. */
  async view(kind: string, token: string): Promise<ViewedActor> {
    const answer = (await this.insist(kind, token, 'view', {})) as { state: unknown } | undefined;
    return { kind, token, state: answer?.state };
  }

  private get timeline(): Timeline {
    return this.server.timeline;
  }

  private partition(token: string): number {
    return partitionOf(token, this.options.partitions);
  }

  /** Some clicks are sent twice under one id, at once or after a while. */
  private click(user: string, id: string): void {
    const { random } = this.options;
    const value = Math.floor(random.next() * 7);
    this.send(user, 'click', id, { value });
    if (random.next() < 0.2) {
      this.process.at(this.timeline.nowMs + 2_000 * random.next() ** 2, () => this.send(user, 'click', id, { value }));
    }
  }

  private send(user: string, type: string, id: string, data: Record<string, unknown>): void {
    void this.track(this.publish(user, type, id, data));
  }

  private async publish(user: string, type: string, id: string, data: Record<string, unknown>): Promise<void> {
    const partition = this.partition(user);
    const event = { specversion: '1.0', id, source: 'app', type, subject: `user/${user}`, data };
    const message = {
      subject: subjects.record(partition, 'event', 'user', user, type),
      payload: Buffer.from(JSON.stringify(event)),
    };
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const [outcome] = await this.journals[partition]!.append([message]);
      if (outcome!.status === 'stored') {
        const { sequence } = outcome as { sequence: number };
        this.acked.events.push({ partition, sequence, user, id });
        this.tokens.set(
          user,
          encodePosition({ partition, sequence, identity: this.server.journals[partition]!.identity }),
        );
        return;
      }
      await this.wait(RETRY_MS);
    }
    this.acked.givenUp.push(`event ${id} of ${user}`);
  }

  /** Several decisions at once, now and then the same one twice. */
  private burst(user: string, requestId: string): void {
    const { random } = this.options;
    const count = random.next() < 0.3 ? 1 + Math.floor(random.next() * 5) : 1;
    for (let i = 0; i < count; i++) {
      const request: ToyDecideRequest = {
        requestId: `${requestId}.${i}`,
        campaign: TOY_CAMPAIGNS[Math.floor(random.next() * TOY_CAMPAIGNS.length)]!,
        cost: 1 + Math.floor(random.next() * 3),
        windowMs: 200 + Math.floor(random.next() * 3_000),
        ...(random.next() < 0.5 && this.tokens.has(user) ? { after: this.tokens.get(user)! } : {}),
      };
      void this.track(this.decide(user, request));
      if (random.next() < 0.2) void this.track(this.decide(user, request));
    }
  }

  private async decide(user: string, request: ToyDecideRequest): Promise<void> {
    const { random } = this.options;
    const answer = (await this.insist('user', user, 'decide', request)) as
      | { id: string; sequence: number; token?: string; decision: ToyDecision; repeated?: boolean; capped?: boolean }
      | undefined;
    if (!answer || answer.capped) return;
    const partition = this.partition(user);
    const { id, sequence, decision, token, repeated = false } = answer;
    this.acked.decisions.push({ user, partition, request, id, sequence, decision, repeated });
    this.timeline.note(this.process.name, `is told decision ${id} of ${user} at ${partition}:${sequence}`);
    if (token !== undefined) this.tokens.set(user, token);
    if (random.next() < 0.5) {
      // Around the window's end, where the timer is on its way.
      await this.wait(Math.max(1, request.windowMs * (0.3 + 0.8 * random.next())));
      await this.publish(user, 'accept', `a-${id}`, { decisionId: id });
    }
  }

  private raise(): void {
    const { random } = this.options;
    const campaign = TOY_CAMPAIGNS[Math.floor(random.next() * TOY_CAMPAIGNS.length)]!;
    const amount = 1 + Math.floor(random.next() * 5);
    // Without an id of its own a command is not repeatable: asked once, whatever becomes of it.
    void this.track(
      this.ask('campaign', campaign, 'raise', { amount }).then(
        (answer) => {
          const { sequence } = answer as { sequence: number };
          this.acked.raises.push({ campaign, partition: this.partition(campaign), sequence, amount });
        },
        () => undefined,
      ),
    );
  }

  private async insist(kind: string, token: string, verb: string, body: unknown): Promise<unknown> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      try {
        return await this.ask(kind, token, verb, body);
      } catch (error) {
        const { code, disposition, message } = error as EngineError;
        // The decision was made, told or not, and the journal has been trimmed since: nothing more to be had.
        if (code === 'RECORD_TRIMMED') return undefined;
        if (disposition !== 'retry') {
          this.acked.alarms.push(`${verb} of ${kind} ${token}: ${code} ${message}`);
          return undefined;
        }
      }
      await this.wait(RETRY_MS);
    }
    this.acked.givenUp.push(`${verb} of ${kind} ${token}`);
    return undefined;
  }

  private async ask(kind: string, token: string, verb: string, body: unknown): Promise<unknown> {
    const subject = subjects.partitionRequest(this.partition(token), kind, token, verb);
    const bytes = await requestActor(this.connection, subject, Buffer.from(JSON.stringify(body)), REQUEST_TIMEOUT_MS);
    const answer = JSON.parse(Buffer.from(bytes).toString('utf8')) as { error?: WireError };
    if (answer.error) throw EngineError.fromWire(answer.error);
    return answer;
  }

  private async track(action: Promise<void>): Promise<void> {
    this.open++;
    await action;
    this.open--;
  }

  private wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.process.clock.after(delayMs, resolve));
  }
}
