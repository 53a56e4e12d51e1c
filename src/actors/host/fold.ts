/**
 * The fold: one journal record at a time, in journal order, onto a partition's state and its actors. No I/O and no
 * clock; whatever it computes, any host computes again from the same journal. It either applies a record whole or
 * throws and has changed nothing.
 */
import { ENGINE_APP, partitionOf } from '../../kernel/ids.js';
import type { InboundEvent } from '../../messages/events.js';
import { compareTerms, type Chain, type Term } from '../../messages/records.js';
import { subjects } from '../../messages/subjects.js';
import { THIS_BUILD, type Build } from '../../messages/versions.js';
import type { Activation } from './activation.js';
import type { ActorAddress, ActorKind, ActorRecord, Effect, Folded, FoldOutcome, SharedState } from './actor-kind.js';
import { eventHash, EventTable, secondsOf, type EventHash, type Standing } from './event-table.js';
import { comparePlaces, type ChainPlace, type PartitionState } from './partition-state.js';
import type { JournalRecord } from './ports.js';
import type { Protections } from './protections.js';
import type { Decoded, DecodedEvent, Original } from './record-codec.js';
import type { TimerIndex } from './timer-index.js';

/** An output with its place in the chain to its target, ready to publish. */
export interface Output {
  /** `p<N>`, `x` (experience) or `d` (dead letters). */
  readonly target: string;
  readonly subject: string;
  readonly chain: Chain;
  readonly atMs: number;
  /** The body's JSON. */
  readonly json: string;
}

export type AppliedOutcome = FoldOutcome | 'void' | 'duplicate' | 'stale' | 'gap' | 'poison';

export interface Applied {
  readonly outcome: AppliedOutcome;
  readonly reason: string | undefined;
  readonly outputs: readonly Output[];
  /** The actor whose state changed. */
  readonly changed: Activation | undefined;
}

/** What dead letters carry: enough to understand the record and to drive it again. */
export interface DeadLetter {
  readonly partition: number;
  readonly sequence: number;
  readonly subject: string;
  /** base64 of the payload, cut at 64 KiB: the whole of it is in the journal until that is trimmed. */
  readonly payload: string;
  readonly truncated: boolean;
  readonly kind: 'rejected' | 'poison';
  readonly reason: string;
}

const DEAD_LETTER_PAYLOAD_BYTES_MAX = 64 * 1024;
/**
 * Bodies of outputs, below what a journal takes of one record and nats-server of one message. An output that nobody
 * would ever take could not be acknowledged, and nothing of the partition after it either.
 */
const JOURNALED_BODY_BYTES_MAX = 256 * 1024;
const OUTPUT_BODY_BYTES_MAX = 960 * 1024;
const NO_OUTPUTS: readonly Output[] = [];
const NO_EFFECTS: readonly Effect[] = [];
const NO_PLACE: ChainPlace = [0, 0];

type AnyKind<Shared> = ActorKind<unknown, Shared, never>;

export interface FoldOptions<Shared> {
  readonly partition: number;
  /** Identity of this partition's journal. */
  readonly identity: string;
  readonly kinds: ReadonlyMap<string, AnyKind<Shared>>;
  readonly shared: SharedState<Shared>;
  /** This one, where left out. */
  readonly build?: Build;
  readonly protections: Protections;
}

/** An event that its actor's kind is not asked about. */
interface Rejected {
  readonly type: 'rejected';
  readonly reason: string;
}

type Draft = Pick<Output, 'target' | 'subject' | 'json'>;

export class PartitionFold<Shared> {
  constructor(
    private readonly options: FoldOptions<Shared>,
    readonly state: PartitionState<Shared>,
    readonly timers: TimerIndex,
  ) {}

  /** The actor that must be active for `apply`, if any. */
  static addressOf(decoded: Decoded): ActorAddress | undefined {
    switch (decoded.cls) {
      case 'event':
      case 'decision':
      case 'command':
      case 'timer':
      case 'output':
        return decoded.address;
      case 'redrive':
        return PartitionFold.addressOf(decoded.inner);
      default:
        return undefined;
    }
  }

  /** Throws if the record is poison; nothing has changed then. */
  apply(record: JournalRecord, decoded: Decoded, activation: Activation | undefined): Applied {
    const atMs = Math.max(this.state.foldTimeMs, record.timestampMs);
    const applied = this.dispatch(record, decoded, activation, atMs, undefined);
    this.advance(record, atMs);
    return applied;
  }

