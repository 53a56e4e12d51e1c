import { EngineError, type WireError } from '../../kernel/errors.js';
import { DEFAULT_APP, partitionOf } from '../../kernel/ids.js';
import { subjects } from '../../messages/subjects.js';
import { decodePosition, encodePosition } from '../../messages/tokens.js';
import type { SeededRandom } from '../../kernel/random.js';
import type { JournalRecord } from '../host/ports.js';
import { requestActor } from './client.js';
import type { Timeline } from './clock.js';
import type { SimulatedConnection } from './connection.js';
import { CROWD_APP, CROWD_PREFIX } from './crowd.js';
import { SimulatedAppender } from './journal.js';

/** An event that the journal has acknowledged. */
export interface AckedEvent {
  readonly partition: number;
  readonly sequence: number;
  readonly kind: string;
  readonly token: string;
  /** Undefined where it was sent without one. */
  readonly id: string | undefined;
}

/** What the operator was told of a dead letter that was tried again. */
export interface AckedRedrive {
  readonly partition: number;
  readonly sequence: number;
  readonly outcome: string;
}

/** What an app says of an event beside its data. */
export interface Envelope {
  /** Left out, nothing is said, and each time it is sent it counts. */
  readonly id?: string;
  readonly source?: string;
  /** The app's own time, ISO 8601. */
  readonly time?: string;
}

interface Letter {
  readonly at: number;
  readonly body: {
    readonly partition: number;
    readonly sequence: number;
    readonly subject: string;
    readonly payload: string;
  };
}

const REQUEST_TIMEOUT_MS = 3_000;
const RETRY_MS = 150;
const RETRY_MS_MAX = 1_000;
const TRIES_MAX = 200;
/** So many of a flood's events would fill its journal. */
const FLOOD_EVENTS = 40;
const FLOOD_GROUP = 8;
const FLOOD_REFUSALS = 5;

/** Apps that publish events and ask actors, and insist under the same id until they are answered. */
export class Apps {
  /** What they were promised, and what should never have been said to them. */
  readonly events: AckedEvent[] = [];
  readonly redrives: AckedRedrive[] = [];
  readonly givenUp: string[] = [];
  readonly alarms: string[] = [];
  private readonly journals: readonly SimulatedAppender[];
  private open = 0;
  private crowds = 0;

  constructor(
    private readonly connection: SimulatedConnection,
    private readonly partitions: number,
  ) {
    this.journals = connection.server.journals.map((stream) => new SimulatedAppender(connection, stream));
  }

  get timeline(): Timeline {
    return this.connection.timeline;
  }

  /** Actions begun and not yet answered for good. */
  get openActions(): number {
    return this.open;
  }

  partition(token: string): number {
    return partitionOf(token, this.partitions);
  }

  /** What the server's clock says. */
  get wallMs(): number {
    return this.connection.server.wallMs;
  }

  /** Begins an action at `atMs`. */
  at(atMs: number, action: () => Promise<unknown>): void {
    this.connection.process.at(atMs, () => void this.track(action()));
  }

