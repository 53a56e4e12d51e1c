/**
 * Group commit: every message is a publish of its own whose reply goes to one shared inbox, so a group costs one write
 * to the socket, no promise and no timer per message, and still each acknowledgement is checked.
 */
import { createInbox, errors, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import type { AppendOutcome, JournalMessage } from '../host/ports.js';
import type { NatsLink } from './connection.js';
import { refusal, type AckError } from './nats-errors.js';

/** How long an acknowledgement may take before its outcome is unknown. */
const ACK_TIMEOUT_MS = 2_000;
/** Messages a connection may have in flight; past it they are refused instead of queued. */
const IN_FLIGHT_MAX = 131_072;
const NO_RESPONDERS = 503;

const UNKNOWN: AppendOutcome = { status: 'unknown' };

/** A message with headers the stream obeys, as in `Nats-Expected-Last-Subject-Sequence`. */
export interface ConditionalMessage extends JournalMessage {
  readonly headers?: MsgHdrs;
}

interface Group {
  readonly outcomes: (AppendOutcome | undefined)[];
  readonly deadlineMs: number;
  missing: number;
  readonly resolve: (outcomes: AppendOutcome[]) => void;
}

export interface AckedPublisherOptions {
  readonly ackTimeoutMs?: number;
}

export class AckedPublisher {
  readonly #link: NatsLink;
  readonly #ackTimeoutMs: number;
  readonly #inbox = createInbox();
  /** In order of their deadlines, because all wait equally long. */
  readonly #groups = new Map<number, Group>();
  #lastGroup = 0;
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(link: NatsLink, options: AckedPublisherOptions = {}) {
    this.#link = link;
    this.#ackTimeoutMs = options.ackTimeoutMs ?? ACK_TIMEOUT_MS;
    link.nc.subscribe(`${this.#inbox}.>`, { callback: (_, message) => this.#acknowledge(message) });
    link.watch({ down: () => this.#settleAll() });
  }

  /** See Appender.append. */
  publish(messages: readonly ConditionalMessage[]): Promise<AppendOutcome[]> {
    if (messages.length === 0) return Promise.resolve([]);
    // Nothing has left yet, so these are certain.
    if (!this.#link.up) return all(messages, unavailable('The connection to the journal is down.'));
    if (this.#inFlight + messages.length > IN_FLIGHT_MAX) return all(messages, overloaded);
    return new Promise((resolve) => {
      const id = ++this.#lastGroup;
      const group: Group = {
        outcomes: new Array<AppendOutcome | undefined>(messages.length).fill(undefined),
        deadlineMs: performance.now() + this.#ackTimeoutMs,
        missing: messages.length,
        resolve,
      };
      this.#groups.set(id, group);
      this.#inFlight += messages.length;
      for (let i = 0; i < messages.length; i++) {
        const { subject, payload, headers } = messages[i]!;
        const reply = `${this.#inbox}.${id}.${i}`;
        try {
          this.#link.nc.publish(subject, payload, headers === undefined ? { reply } : { reply, headers });
        } catch (error) {
          this.#settle(id, group, i, unpublished(error));
        }
      }
      this.#arm();
    });
  }

  #acknowledge(message: Msg): void {
    const subject = message.subject;
    const dot = subject.indexOf('.', this.#inbox.length + 1);
    const id = Number(subject.slice(this.#inbox.length + 1, dot));
    const group = this.#groups.get(id);
    // Too late: its outcome was given as unknown.
    if (!group) return;
    this.#settle(id, group, Number(subject.slice(dot + 1)), outcomeOf(message));
  }

  #settle(id: number, group: Group, index: number, outcome: AppendOutcome): void {
    if (group.outcomes[index] !== undefined) return;
    group.outcomes[index] = outcome;
    if (--group.missing === 0) this.#finish(id, group);
  }

  #finish(id: number, group: Group): void {
    this.#groups.delete(id);
    this.#inFlight -= group.outcomes.length;
    group.resolve(group.outcomes.map((outcome) => outcome ?? UNKNOWN));
  }

  /** The connection is gone, for a while or for good: a timer left behind would keep a process that has ended everything. */
  #settleAll(): void {
    for (const [id, group] of this.#groups) this.#finish(id, group);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** One timer for all groups: it looks after the oldest, whose deadline is the first. */
  #arm(): void {
    if (this.#timer !== undefined) return;
    const oldest = this.#groups.values().next();
    if (oldest.done) return;
    const waitMs = Math.max(1, oldest.value.deadlineMs - performance.now());
    // After a pause of the whole process the acknowledgements may lie in the socket, so read that first.
    this.#timer = setTimeout(() => setImmediate(() => this.#expire()), waitMs);
  }

  #expire(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (const [id, group] of this.#groups) {
      if (group.deadlineMs > nowMs) break;
      this.#finish(id, group);
    }
    this.#arm();
  }
}

const all = (messages: readonly JournalMessage[], outcome: AppendOutcome): Promise<AppendOutcome[]> =>
  Promise.resolve(messages.map(() => outcome));

const overloaded: AppendOutcome = {
  status: 'refused',
  code: 'JOURNAL_OVERLOADED',
  message: `More than ${IN_FLIGHT_MAX} messages await their acknowledgement.`,
};

const unavailable = (message: string): AppendOutcome => ({ status: 'refused', code: 'JOURNAL_UNAVAILABLE', message });

function unpublished(error: unknown): AppendOutcome {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof errors.InvalidArgumentError) return { status: 'refused', code: 'RECORD_TOO_LARGE', message };
  if (error instanceof errors.InvalidSubjectError) return { status: 'refused', code: 'SUBJECT_INVALID', message };
  return unavailable(message);
}

interface PubAck {
  readonly seq?: number;
  readonly error?: AckError;
}

function outcomeOf(message: Msg): AppendOutcome {
  if (message.data.length === 0 && message.headers?.code === NO_RESPONDERS) {
    return unavailable('No stream takes records of this subject.');
  }
  let ack: PubAck;
  try {
    ack = message.json<PubAck>();
  } catch {
    return UNKNOWN;
  }
  if (ack.error) return refusal(ack.error);
  return typeof ack.seq === 'number' && ack.seq > 0 ? { status: 'stored', sequence: ack.seq } : UNKNOWN;
}
