/**
 * What the fold will make of a record that still waits behind others. Of what waits only the records of the same actor, of
 * the partition as a whole and of what all its actors share can make a difference. The actor's own are folded on a copy of
 * it, by the fold's own code, and nothing of that is kept. So an answer need not wait for a flood of events of somebody
 * else's users, and says nothing that the fold will not say in its turn.
 */
import { parsePartitionSubject } from '../../messages/subjects.js';
import type { Build, DataSchema } from '../../messages/versions.js';
import { Activation, keyOf } from './activation.js';
import type { ActorKind, SharedState } from './actor-kind.js';
import { EventTable } from './event-table.js';
import { PartitionFold } from './fold.js';
import { freshCounters, type PartitionState } from './partition-state.js';
import type { JournalRecord } from './ports.js';
import type { Protections } from './protections.js';
import { decodeRecord, type Decoded } from './record-codec.js';
import { Redriven } from './redriven.js';
import { TimerIndex } from './timer-index.js';

/** What has been folded is forgotten once there is so much more of it than of what waits. */
const PASSED_MAX = 256;
/** Of one actor's waiting records so many are folded for one answer: a decision behind more of them waits for its turn. */
const FOLDED_AT_ONCE = 64;

export interface ForesightOptions<Shared> {
  readonly partition: number;
  readonly identity: string;
  readonly kinds: ReadonlyMap<string, ActorKind<unknown, Shared, never>>;
  readonly shared: SharedState<Shared>;
  readonly build: Build;
  readonly schema: DataSchema;
  readonly protections: Protections;
  /** The fold's own, at whatever record it is. */
  readonly state: () => PartitionState<Shared>;
  /** The actor as the fold has left it, if it is in memory. */
  readonly activation: (key: string) => Activation | undefined;
  /** What has come behind the sequence, in order, and may not be folded yet. */
  readonly waiting: (after: number) => Iterable<JournalRecord>;
  /** Whether a verdict says that the record is passed over. */
  readonly isCondemned: (sequence: number) => boolean;
}

/** A record that waits, and fold time as the record before it leaves it. */
interface Waiting {
  readonly record: JournalRecord;
  readonly foldTimeMs: number;
}

/** An actor as it will be once the fold has come to a record. */
interface Ahead {
  readonly activation: Activation;
  sequence: number;
  /** The record of which only the fold can tell what it makes, and so of all behind it; 0 where there is none. */
  end: number;
}

export class Foresight<Shared> {
  /** By actor, in order: all records between what is folded and `read`, and some older ones. */
  private readonly lanes = new Map<string, Waiting[]>();
  private readonly ahead = new Map<string, Ahead>();
  private read = 0;
  /** Records in the lanes, of which the first are folded already. */
  private held = 0;
  private lastFoldTimeMs = 0;
  /** The last record that concerns the partition as a whole, and the last that says something to what is shared. */
  private lastControl = 0;
  private lastToShared = 0;
  /** Whether the fold under way may look at what is shared. */
  private mayLook = false;
  private readonly kinds: ReadonlyMap<string, ActorKind<unknown, Shared, never>>;

  constructor(private readonly options: ForesightOptions<Shared>) {
    this.kinds = new Map([...options.kinds].map(([name, kind]) => [name, this.watched(kind)]));
  }

  /**
   * Whether the fold will certainly apply an owned record that waits. Told of such records in their order, of those that
   * have just come; false also where that cannot be known yet.
   */
  isCertain(record: JournalRecord, decoded: Extract<Decoded, { cls: 'decision' | 'command' }>): boolean {
    this.readOn();
    const { sequence: folded } = this.options.state();
    if (this.lastControl > folded) return false;
    const key = keyOf(decoded.address);
    const ahead = this.aheadOf(key, folded);
    if (!ahead || ahead.end > 0) return false;
    let outcome: string | undefined;
    let folds = 0;
    for (const waiting of this.lanes.get(key) ?? []) {
      const { sequence } = waiting.record;
      if (sequence <= ahead.sequence) continue;
      if (++folds > FOLDED_AT_ONCE) return false;
      outcome = this.fold(waiting, ahead.activation, waiting.record === record ? decoded : undefined);
      if (outcome === undefined) {
        ahead.end = sequence;
        return false;
      }
      ahead.sequence = sequence;
    }
    return ahead.sequence === record.sequence && outcome === 'applied';
  }

