/**
 * Writes owned records: a tick's records as one group, under the current term. A record is done when it has come back
 * through the owner's own fold, or when it certainly never will: its publish was refused, or a marker published after
 * it has been folded and it was not.
 */
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { compareTerms, RECORD_VERSION, type Term } from '../../messages/records.js';
import { subjects } from '../../messages/subjects.js';
import type { Applied } from './fold.js';
import type { Journal, JournalMessage } from './ports.js';

const MARKER_RETRY_MS = 200;

export interface OwnedDraft {
  readonly key: string;
  readonly subject: string;
  readonly body: unknown;
  readonly trace: string | undefined;
  /** Fields beside `v`, `term` and `key`, for records that are not OwnedRecords (timers). */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Called exactly once. `applied` is undefined where the record is known not to count. */
  readonly settle: (applied: Applied | undefined, sequence: number, error: EngineError | undefined) => void;
}

interface Pending {
  readonly draft: OwnedDraft;
  term: Term;
  published: boolean;
}

export class RecordWriter {
  private readonly pending = new Map<string, Pending>();
  private queue: Pending[] = [];
  private flushing = false;
  private stopped = false;
  private session = 0;
  private marking = false;
  /** Session of the last marker known to be stored, and the one that is needed to settle what is unknown. */
  private storedSession = 0;
  private wantedSession = 0;

  constructor(
    private readonly clock: Clock,
    private readonly journal: Journal,
    private readonly partition: number,
    private readonly epoch: number,
  ) {}

  get inFlight(): number {
    return this.pending.size;
  }

  get term(): Term {
    return [this.epoch, this.session];
  }

  has(key: string): boolean {
    return this.pending.has(key);
  }

  write(draft: OwnedDraft): void {
    if (this.stopped) {
      draft.settle(undefined, 0, staleOwner());
      return;
    }
    const entry: Pending = { draft, term: this.term, published: false };
    this.pending.set(draft.key, entry);
    this.queue.push(entry);
    if (!this.flushing) {
      this.flushing = true;
      this.clock.soon(() => this.flush());
    }
  }

  /**
   * Told of every folded owned record. Another owner's may have the same key (a repeated command, a timer): what became
   * of that one says nothing about ours.
   */
  folded(key: string, term: Term, applied: Applied, sequence: number): void {
    const entry = this.pending.get(key);
    if (!entry?.published || compareTerms(entry.term, term) !== 0) return;
    this.pending.delete(key);
    entry.draft.settle(applied, sequence, applied.outcome === 'void' ? staleOwner() : undefined);
  }

  /** Told when a marker of this owner was folded: what was published under an older term has not been stored. */
  markerFolded(term: Term): void {
    for (const [key, entry] of this.pending) {
      if (!entry.published || compareTerms(entry.term, term) >= 0) continue;
      this.pending.delete(key);
      entry.draft.settle(undefined, 0, notStored());
    }
  }

  /** Fails everything pending: this owner's tenure is over. What was published may still count; a repeat will tell. */
  stop(): void {
    this.stopped = true;
    const entries = [...this.pending.values()];
    this.pending.clear();
    this.queue = [];
    for (const { draft, published } of entries) draft.settle(undefined, 0, published ? outcomeUnknown() : staleOwner());
  }

  private flush(): void {
    this.flushing = false;
    if (this.stopped) return;
    const group = this.queue;
    this.queue = [];
    for (const entry of group) {
      entry.term = this.term;
      entry.published = true;
    }
    void this.publish(group);
  }

  private async publish(group: readonly Pending[]): Promise<void> {
    const outcomes = await this.journal.append(group.map((entry) => this.encode(entry)));
    if (this.stopped) return;
    outcomes.forEach((outcome, i) => {
      const { draft, term } = group[i]!;
      if (outcome.status === 'unknown') this.wantedSession = Math.max(this.wantedSession, term[1] + 1);
      if (outcome.status !== 'refused' || !this.pending.delete(draft.key)) return;
      draft.settle(undefined, 0, new EngineError('Dependency', outcome.code, outcome.message, { retryAfterMs: 1_000 }));
    });
    if (this.storedSession < this.wantedSession) void this.mark();
  }

  /** Publishes markers, each under a new session, until one above every unknown record is stored; its fold does the rest. */
  private async mark(): Promise<void> {
    if (this.marking) return;
    this.marking = true;
    while (!this.stopped && this.storedSession < this.wantedSession) {
      this.session++;
      const [epoch, session] = this.term;
      const marker: JournalMessage = {
        subject: subjects.control(this.partition, 'marker'),
        payload: Buffer.from(JSON.stringify({ v: RECORD_VERSION, term: [epoch, session] })),
      };
      const [outcome] = await this.journal.append([marker]);
      if (outcome!.status === 'stored') this.storedSession = session;
      else await new Promise<void>((resolve) => void this.clock.after(MARKER_RETRY_MS, resolve));
    }
    this.marking = false;
  }

  private encode({ draft, term }: Pending): JournalMessage {
    const record = draft.fields
      ? { v: RECORD_VERSION, term, ...draft.fields }
      : { v: RECORD_VERSION, term, key: draft.key, trace: draft.trace, body: draft.body };
    return { subject: draft.subject, payload: Buffer.from(JSON.stringify(record)) };
  }
}

const staleOwner = (): EngineError =>
  new EngineError('StaleOwner', 'STALE_OWNER', 'The actor has moved to another host; ask again.', { retryAfterMs: 50 });

const outcomeUnknown = (): EngineError =>
  new EngineError(
    'Dependency',
    'OUTCOME_UNKNOWN',
    'The owner lost its partition before it knew the outcome; a repeat with the same requestId tells.',
    {
      retryAfterMs: 100,
    },
  );

const notStored = (): EngineError =>
  new EngineError('Dependency', 'JOURNAL_TIMEOUT', 'The journal did not store the record; ask again.', {
    retryAfterMs: 100,
  });