  /** Obeys a verdict: the record is passed over and copied to the dead letters. `chain` is the output's, if it is one. */
  skip(record: JournalRecord, chain: Chain | undefined, reason: string): Applied {
    const atMs = Math.max(this.state.foldTimeMs, record.timestampMs);
    if (chain && this.chainPlace(chain) === 'next') this.acceptChain(chain);
    const outputs = this.emit(record.sequence, atMs, [this.deadLetter(record, 'poison', reason)]);
    this.state.counters.poisoned++;
    this.advance(record, atMs);
    return { outcome: 'poison', reason, outputs, changed: undefined };
  }

  private advance(record: JournalRecord, atMs: number): void {
    this.state.sequence = record.sequence;
    this.state.foldTimeMs = atMs;
    this.state.counters.folded++;
  }

  private dispatch(
    record: JournalRecord,
    decoded: Decoded,
    activation: Activation | undefined,
    atMs: number,
    original: Original | undefined,
  ): Applied {
    const { state } = this;
    const redriven = original !== undefined;
    switch (decoded.cls) {
      case 'event':
        return this.foldEvent(record, decoded, need(activation), atMs, original);
      case 'decision':
      case 'command':
        if (!redriven && !this.isCurrent(decoded.term)) return this.voided();
        return this.foldActor(record, need(activation), { type: decoded.cls, body: decoded.body }, atMs);
      case 'timer': {
        if (!redriven && !this.isCurrent(decoded.term)) return this.voided();
        const actor = need(activation);
        const isNew = actor.sequence < record.sequence;
        const stale = decoded.generation !== actor.timerGeneration;
        if (isNew && stale && this.options.protections.timerGeneration) {
          state.counters.timersStale++;
          return outcome('stale');
        }
        const timer: ActorRecord = { type: 'timer', dueMs: decoded.due };
        const applied = this.foldActor(record, actor, timer, Math.max(atMs, decoded.due));
        if (isNew) state.counters.timers++;
        return applied;
      }
      case 'output': {
        if (!redriven && this.options.protections.watermark) {
          const place = this.chainPlace(decoded.chain);
          if (place !== 'next') {
            state.counters.outputsRepeated++;
            return outcome(place === 'past' ? 'duplicate' : 'gap');
          }
        }
        const applied = decoded.address
          ? this.foldActor(
              record,
              need(activation),
              { type: 'output', name: decoded.name, from: decoded.chain.p, body: decoded.body },
              atMs,
            )
          : this.foldShared(record, decoded.name, decoded.body, atMs);
        if (!redriven) this.acceptChain(decoded.chain);
        state.counters.outputsIn++;
        return applied;
      }
      case 'barrier':
        if (decoded.record.term[0] <= state.term[0]) return this.voided();
        state.term = [decoded.record.term[0], 0];
        state.settings = decoded.record.settings;
        if (state.idKey === '') state.idKey = decoded.record.idKey;
        state.semantics = Math.max(state.semantics, decoded.record.semantics);
        return outcome('applied');
      case 'marker':
        if (decoded.term[0] !== state.term[0] || decoded.term[1] <= state.term[1]) return this.voided();
        state.term = decoded.term;
        return outcome('applied');
      case 'verdict':
        return outcome(this.isCurrent(decoded.record.term) ? 'applied' : 'void');
      case 'redrive':
        return this.isCurrent(decoded.record.term) ? this.redrive(record, decoded, activation, atMs) : this.voided();
      case 'foreign':
        state.counters.foreign++;
        return { ...outcome('ignored'), reason: decoded.reason };
      case 'malformed':
        state.counters.rejected++;
        return {
          outcome: 'rejected',
          reason: decoded.reason,
          outputs: this.emit(record.sequence, atMs, [this.deadLetter(record, 'rejected', decoded.reason)]),
          changed: undefined,
        };
    }
  }

  /** The rules in force; without the protection, whatever this build knows. */
  private get semantics(): number {
    return this.options.protections.semantics ? this.state.semantics : (this.options.build ?? THIS_BUILD).semantics;
  }

  private isCurrent(term: Term): boolean {
    if (!this.options.protections.barrier) return true;
    return compareTerms(term, this.state.term) === 0;
  }

  private voided(): Applied {
    this.state.counters.voided++;
    return outcome('void');
  }