  note(what: string): void {
    this.timeline.note(this.connection.process.name, what);
  }

  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.connection.process.clock.after(delayMs, resolve));
  }

  /** Publishes an event until it is acknowledged; resolves to its token. */
  publish(
    kind: string,
    token: string,
    type: string,
    said: string | Envelope,
    data: Record<string, unknown>,
  ): Promise<string | undefined> {
    const envelope: Envelope = typeof said === 'string' ? { id: said } : said;
    const event = { specversion: '1.0', source: 'app', type, subject: `${kind}/${token}`, ...envelope, data };
    return this.publishRaw(kind, token, type, JSON.stringify(event), envelope.id);
  }

  /** Publishes any payload as an event. */
  async publishRaw(
    kind: string,
    token: string,
    type: string,
    payload: string,
    id?: string,
  ): Promise<string | undefined> {
    const partition = this.partition(token);
    const message = {
      subject: subjects.record(partition, 'event', DEFAULT_APP, kind, token, type),
      payload: Buffer.from(payload),
    };
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const [outcome] = await this.journals[partition]!.append([message]);
      if (outcome!.status === 'stored') {
        const { sequence } = outcome as { sequence: number };
        this.events.push({ partition, sequence, kind, token, id });
        const { identity } = this.connection.server.journals[partition]!;
        return encodePosition({ partition, sequence, identity });
      }
      await this.pause(tries);
    }
    this.givenUp.push(`event ${id} of ${kind} ${token}`);
    return undefined;
  }

  /**
   * Fills a journal with events of a kind that does not exist, as fast as it takes them, until it has refused several in a
   * row: what it refuses is nobody's loss, and what it took is rejected.
   */
  async flood(partition: number): Promise<void> {
    const { process, server } = this.connection;
    const { limit } = server.journals[partition]!;
    process.clock.soon(() => this.note(`floods partition ${partition}`));
    const payload = Buffer.from(JSON.stringify({ pad: 'x'.repeat(Math.floor(limit / FLOOD_EVENTS)) }));
    const subject = subjects.record(partition, 'event', DEFAULT_APP, 'nobody', 'flood', 'x');
    const group = Array.from({ length: FLOOD_GROUP }, () => ({ subject, payload }));
    for (let refused = 0, sent = 0; refused < FLOOD_REFUSALS && sent < FLOOD_EVENTS * 4; sent += FLOOD_GROUP) {
      const outcomes = await this.journals[partition]!.append(group);
      refused = outcomes.every(({ status }) => status !== 'stored') ? refused + 1 : 0;
    }
  }

  /** Another app's users come, all at once, with one event each; what is refused is nobody's loss. */
  async crowd(users: number, type: string): Promise<void> {
    const crowd = ++this.crowds;
    const tokens = Array.from({ length: users }, (_, i) => `${CROWD_PREFIX}${crowd}-${i}`);
    this.note(`sends a crowd of ${users}`);
    await Promise.all(
      this.journals.map(async (journal, partition) => {
        const own = tokens.filter((token) => this.partition(token) === partition);
        const id = `crowd${crowd}`;
        const outcomes = await journal.append(
          own.map((token) => ({
            subject: subjects.record(partition, 'event', CROWD_APP, 'user', token, type),
            payload: Buffer.from(JSON.stringify({ specversion: '1.0', source: 'crowd', id, type, data: {} })),
          })),
        );
        outcomes.forEach((outcome, i) => {
          if (outcome.status !== 'stored') return;
          this.events.push({ partition, sequence: outcome.sequence, kind: 'user', token: own[i]!, id });
        });
      }),
    );
  }

  /** Asks until there is an answer; undefined where asking again cannot help. `expected` codes are no alarm. */
  async insist(
    kind: string,
    token: string,
    verb: string,
    body: unknown,
    expected: readonly string[] = [],
  ): Promise<unknown> {
    const subject = subjects.partitionRequest(this.partition(token), DEFAULT_APP, kind, token, verb);
    return this.insistOn(`${verb} of ${kind} ${token}`, subject, body, expected);
  }

  /** Tries some dead letter again, maybe that of a try that failed; now and then by a double click. */
  redriveAt(atMs: number, random: SeededRandom): void {
    const [draw, isTwice] = [random.next(), random.next() < 0.4];
    this.at(atMs, async () => {
      const { records } = this.connection.server.deadLetters;
      const letter = records[Math.floor(draw * records.length)];
      if (letter) await Promise.all([this.redrive(letter), isTwice ? this.redrive(letter) : undefined]);
    });
  }

  /** Insists on a definite answer, and may so try it more often than it is told. */
  private async redrive({ payload }: Pick<JournalRecord, 'payload'>): Promise<void> {
    const { at: atMs, body } = JSON.parse(Buffer.from(payload).toString('utf8')) as Letter;
    const { partition, sequence } = body;
    const letter = { sequence, subject: body.subject, payload: body.payload, atMs, by: 'operator' };
    const what = `redrive of ${partition}:${sequence}`;
    const answer = await this.insistOn(what, subjects.partitionItself(partition, 'redrive'), letter, []);
    if (answer === undefined) return;
    const { outcome, token } = answer as { outcome: string; token: string };
    this.note(`is told that ${what} was ${outcome}`);
    this.redrives.push({ partition, sequence: decodePosition(token).sequence, outcome });
  }

  private async insistOn(what: string, subject: string, body: unknown, expected: readonly string[]): Promise<unknown> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      try {
        return await this.request(subject, body);
      } catch (error) {
        const { code, disposition, message } = error as EngineError;
        // The decision was made, told or not, and the journal has been trimmed since: nothing more to be had.
        if (code === 'RECORD_TRIMMED' || expected.includes(code)) return undefined;
        if (disposition !== 'retry') {
          this.alarms.push(`${what}: ${code} ${message}`);
          return undefined;
        }
      }
      await this.pause(tries);
    }
    this.givenUp.push(what);
    return undefined;
  }

  /** Asks once; rejects with the answer's error. */
  ask(kind: string, token: string, verb: string, body: unknown): Promise<unknown> {
    return this.request(subjects.partitionRequest(this.partition(token), DEFAULT_APP, kind, token, verb), body);
  }

  private async request(subject: string, body: unknown): Promise<unknown> {
    const bytes = await requestActor(this.connection, subject, Buffer.from(JSON.stringify(body)), REQUEST_TIMEOUT_MS);
    const answer = JSON.parse(Buffer.from(bytes).toString('utf8')) as { error?: WireError };
    if (answer.error) throw EngineError.fromWire(answer.error);
    return answer;
  }

  private pause(tries: number): Promise<void> {
    return this.wait(Math.min(RETRY_MS * 1.5 ** tries, RETRY_MS_MAX));
  }

  private async track(action: Promise<unknown>): Promise<void> {
    this.open++;
    try {
      await action;
    } finally {
      this.open--;
    }
  }
}
