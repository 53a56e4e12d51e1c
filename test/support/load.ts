/**
 * Concurrent clients that behave as apps should: every request carries an id, and is sent again, the same, until it is
 * acknowledged. They write down what they were told, so that a test can hold the engine to it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { DecisionAnswer } from '../../src/messages/decisions.js';
import { decodePosition } from '../../src/messages/tokens.js';
import { eventually } from './eventually.js';
import { cloudEvent, consent, get, pickup, post, type RestAnswer } from './rest.js';

const RETRY_MS = 25;
const DEADLINE_MS = 3_000;
const AT_ONCE = 3;
const RIDE_PAUSE_MS = 5;
const SHOP_PAUSE_MS = 50;
/** With more decisions than a user may have pending, the oldest would be closed, and their holds return to the budget. */
const SHOP_ROUNDS_MAX = 80;
const TWICE_EVERY = 4;

export interface AcknowledgedDecision extends DecisionAnswer {
  readonly user: string;
  /** Sequence that its `after` token named; 0 where it had none. */
  readonly after: number;
}

export interface AcknowledgedEvent {
  readonly user: string;
  readonly id: string;
  readonly type: string;
}

export interface Load {
  readonly decisions: readonly AcknowledgedDecision[];
  readonly events: readonly AcknowledgedEvent[];
  /** Answers that no client should ever get, as text. */
  readonly complaints: readonly string[];
  /** Acknowledgements so far. */
  readonly acknowledged: number;
  /** Attempts that were not acknowledged: refused, cut off, or answered around. */
  readonly retries: number;
  readonly riders: readonly string[];
  readonly shoppers: readonly string[];
  /** Every client ends its round, with all of it acknowledged. */
  finish(): Promise<void>;
}

export interface LoadOptions {
  readonly url: string;
  /** Prefix of its users' ids. */
  readonly name: string;
  readonly riders: number;
  readonly shoppers: number;
}

/** Starts the clients; each user has given consent when this resolves. */
export async function startLoad({ url, name, riders, shoppers }: LoadOptions): Promise<Load> {
  const load = new RunningLoad(url, names(`${name}-rider`, riders), names(`${name}-shopper`, shoppers));
  await Promise.all(
    [...load.riders, ...load.shoppers].map(async (user) => {
      await consent(url, user);
      await eventually(`the consent of ${user} is folded`, async () => {
        return (await get(url, `/v1/users/${user}`)).body.consent?.mode === 'granted';
      });
    }),
  );
  load.start();
  return load;
}

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

class RunningLoad implements Load {
  readonly decisions: AcknowledgedDecision[] = [];
  readonly events: AcknowledgedEvent[] = [];
  readonly complaints: string[] = [];
  retries = 0;
  private finishing = false;
  private clients: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly url: string,
    readonly riders: readonly string[],
    readonly shoppers: readonly string[],
  ) {}

  get acknowledged(): number {
    return this.decisions.length + this.events.length;
  }

  start(): void {
    this.clients = Promise.all([
      ...this.riders.map((user) => this.rounds((round) => this.ride(user, round), RIDE_PAUSE_MS, Infinity)),
      ...this.shoppers.map((user) => this.rounds((round) => this.shop(user, round), SHOP_PAUSE_MS, SHOP_ROUNDS_MAX)),
    ]);
  }

  async finish(): Promise<void> {
    this.finishing = true;
    await this.clients;
  }

  private async rounds(task: (round: number) => Promise<void>, pauseMs: number, max: number): Promise<void> {
    for (let round = 0; round < max && !this.finishing; round++) {
      await task(round);
      await pause(pauseMs);
    }
  }

  private async ride(user: string, round: number): Promise<void> {
    const token = await this.send(user, `${user}-trip-${round}`, 'trip.completed', {});
    const after = decodePosition(token).sequence;
    const request = pickup(user, { requestId: `${user}-pickup-${round}`, after: token, deadlineMs: DEADLINE_MS });
    const answer = await this.decide(user, request, after);
    const [first] = answer.slate;
    await this.send(user, `${user}-accept-${round}`, 'accept', {
      decisionId: answer.decisionId,
      candidateId: first!.id,
    });
  }

  /** Several at once: caps have to hold between decisions that are all on their way. */
  private async shop(user: string, round: number): Promise<void> {
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, i) => {
        const request = {
          surface: 'promo.discount',
          subject: { kind: 'rider', id: user },
          requestId: `${user}-promo-${round}-${i}`,
          deadlineMs: DEADLINE_MS,
        };
        const { decisionId, slate } = await this.decide(user, request, 0);
        const [first] = slate;
        // Every other offer is taken, the rest stay held.
        if (!first || i % 2 === 1) return;
        await this.send(user, `${user}-take-${round}-${i}`, 'accept', { decisionId, candidateId: first.id });
      }),
    );
  }

  private async send(user: string, id: string, type: string, data: Record<string, unknown>): Promise<string> {
    const event = cloudEvent({ id, type, subject: `user/${user}`, data });
    const publish = async (): Promise<string> => {
      const { body } = await this.persist(
        () => post(this.url, '/v1/events', event),
        ({ status }) => status === 202,
      );
      return (body.accepted[0] as { token: string }).token;
    };
    let token = await publish();
    this.events.push({ user, id, type });
    // Some apps send twice, to be sure. And where the journal's identity was out of reach, there was no token to wait for.
    if (this.events.length % TWICE_EVERY === 0 || token === '') token = await publish();
    return token === '' ? this.send(user, id, type, data) : token;
  }

  private async decide(user: string, request: Record<string, unknown>, after: number): Promise<DecisionAnswer> {
    const ask = async (): Promise<DecisionAnswer> => {
      const { body } = await this.persist<DecisionAnswer>(
        () => post<DecisionAnswer>(this.url, '/v1/decisions', request),
        // Answers from the fallback are not the owner's: the app asks again because it wants a counted one.
        (answer) => answer.status === 200 && answer.body.token !== '',
      );
      return body;
    };
    const answer = await ask();
    this.decisions.push({ ...answer, user, after });
    if (this.decisions.length % TWICE_EVERY === 0) {
      const again = await ask();
      if (again.decisionId !== answer.decisionId) {
        this.complaints.push(`${JSON.stringify(request)}: ${answer.decisionId}, and then ${again.decisionId}`);
      }
    }
    return answer;
  }

  private async persist<T = any>(
    attempt: () => Promise<RestAnswer<T>>,
    isAcknowledged: (answer: RestAnswer<T>) => boolean,
  ): Promise<RestAnswer<T>> {
    for (;;) {
      const answer = await attempt();
      if (isAcknowledged(answer)) return answer;
      this.retries++;
      const mayRetry = [0, 200, 429, 503].includes(answer.status);
      if (!mayRetry) this.complaints.push(`${answer.status} ${JSON.stringify(answer.body)}`);
      await pause(RETRY_MS);
    }
  }
}