  /**
   * A dead letter tried again counts once, whatever it is for and by whichever of its letters: what is remembered is the
   * innermost original, and only once it has been applied.
   */
  private redrive(
    record: JournalRecord,
    { inner, original }: Extract<Decoded, { cls: 'redrive' }>,
    activation: Activation | undefined,
    atMs: number,
  ): Applied {
    const { redriven, counters } = this.state;
    const standing = this.options.protections.redrive ? redriven.standing(original.sequence) : 'new';
    if (standing === 'repeat') {
      counters.duplicates++;
      return outcome('duplicate');
    }
    if (standing === 'unknown') {
      counters.rejected++;
      return { ...outcome('rejected'), reason: 'REDRIVE_TOO_OLD_TO_KNOW: it may have been tried again already' };
    }
    // Where the snapshot has this record, what became of it then is in its trace.
    const isNew = !activation || activation.sequence < record.sequence;
    const applied = this.dispatch(record, inner, activation, atMs, original);
    if (isNew && applied.outcome === 'applied') {
      redriven.add(original.sequence);
      activation?.markRedriven(record.sequence, original.sequence);
    }
    return applied;
  }

  private foldEvent(
    record: JournalRecord,
    decoded: DecodedEvent,
    activation: Activation,
    atMs: number,
    original: Original | undefined,
  ): Applied {
    if (activation.sequence >= record.sequence) return this.refold(record, activation, atMs);
    const { state, options } = this;
    const { pastMaxMs, futureMaxMs, dedupePerActor } = state.settings.events;
    const firstFoldedMs = original?.atMs ?? atMs;
    const { timeMs: saidMs, type } = decoded;
    const isAhead = saidMs !== undefined && saidMs > firstFoldedMs + futureMaxMs;
    // A time that is too far ahead would never make room for others again.
    const timed = saidMs !== undefined && !isAhead;
    const ownMs = timed ? saidMs : firstFoldedMs;
    const seconds = secondsOf(ownMs);
    const hash = decoded.id === '' ? undefined : eventHash(state.idKey, decoded.app, decoded.source, decoded.id);
    const standing = hash === undefined ? 'new' : this.standing(activation, hash, seconds, timed);
    if (standing === 'repeat') {
      state.counters.duplicates++;
      return outcome('duplicate');
    }
    const kind = options.kinds.get(activation.address.kind);
    const refuse = (reason: string): Applied => {
      const refused = this.foldActor(record, activation, { type: 'rejected', reason }, atMs);
      state.counters.events++;
      return refused;
    };
    if (isAhead && !kind?.countsWhenever?.(type)) {
      return refuse(`EVENT_IN_FUTURE: time is more than ${futureMaxMs} ms ahead of this engine`);
    }
    const isTooOld = standing === 'unknown' || ownMs < firstFoldedMs - pastMaxMs;
    if (isTooOld && !kind?.isIdempotent?.(type)) {
      const refused = refuse(tooOldToKnow(seconds, activation));
      state.counters.tooOld++;
      return refused;
    }
    const event: InboundEvent = {
      source: decoded.source,
      id: decoded.id === '' ? `${options.partition}-${original?.sequence ?? record.sequence}` : decoded.id,
      type,
      timeMs: Math.min(Math.max(saidMs ?? firstFoldedMs, atMs - pastMaxMs), atMs + futureMaxMs),
      saidMs: options.protections.ownTimes ? saidMs : undefined,
      firstFoldedMs,
      data: decoded.data,
    };
    const applied = this.foldActor(record, activation, { type: 'event', event }, atMs);
    state.counters.events++;
    // What was rejected has had no effect: mended, it may yet have one.
    if (hash !== undefined && standing === 'new' && applied.outcome !== 'rejected') {
      (activation.seen ??= new EventTable()).add(hash, seconds, dedupePerActor);
      activation.touchedSequence = record.sequence;
    }
    return applied;
  }

  /** The floor is about times that were said: what says none has arrived just now, and is new unless it is in the table. */
  private standing({ seen }: Activation, hash: EventHash, seconds: number, timed: boolean): Standing {
    if (seen === undefined || !this.options.protections.repeats) return 'new';
    const standing = seen.standing(hash, seconds);
    return standing === 'unknown' && !(timed && this.options.protections.eventFloor) ? 'new' : standing;
  }

