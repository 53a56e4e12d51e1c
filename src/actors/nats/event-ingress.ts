/** Takes events to the journals of their actors, grouped per partition, past the server's mappings. */
import { partitionOf } from '../../kernel/ids.js';
import { subjects } from '../../messages/subjects.js';
import { encodePosition } from '../../messages/tokens.js';
import type { AppendOutcome, Journal, JournalMessage, JournalRoom } from '../host/ports.js';

/** One event, already validated. */
export interface IngressEvent {
  /** Who sent it. */
  readonly app: string;
  readonly kind: string;
  readonly token: string;
  readonly type: string;
  readonly payload: Uint8Array;
}

export type IngressOutcome = AppendOutcome & { readonly token?: string };

interface Share {
  readonly indexes: number[];
  readonly messages: JournalMessage[];
}

/** How long an answer about a journal's intake is believed. */
const INTAKE_LOOK_MS = 500;
const CLOSED: AppendOutcome = {
  status: 'refused',
  code: 'JOURNAL_FILLING',
  message: 'The journal is filling and takes no events for now; send this one again later.',
};

const crowded = (app: string): AppendOutcome => ({
  status: 'refused',
  code: 'EVENTS_WAITING',
  message: `Too many events of ${app} wait to be folded in this partition; send this one again later.`,
});

export class JournalEventIngress {
  readonly #journal: (partition: number) => Journal;
  readonly #partitions: number;
  /** Identity of each journal, asked once, and again after a failure: the journal may have been made anew. */
  readonly #identities = new Map<number, Promise<string | undefined>>();
  readonly #rooms = new Map<number, { readonly room: Promise<JournalRoom | undefined>; readonly atMs: number }>();

  constructor(journal: (partition: number) => Journal, partitions: number) {
    this.#journal = journal;
    this.#partitions = partitions;
  }

  /**
   * Publishes the events, in order for each actor; an outcome each, same order, and for those stored a read-your-writes
   * token, unless the journal's identity could not be had. Never rejects.
   */
  async publish(events: readonly IngressEvent[]): Promise<readonly IngressOutcome[]> {
    const outcomes = new Array<IngressOutcome>(events.length);
    const shares = [...this.#share(events)].map(async ([partition, share]) => {
      const [identity, results] = await Promise.all([
        this.#identity(partition),
        this.#journal(partition).append(share.messages),
      ]);
      if (results.some((result) => result.status !== 'stored')) this.#identities.delete(partition);
      // Nobody took them: either there is no journal, or it has shut events out, all of them or the app's.
      // What was known of the room is older than the refusal.
      if (results.some(isFull)) this.#rooms.delete(partition);
      const room = results.some(isShutOut) ? await this.#room(partition) : undefined;
      share.indexes.forEach((index, i) => {
        const refusal = isShutOut(results[i]!) ? refusalOf(room, events[index]!.app) : undefined;
        outcomes[index] = withToken(refusal ?? results[i]!, partition, identity);
      });
    });
    await Promise.all(shares);
    return outcomes;
  }

  #room(partition: number): Promise<JournalRoom | undefined> {
    const nowMs = performance.now();
    const known = this.#rooms.get(partition);
    if (known && nowMs - known.atMs < INTAKE_LOOK_MS) return known.room;
    const room = this.#journal(partition)
      .room()
      .catch(() => undefined);
    this.#rooms.set(partition, { room, atMs: nowMs });
    return room;
  }

  #share(events: readonly IngressEvent[]): Map<number, Share> {
    const shares = new Map<number, Share>();
    events.forEach(({ app, kind, token, type, payload }, index) => {
      const partition = partitionOf(token, this.#partitions);
      let share = shares.get(partition);
      if (!share) shares.set(partition, (share = { indexes: [], messages: [] }));
      share.indexes.push(index);
      share.messages.push({ subject: subjects.record(partition, 'event', app, kind, token, type), payload });
    });
    return shares;
  }

  #identity(partition: number): Promise<string | undefined> {
    let identity = this.#identities.get(partition);
    if (!identity) {
      identity = this.#journal(partition)
        .info()
        .then(
          (info) => info.identity,
          () => {
            this.#identities.delete(partition);
            return undefined;
          },
        );
      this.#identities.set(partition, identity);
    }
    return identity;
  }
}

const isFull = (outcome: AppendOutcome): boolean => outcome.status === 'refused' && outcome.code === 'JOURNAL_FULL';

const isShutOut = (outcome: AppendOutcome): boolean =>
  outcome.status === 'refused' && (outcome.code === 'JOURNAL_UNAVAILABLE' || outcome.code === 'JOURNAL_FULL');

/** Share of its limit from which on a journal that refuses is full of events, and not its disk of something else. */
const FILLED = 0.75;

function refusalOf(room: JournalRoom | undefined, app: string): AppendOutcome | undefined {
  if (room === undefined) return undefined;
  // At its limit before its owner has looked: to the sender it is the same.
  if (room.intake !== 'all' || room.bytes >= FILLED * room.limit) return CLOSED;
  return room.leftOut.includes(app) ? crowded(app) : undefined;
}

function withToken(outcome: AppendOutcome, partition: number, identity: string | undefined): IngressOutcome {
  if (outcome.status !== 'stored' || identity === undefined) return outcome;
  return { ...outcome, token: encodePosition({ identity, partition, sequence: outcome.sequence }) };
}
