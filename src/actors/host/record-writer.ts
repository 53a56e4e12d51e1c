/**
 * Writes owned records: a tick's records as one group, under the current term. A record is done when it has come back
 * through the owner's own fold, or when it certainly never will: its publish was refused, or a marker published after
 * it has been folded and it was not.
 */
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { compareTerms, type Term } from '../../messages/records.js';
import { parsePartitionSubject, subjects } from '../../messages/subjects.js';
import { THIS_SCHEMA, type DataSchema, type StoredForm } from '../../messages/versions.js';
import type { Applied } from './fold.js';
import type { ActorAddress } from './actor-kind.js';
import type { Journal, JournalMessage, JournalRecord } from './ports.js';
import type { Decoded } from './record-codec.js';

const MARKER_RETRY_MS = 200;

export interface OwnedDraft {
  readonly key: string;
  readonly subject: string;
  readonly body: unknown;
  readonly trace: string | undefined;
  /** Of a decision: then the fold may work on `body` itself, without parsing it again when it comes back. */
  readonly decision?: ActorAddress;
  /** Fields beside `v`, `term` and `key`, for records that are not OwnedRecords (timers). */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Called at most once, and before `settle`: the record stands in the journal, and the fold will certainly apply it. */
  readonly foretell?: ((sequence: number) => void) | undefined;
  /** Called exactly once. `applied` is undefined where the record is known not to count. */
  readonly settle: (applied: Applied | undefined, sequence: number, error: EngineError | undefined) => void;
}

interface Pending {
  readonly draft: OwnedDraft;
  term: Term;
  published: boolean;
  payload: Uint8Array | undefined;
}

/** Records that may come back in another order than they were published, at most, and still be recognised. */
const RECOGNISE_WITHIN = 8;

export class RecordWriter {
  private readonly pending = new Map<string, Pending>();
  private queue: Pending[] = [];
  /** Decisions published and not yet back, in order. */
  private away: Pending[] = [];
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
    private readonly schema: DataSchema = THIS_SCHEMA,
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
    const entry: Pending = { draft, term: this.term, published: false, payload: undefined };
    this.pending.set(draft.key, entry);
    this.queue.push(entry);
    if (!this.flushing) {
      this.flushing = true;
      this.clock.soon(() => this.flush());
    }
  }

  /**
   * A record that is, byte for byte, a decision of ours on its way back: what it was made of, so that it need not be
   * parsed again. Undefined for any other; that one is decoded.
   */
  recognise({ subject, payload }: Pick<JournalRecord, 'subject' | 'payload'>): Decoded | undefined {
    const depth = Math.min(this.away.length, RECOGNISE_WITHIN);
    for (let i = 0; i < depth; i++) {
      const entry = this.away[i]!;
      const { draft, term } = entry;
      if (draft.subject !== subject || Buffer.compare(entry.payload!, payload) !== 0) continue;
      this.away.splice(i, 1);
      return { cls: 'decision', address: draft.decision!, term, key: draft.key, body: draft.body };
    }
    return undefined;
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

  /** Whether somebody would hear what becomes of the record before it is folded. */
  wouldHear(key: string, term: Term): boolean {
    const entry = this.pending.get(key);
    return entry?.draft.foretell !== undefined && entry.published && compareTerms(entry.term, term) === 0;
  }

  /** Told that the record, which waits in the journal, is certain to be applied. */
  foretell(key: string, sequence: number): void {
    this.pending.get(key)?.draft.foretell?.(sequence);
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
    this.away = [];
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
        payload: Buffer.from(JSON.stringify(this.schema.write('marker', { term: [epoch, session] }))),
      };
      const [outcome] = await this.journal.append([marker]);
      if (outcome!.status === 'stored') this.storedSession = session;
      else await new Promise<void>((resolve) => void this.clock.after(MARKER_RETRY_MS, resolve));
    }
    this.marking = false;
  }

  private encode(entry: Pending): JournalMessage {
    const { draft, term } = entry;
    const record = draft.fields
      ? { term, ...draft.fields }
      : { term, key: draft.key, trace: draft.trace, body: draft.body };
    const payload = Buffer.from(JSON.stringify(this.schema.write(formOf(draft.subject), record)));
    // What an older schema has no room for must not be folded here either: others read it from what is stored.
    if (draft.decision !== undefined && this.schema.isNewest) {
      entry.payload = payload;
      this.away.push(entry);
      // What was refused or lost never comes back.
      while (this.away.length > this.pending.size + RECOGNISE_WITHIN) this.away.shift();
    }
    return { subject: draft.subject, payload };
  }
}

function formOf(subject: string): StoredForm {
  const { cls, kind } = parsePartitionSubject(subject)!;
  return (cls === 'control' ? kind : cls) as StoredForm;
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