  private foldActor(
    record: JournalRecord,
    activation: Activation,
    actorRecord: ActorRecord | Rejected,
    atMs: number,
  ): Applied {
    if (activation.sequence >= record.sequence) return this.refold(record, activation, atMs);
    const { state } = this;
    const kind = this.options.kinds.get(activation.address.kind);
    if (!kind) throw new Error(`no kind ${activation.address.kind} is registered`);
    const folded: Folded<unknown> =
      actorRecord.type === 'rejected'
        ? { state: activation.state, outcome: 'rejected', reason: actorRecord.reason, effects: NO_EFFECTS }
        : kind.fold(activation.state, actorRecord, {
            address: activation.address,
            partition: this.options.partition,
            sequence: record.sequence,
            atMs,
            settings: state.settings,
            semantics: this.semantics,
            shared: state.shared,
          });
    const drafts: Draft[] = [];
    const operations: unknown[] = [];
    if (folded.outcome === 'rejected') drafts.push(this.deadLetter(record, 'rejected', folded.reason ?? 'rejected'));
    const effects = effectsOf(folded.outcome, folded.effects);
    for (const effect of effects) {
      if (effect.to === 'shared') operations.push(effect.op);
      else drafts.push(this.draft(effect));
    }
    const own = drafts.length;
    const { shared, drafts: more } = this.operate(record.sequence, operations, atMs);
    const timerDue = folded.outcome === 'applied' ? kind.timer(folded.state) : undefined;

    // Nothing below throws: the record is applied whole.
    state.shared = shared;
    if (folded.outcome === 'refused') state.counters.refused++;
    if (folded.outcome === 'rejected') state.counters.rejected++;
    activation.sequence = record.sequence;
    const timerDueBefore = activation.timerDue;
    if (timerDue !== undefined) {
      activation.state = folded.state;
      activation.timerDue = timerDue;
    } else if (actorRecord.type === 'timer') {
      activation.timerDue = 0;
    }
    // A fired timer is over, whatever its fold made of it: the next one is another generation. It is named after the
    // record that armed it, since a count would start anew in an actor that was vacant and left memory in between.
    if (activation.timerDue !== timerDueBefore || actorRecord.type === 'timer') {
      activation.timerGeneration = record.sequence;
      this.timers.set(activation.key, activation.timerDue, activation.timerGeneration);
    }
    activation.touchedSequence = record.sequence;
    if (own > 0 || operations.length > 0) {
      (activation.traces ??= []).push([record.sequence, countByTarget(drafts), operations]);
    }
    return {
      outcome: folded.outcome,
      reason: folded.reason,
      outputs: this.emit(record.sequence, atMs, more.length > 0 ? [...drafts, ...more] : drafts),
      changed: activation,
    };
  }

  /** The snapshot already has this record: only what it caused elsewhere is done again, from the trace. */
  private refold(record: JournalRecord, activation: Activation, atMs: number): Applied {
    const { state } = this;
    this.timers.set(activation.key, activation.timerDue, activation.timerGeneration);
    const trace = activation.traces?.find(([sequence]) => sequence === record.sequence);
    // The world may not have heard of it: whoever saved the snapshot has perhaps died before it was broadcast.
    if (!trace) return { ...outcome('applied'), changed: activation };
    const [, counts, operations, original] = trace;
    if (original !== undefined) state.redriven.add(original);
    const { shared, drafts } = this.operate(record.sequence, operations, atMs);
    state.shared = shared;
    for (const [target, count] of Object.entries(counts)) {
      const last = state.chains.get(target);
      const index = last && last[0] === record.sequence ? last[1] + count : count - 1;
      state.chains.set(target, [record.sequence, index]);
    }
    return {
      outcome: 'applied',
      reason: undefined,
      outputs: this.emit(record.sequence, atMs, drafts),
      changed: activation,
    };
  }

  private foldShared(record: JournalRecord, name: string, body: unknown, atMs: number): Applied {
    const ctx = {
      partition: this.options.partition,
      sequence: record.sequence,
      atMs,
      settings: this.state.settings,
      semantics: this.semantics,
    };
    const { shared, effects } = this.options.shared.apply(this.state.shared, name, body, ctx);
    const drafts = effects.map((effect) => this.draft(effect));
    this.state.shared = shared;
    return {
      outcome: 'applied',
      reason: undefined,
      outputs: this.emit(record.sequence, atMs, drafts),
      changed: undefined,
    };
  }

  private operate(sequence: number, operations: readonly unknown[], atMs: number): { shared: Shared; drafts: Draft[] } {
    let { shared } = this.state;
    const drafts: Draft[] = [];
    if (operations.length === 0) return { shared, drafts };
    const { settings } = this.state;
    const ctx = { partition: this.options.partition, sequence, atMs, settings, semantics: this.semantics };
    for (const op of operations) {
      const result = this.options.shared.apply(shared, 'op', op, ctx);
      shared = result.shared;
      for (const effect of result.effects) drafts.push(this.draft(effect));
    }
    return { shared, drafts };
  }