  private aheadOf(key: string, folded: number): Ahead | undefined {
    const known = this.ahead.get(key);
    if (known && Math.max(known.sequence, known.end) > folded) return known;
    const activation = this.options.activation(key);
    if (!activation || activation.sequence > folded) return undefined;
    const ahead = { activation: copyOf(activation), sequence: folded, end: 0 };
    this.ahead.set(key, ahead);
    return ahead;
  }

  /** Its outcome; undefined where only the fold can tell. */
  private fold({ record, foldTimeMs }: Waiting, activation: Activation, known?: Decoded): string | undefined {
    const { options, kinds } = this;
    const { partition, identity, build, protections, schema } = options;
    if (options.isCondemned(record.sequence)) return undefined;
    const state: PartitionState<Shared> = {
      ...options.state(),
      foldTimeMs,
      redriven: new Redriven(),
      watermarks: new Map(),
      chains: new Map(),
      counters: freshCounters(),
    };
    const shared = UNCHANGED as unknown as SharedState<Shared>;
    const fold = new PartitionFold({ partition, identity, kinds, shared, build, protections }, state, new TimerIndex());
    try {
      const decoded = known ?? decodeRecord(record, schema);
      // Whether an output counts is said by the places of others before it.
      if (decoded.cls === 'output') return undefined;
      this.mayLook = decoded.cls === 'decision' && this.suffices(state, decoded.body);
      return fold.apply(record, decoded, activation).outcome;
    } catch {
      // Where it is the record that makes no sense, the fold will say so in its turn.
      return undefined;
    }
  }

  /** Whether a decision will find of what is shared all it takes, whatever is folded before it. */
  private suffices({ sequence, shared }: PartitionState<Shared>, body: unknown): boolean {
    return this.lastToShared <= sequence && (this.options.shared.suffices?.(shared, body) ?? false);
  }

  /** The kind; its folds do not get to see what may be another by their turn. */
  private watched(kind: ActorKind<unknown, Shared, never>): ActorKind<unknown, Shared, never> {
    const look = (shared: Shared): Shared => {
      if (!this.mayLook) throw new Error('what is shared is known only in its turn');
      return shared;
    };
    return {
      ...kind,
      fold: (state, record, ctx) =>
        kind.fold(state, record, {
          ...ctx,
          get shared(): Shared {
            return look(ctx.shared);
          },
        }),
    };
  }

  private readOn(): void {
    const { sequence, foldTimeMs } = this.options.state();
    if (this.read < sequence || this.held > PASSED_MAX + 2 * (this.read - sequence)) this.forget();
    if (this.read < sequence) {
      this.read = sequence;
      this.lastFoldTimeMs = foldTimeMs;
    }
    for (const record of this.options.waiting(this.read)) this.take(record);
  }

  /** Keeps nothing of what is folded; what still waits is read anew when it is asked for. */
  forget(): void {
    if (this.read === 0) return;
    this.lanes.clear();
    this.held = 0;
    this.read = 0;
    this.lastControl = this.lastToShared = 0;
    const { sequence } = this.options.state();
    for (const [key, { sequence: to, end }] of this.ahead) if (Math.max(to, end) <= sequence) this.ahead.delete(key);
  }

  private take(record: JournalRecord): void {
    const { cls, kind = '', token = '' } = parsePartitionSubject(record.subject) ?? {};
    this.read = record.sequence;
    if (cls === undefined || cls === 'control') this.lastControl = record.sequence;
    else if (this.options.kinds.has(kind)) {
      const key = `${kind}.${token}`;
      const lane = this.lanes.get(key);
      if (lane) lane.push({ record, foldTimeMs: this.lastFoldTimeMs });
      else this.lanes.set(key, [{ record, foldTimeMs: this.lastFoldTimeMs }]);
      this.held++;
    } else if (cls === 'output') this.lastToShared = record.sequence;
    this.lastFoldTimeMs = Math.max(this.lastFoldTimeMs, record.timestampMs);
  }
}

/** What actors do to what is shared happens in its turn. */
const UNCHANGED: Pick<SharedState<unknown>, 'apply'> = { apply: (shared) => ({ shared, effects: [] }) };

/** One whose changes the original does not notice. */
function copyOf(activation: Activation): Activation {
  const { key, address, state, seen } = activation;
  return Object.assign(new Activation(key, address, state), activation, {
    seen: seen && EventTable.load(seen.save()),
    traces: undefined,
  });
}