  private draft(effect: Effect): Draft {
    const { partitions } = this.state.settings;
    switch (effect.to) {
      case 'actor': {
        const partition = partitionOf(effect.address.token, partitions);
        const { kind, token } = effect.address;
        return draftOf(
          `p${partition}`,
          subjects.record(partition, 'output', ENGINE_APP, kind, token, effect.name),
          effect.body,
        );
      }
      case 'partition':
        return draftOf(`p${effect.partition}`, subjects.partitionOutput(effect.partition, effect.name), effect.body);
      case 'experience':
        return draftOf('x', subjects.experience(effect.surface), effect.body);
      case 'shared':
        throw new Error('a shared operation cannot cause another one');
    }
  }

  private deadLetter(record: JournalRecord, kind: DeadLetter['kind'], reason: string): Draft {
    const truncated = record.payload.length > DEAD_LETTER_PAYLOAD_BYTES_MAX;
    const kept = truncated ? record.payload.subarray(0, DEAD_LETTER_PAYLOAD_BYTES_MAX) : record.payload;
    const body: DeadLetter = {
      partition: this.options.partition,
      sequence: record.sequence,
      subject: record.subject,
      payload: Buffer.from(kept).toString('base64'),
      truncated,
      kind,
      reason,
    };
    return draftOf('d', subjects.deadLetter(this.options.partition, record.sequence), body);
  }

  /** Gives drafts their places in the chains, in order. */
  private emit(sequence: number, atMs: number, drafts: readonly Draft[]): readonly Output[] {
    if (drafts.length === 0) return NO_OUTPUTS;
    const { chains } = this.state;
    return drafts.map(({ target, subject, json }) => {
      const prev = chains.get(target) ?? ([0, 0] as const);
      const place: ChainPlace = [sequence, prev[0] === sequence ? prev[1] + 1 : 0];
      chains.set(target, place);
      const chain: Chain = {
        p: this.options.partition,
        src: this.options.identity,
        seq: place[0],
        idx: place[1],
        prev: [prev[0], prev[1]],
      };
      return { target, subject, chain, atMs, json };
    });
  }

  private chainPlace(chain: Chain): 'past' | 'next' | 'ahead' {
    const watermark = this.state.watermarks.get(sourceOf(chain));
    if (!watermark && this.state.adopting) return 'next';
    const at = watermark ?? NO_PLACE;
    if (comparePlaces([chain.seq, chain.idx], at) <= 0) return 'past';
    // A predecessor below the watermark cannot be missing: that source was rebuilt from a journal without its beginning.
    return comparePlaces(chain.prev, at) <= 0 ? 'next' : 'ahead';
  }

  private acceptChain(chain: Chain): void {
    this.state.watermarks.set(sourceOf(chain), [chain.seq, chain.idx]);
  }
}

const sourceOf = (chain: Chain): string => `${chain.p}:${chain.src}`;

/** Throws if the output is larger than its target takes: the record that causes it is then poison. */
function draftOf(target: string, subject: string, body: unknown): Draft {
  const json = JSON.stringify(body) ?? 'null';
  const max = target.startsWith('p') ? JOURNALED_BODY_BYTES_MAX : OUTPUT_BODY_BYTES_MAX;
  // No character takes more than three bytes, so most need not be counted.
  if (3 * json.length > max && Buffer.byteLength(json) > max) {
    throw new Error(`it causes an output of more than ${max} bytes on ${subject}`);
  }
  return { target, subject, json };
}

function tooOldToKnow(seconds: number, { seen }: Activation): string {
  const why =
    seen && seen.floor >= seconds
      ? `its actor knows repeats of what is later than ${seen.floor}, and it is of ${seconds} (seconds)`
      : `it is of ${seconds} (seconds), longer ago than fold.events.pastMaxMs`;
  return `EVENT_TOO_OLD_TO_KNOW: ${why}`;
}

function outcome(result: AppliedOutcome): Applied {
  return { outcome: result, reason: undefined, outputs: NO_OUTPUTS, changed: undefined };
}

function effectsOf(result: FoldOutcome, effects: readonly Effect[]): readonly Effect[] {
  if (result === 'applied') return effects;
  if (result === 'refused') return effects.filter((effect) => effect.to === 'experience');
  return NO_EFFECTS;
}

function countByTarget(drafts: readonly Draft[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { target } of drafts) counts[target] = (counts[target] ?? 0) + 1;
  return counts;
}

function need(activation: Activation | undefined): Activation {
  if (!activation) throw new Error('the actor of this record is not active');
  return activation;
}
