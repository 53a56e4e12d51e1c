/**
 * One tenure over one partition: load the checkpoint, replay the journal's suffix, fence older owners with a barrier,
 * and from its own barrier on fold, answer, fire timers, publish outputs and move the checkpoint.
 *
 * opening → replaying → serving → releasing → stopped; or refused, where the stored state contradicts the journal.
 */
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { RECORD_VERSION, redriveSchema } from '../../messages/records.js';
import type { FoldSettings } from '../../messages/settings.js';
import { subjects } from '../../messages/subjects.js';
import { encodePosition } from '../../messages/tokens.js';
import { addressOfKey, type Activation } from './activation.js';
import { ActivationStore, type PassivationReason } from './activation-store.js';
import type { ActorAddress, ActorKind, SharedState } from './actor-kind.js';
import { Checkpointer, loadCheckpoint } from './checkpointer.js';
import { PartitionFold, type Applied, type AppliedOutcome } from './fold.js';
import type { HostLimits } from './limits.js';
import { OutputPublisher } from './output-publisher.js';
import { freshPartitionState, type PartitionCounters } from './partition-state.js';
import type { Cluster, Journal, JournalInfo, JournalReader, JournalRecord, RequestEnvelope } from './ports.js';
import type { Protections } from './protections.js';
import { decodeRecord, type Decoded } from './record-codec.js';
import { RecordWriter } from './record-writer.js';
import { RequestDesk } from './request-desk.js';
import { fingerprintOf, type Position } from './snapshot-codec.js';
import { TimerIndex, type DueTimer } from './timer-index.js';
import { VerdictBook } from './verdict-book.js';
import { answerRequest } from './wire-request.js';

export type OwnerPhase = 'opening' | 'replaying' | 'serving' | 'releasing' | 'stopped' | 'refused';

const BATCH = 64;
const RETRY_MS = 100;
const SWEEP_MS = 5_000;

export interface OwnerLog {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
}

export interface RedriveResult {
  readonly outcome: AppliedOutcome;
  readonly token: string;
}

const redriveRequestSchema = redriveSchema.unwrap().pick({ sequence: true, subject: true, payload: true, by: true });

export interface PartitionOwnerOptions<Shared> {
  readonly partition: number;
  readonly epoch: number;
  readonly hostId: string;
  readonly cluster: Cluster;
  readonly kinds: ReadonlyMap<string, ActorKind<never, Shared, never>>;
  readonly createShared: () => SharedState<Shared>;
  readonly services: unknown;
  readonly settings: FoldSettings;
  readonly limits: HostLimits;
  readonly clock: Clock;
  readonly nonce: () => string;
  readonly log: OwnerLog;
  readonly protections: Protections;
  /** Whether the lease is certainly still ours, by our own monotonic clock. */
  readonly leaseHeld: () => boolean;
  /** Lowest sequence that a reader outside the host (facts) still needs; Infinity where there is none. */
  readonly trimFloor: (partition: number) => number;
  /** Called once when the tenure ends by itself: superseded, lease lost, refused, journal gone. */
  readonly onEnd: (reason: string) => void;
}

export interface OwnerStatus {
  readonly partition: number;
  readonly phase: OwnerPhase;
  readonly epoch: number;
  readonly sequence: number;
  /** Records behind the journal's tail. */
  readonly lag: number;
  readonly checkpoint: number;
  readonly activations: number;
  readonly dirty: number;
  readonly requests: number;
  readonly recordsInFlight: number;
  readonly outputsUnacknowledged: number;
  readonly timers: number;
  readonly passivations: Readonly<Record<PassivationReason, number>>;
  readonly counters: Readonly<PartitionCounters>;
  readonly reason: string | undefined;
}

export class PartitionOwner<Shared> {
  phase: OwnerPhase = 'opening';
  private reason: string | undefined;
  private readonly journal: Journal;
  private readonly publisher: OutputPublisher;
  private readonly writer: RecordWriter;
  private readonly shared: SharedState<Shared>;
  private readonly verdicts = new VerdictBook();
  private fold!: PartitionFold<Shared>;
  private store!: ActivationStore;
  private desk!: RequestDesk<Shared>;
  private checkpointer!: Checkpointer<Shared>;
  private info!: JournalInfo;
  private reader: JournalReader | undefined;
  private stopServing: (() => void) | undefined;
  private readonly cancels = new Map<string, () => void>();

  private queue: JournalRecord[] = [];
  private head = 0;
  private pumping = false;
  /** Reading goes on after this sequence once the buffer has drained. */
  private pausedAfter: number | undefined;
  private last: { subject: string; payload: Uint8Array } | undefined;
  private fingerprint = { sequence: 0, value: '' };
  private foldedAtMonotonicMs = 0;
  private tailSequence = 0;
  private poison: number[] = [];
  private readonly toBroadcast = new Set<Activation>();
  private broadcasting = false;
  private sweeping = false;
  private opened: { resolve: () => void; reject: (error: unknown) => void } | undefined;

  constructor(private readonly options: PartitionOwnerOptions<Shared>) {
    const { cluster, partition, clock, epoch } = options;
    this.journal = cluster.journal(partition);
    this.shared = options.createShared();
    this.publisher = new OutputPublisher(clock, (target) => {
      if (target === 'x') return cluster.experience;
      if (target === 'd') return cluster.deadLetters;
      return cluster.journal(Number(target.slice(1)));
    });
    this.writer = new RecordWriter(clock, this.journal, partition, epoch);
  }

  /** Resolves once requests are served; rejects if the partition is refused or the tenure ends before. */
  async open(): Promise<void> {
    try {
      await this.load();
    } catch (error) {
      this.fail(error);
      throw error;
    }
    if (this.ended) throw staleOwner();
    const served = new Promise<void>((resolve, reject) => (this.opened = { resolve, reject }));
    this.phase = 'replaying';
    this.startReading(this.fold.state.sequence + 1);
    void this.raiseBarrier();
    return served;
  }

  /** The reply's body; rejects with EngineErrors. */
  request(address: ActorAddress, verb: string, body: unknown, trace?: string): Promise<unknown> {
    if (this.phase !== 'serving') return Promise.reject(staleOwner());
    return this.desk.request(address, verb, body, trace);
  }

  /** Graceful end: no new requests, what is in flight is settled, the checkpoint is moved to the last folded record. */
  async release(): Promise<void> {
    if (this.phase !== 'serving') return this.stop('released');
    this.phase = 'releasing';
    this.stopServing?.();
    const { clock, limits } = this.options;
    const deadline = clock.monotonicMs() + limits.releaseMs;
    while (this.live && this.writer.inFlight > 0 && clock.monotonicMs() < deadline) await this.pause(10);
    try {
      if (this.live) await this.within(limits.releaseMs, this.checkpointer.run());
    } catch (error) {
      this.options.log.warn('checkpoint before release failed', this.fields({ error: String(error) }));
    }
    this.stop('released');
  }

  /** Ends the tenure now. Idempotent. */
  stop(reason: string): void {
    if (this.ended) return;
    this.end('stopped', reason);
  }

  /** Tries a dead letter again, under a new sequence; resolves to the fold's outcome and the new position's token. */
  redrive(letter: { sequence: number; subject: string; payload: string }, by: string): Promise<RedriveResult> {
    const { partition, nonce } = this.options;
    if (this.phase !== 'serving') return Promise.reject(staleOwner());
    const key = nonce();
    const { identity } = this.info;
    return new Promise((resolve, reject) => {
      this.writer.write({
        key,
        subject: subjects.control(partition, 'redrive'),
        body: undefined,
        trace: undefined,
        fields: { key, ...letter, by },
        settle: (applied, sequence, error) => {
          if (error) reject(error);
          else
            resolve({ outcome: applied?.outcome ?? 'void', token: encodePosition({ partition, sequence, identity }) });
        },
      });
    });
  }

  status(): OwnerStatus {
    const state = this.fold?.state;
    return {
      partition: this.options.partition,
      phase: this.phase,
      epoch: this.options.epoch,
      sequence: state?.sequence ?? 0,
      lag: Math.max(0, this.tailSequence - (state?.sequence ?? 0)),
      checkpoint: this.checkpointer?.sequence ?? 0,
      activations: this.store?.size ?? 0,
      dirty: this.store?.dirtyCount ?? 0,
      requests: this.desk?.openRequests ?? 0,
      recordsInFlight: this.writer.inFlight,
      outputsUnacknowledged: this.publisher.unacknowledged,
      timers: this.fold?.timers.size ?? 0,
      passivations: this.store?.passivations ?? { idle: 0, 'least-recently-used': 0, released: 0, 'stepped-down': 0 },
      counters: state ? { ...state.counters } : ({} as PartitionCounters),
      reason: this.reason,
    };
  }

  private get ended(): boolean {
    return this.phase === 'stopped' || this.phase === 'refused';
  }

  private get live(): boolean {
    return !this.ended;
  }

  // ---- opening ----------------------------------------------------------------------------------------------------

  private async load(): Promise<void> {
    const { cluster, partition, epoch, protections, clock, limits } = this.options;
    const snapshots = cluster.snapshots(partition);
    this.info = await this.journal.info();
    const loaded = await loadCheckpoint(snapshots, this.shared);
    if (loaded && loaded.epoch > epoch) throw staleOwner();
    const { checkpoint } = loaded ?? {};
    if (checkpoint) await this.verify(checkpoint.position);
    this.tailSequence = this.info.lastSequence;
    const sequence = checkpoint?.position.sequence ?? 0;
    const control = await this.journal.control(sequence + 1);
    this.verdicts.read(checkpoint?.state.term ?? [0, 0], control);
    // Records before the very first barrier are folded under that barrier's settings, by every host alike.
    const settings = checkpoint?.state.settings ?? this.verdicts.firstSettings ?? this.options.settings;
    const state = checkpoint?.state ?? freshPartitionState(settings, this.shared.create());
    const timers = new TimerIndex();
    for (const [key, due, generation] of checkpoint?.timers ?? []) timers.set(key, due, generation);
    this.fingerprint = { sequence, value: checkpoint?.position.fingerprint ?? '' };
    const kinds = this.options.kinds as unknown as ReadonlyMap<string, ActorKind<unknown, Shared, never>>;
    const { identity } = this.info;
    this.fold = new PartitionFold({ partition, identity, kinds, shared: this.shared, protections }, state, timers);
    const position = (): Position => this.position();
    const acknowledged = (s: number): Promise<void> => this.publisher.acknowledged(s);
    this.store = new ActivationStore({
      snapshots,
      kinds: kinds as unknown as ReadonlyMap<string, ActorKind<unknown, never, never>>,
      clock,
      protections,
      epoch,
      identity,
      position,
      tail: () => Math.max(this.tailSequence, this.fold.state.sequence),
      acknowledged,
    });
    this.desk = new RequestDesk({
      partition,
      identity,
      kinds,
      shared: this.shared,
      services: this.options.services,
      fold: this.fold,
      store: this.store,
      writer: this.writer,
      journal: this.journal,
      clock,
      limits,
      protections,
      nonce: this.options.nonce,
      nowMs: () => this.nowMs(),
      assertServing: () => this.assertServing(),
    });
    this.checkpointer = new Checkpointer({
      snapshots,
      store: this.store,
      fold: this.fold,
      epoch,
      protections,
      position,
      acknowledged,
      revision: loaded?.revision ?? 0,
      marks: checkpoint?.marks ?? [],
      sequence,
    });
  }

  /** A checkpoint must be of this journal, not ahead of it, and agree with the record it ends on. */
  private async verify(position: Position): Promise<void> {
    if (position.identity !== this.info.identity)
      throw refusal('CHECKPOINT_OF_ANOTHER_JOURNAL', 'the journal was made anew');
    if (position.sequence > this.info.lastSequence) {
      throw refusal(
        'CHECKPOINT_AHEAD_OF_JOURNAL',
        `it covers ${position.sequence}, the journal ends at ${this.info.lastSequence}`,
      );
    }
    if (position.sequence === 0 || position.sequence < this.info.firstSequence) return;
    const record = await this.journal.get(position.sequence);
    if (record && fingerprintOf(record.subject, record.payload) !== position.fingerprint) {
      throw refusal('CHECKPOINT_DISAGREES', `record ${position.sequence} is not the one it was taken at`);
    }
  }

  private async raiseBarrier(): Promise<void> {
    const { partition, epoch, hostId, settings } = this.options;
    const payload = Buffer.from(JSON.stringify({ v: RECORD_VERSION, term: [epoch, 0], host: hostId, settings }));
    while (this.phase === 'replaying') {
      const [outcome] = await this.journal.append([{ subject: subjects.control(partition, 'barrier'), payload }]);
      // A second barrier of the same epoch is void, so trying again is safe.
      if (outcome!.status === 'stored') return;
      await this.pause(RETRY_MS);
    }
  }

  private startServing(): void {
    const { partition, cluster, limits, log } = this.options;
    this.phase = 'serving';
    this.stopServing = cluster.requests.serve(partition, (request) => this.serve(request));
    this.every('checkpoint', limits.checkpointEveryMs, () => this.checkpoint());
    this.every('sweep', SWEEP_MS, () => this.sweep());
    this.armTimers();
    log.info('partition is served', this.fields({ sequence: this.fold.state.sequence }));
    this.opened?.resolve();
    this.opened = undefined;
  }

  private serve(request: RequestEnvelope): Promise<Uint8Array> {
    return answerRequest(request, {
      actor: (address, verb, body, trace) => this.request(address, verb, body, trace),
      partition: async (verb, body) => {
        if (verb !== 'redrive') throw new EngineError('NotFound', 'VERB_UNKNOWN', `A partition does not know ${verb}.`);
        const { sequence, subject, payload, by } = redriveRequestSchema.parse(body);
        return this.redrive({ sequence, subject, payload }, by);
      },
    });
  }

  // ---- folding ----------------------------------------------------------------------------------------------------

  private startReading(from: number): void {
    this.reader = this.journal.read(
      from,
      (record) => this.arrived(record),
      (error) => this.fail(error),
    );
  }

  private arrived(record: JournalRecord): void {
    if (this.ended || this.pausedAfter !== undefined) return;
    this.queue.push(record);
    this.tailSequence = Math.max(this.tailSequence, record.sequence + record.pending);
    if (this.queue.length - this.head >= this.options.limits.readAheadRecordsMax) {
      this.pausedAfter = record.sequence;
      this.reader?.stop();
    }
    if (!this.pumping) {
      this.pumping = true;
      void this.pump();
    }
  }

  private async pump(): Promise<void> {
    try {
      while (this.live && this.head < this.queue.length) {
        await this.backPressure();
        const records = this.queue.slice(this.head, this.head + BATCH);
        this.head += records.length;
        if (this.head >= this.queue.length) {
          this.queue = [];
          this.head = 0;
        } else if (this.head > 4_096) {
          this.queue = this.queue.slice(this.head);
          this.head = 0;
        }
        await this.foldBatch(records);
        if (this.head < this.queue.length) await this.yield();
      }
    } catch (error) {
      this.fail(error);
    }
    this.pumping = false;
    if (this.live && this.pausedAfter !== undefined && this.queue.length === 0) {
      const from = this.pausedAfter + 1;
      this.pausedAfter = undefined;
      this.startReading(from);
    }
  }

  private async backPressure(): Promise<void> {
    const { limits } = this.options;
    while (this.live && this.publisher.unacknowledged > limits.outputsUnacknowledgedMax) await this.pause(5);
    while (
      this.live &&
      this.phase === 'serving' &&
      this.fold.state.sequence - this.checkpointer.sequence > limits.checkpointLagRecordsMax
    ) {
      await this.checkpoint();
      if (this.fold.state.sequence - this.checkpointer.sequence > limits.checkpointLagRecordsMax)
        await this.pause(RETRY_MS);
    }
  }

  private async foldBatch(records: readonly JournalRecord[]): Promise<void> {
    const decoded = records.map((record) => this.decode(record));
    await this.activateFor(decoded);
    for (let i = 0; i < records.length && this.live; i++) {
      const waiting = this.foldOne(records[i]!, decoded[i]!);
      if (waiting) await waiting;
    }
    if (!this.live) return;
    this.desk.progressed(this.fold.state.sequence);
    this.armTimers();
    this.scheduleBroadcast();
    const { sequence } = this.fold.state;
    if (
      this.phase === 'serving' &&
      sequence - this.checkpointer.sequence > this.options.limits.checkpointEveryRecords
    ) {
      void this.checkpoint();
    }
  }

  private decode(record: JournalRecord): Decoded | Error {
    try {
      return decodeRecord(record);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  private async activateFor(decoded: readonly (Decoded | Error)[]): Promise<void> {
    let loads: Promise<unknown>[] | undefined;
    for (const record of decoded) {
      const address = record instanceof Error ? undefined : PartitionFold.addressOf(record);
      if (!address) continue;
      const activated = this.activateSurely(address);
      if (activated instanceof Promise) (loads ??= []).push(activated);
    }
    if (loads) await Promise.all(loads);
  }

  /** The fold cannot go on without the actor: an unreachable store is waited for. */
  private activateSurely(address: ActorAddress): Activation | Promise<Activation> {
    const activated = this.store.activate(address);
    if (!(activated instanceof Promise)) return activated;
    return activated.catch(async (error: unknown) => {
      if (!this.live || !(error instanceof EngineError) || error.family !== 'Dependency') throw error;
      await this.pause(RETRY_MS);
      return this.activateSurely(address);
    });
  }

  /** Synchronous but for poison and for actors that were passivated within the batch. */
  private foldOne(record: JournalRecord, decoded: Decoded | Error): void | Promise<void> {
    const verdict = this.verdicts.get(record.sequence);
    if (verdict !== undefined) return this.skip(record, decoded, verdict);
    if (decoded instanceof Error) return this.condemn(record, decoded, decoded.message);
    const address = PartitionFold.addressOf(decoded);
    let activation: Activation | undefined;
    if (address) {
      const activated = this.store.activate(address);
      if (activated instanceof Promise) {
        return Promise.resolve(this.activateSurely(address)).then(() => this.foldOne(record, decoded));
      }
      activation = activated;
    }
    let applied: Applied;
    try {
      applied = this.fold.apply(record, decoded, activation);
    } catch (error) {
      return this.condemn(record, decoded, error instanceof Error ? error.message : String(error));
    }
    this.applied(record, decoded, applied);
  }

  private applied(record: JournalRecord, decoded: Decoded, applied: Applied): void {
    this.last = record;
    // With every record: a batch may wait in its middle, and fold time has then moved on without its anchor.
    this.foldedAtMonotonicMs = this.options.clock.monotonicMs();
    if (applied.outputs.length > 0) this.publisher.publish(applied.outputs);
    if (applied.changed) {
      this.store.markDirty(applied.changed);
      this.toBroadcast.add(applied.changed);
    }
    switch (decoded.cls) {
      case 'decision':
      case 'command':
      case 'redrive':
        if (applied.key !== undefined) this.writer.folded(applied.key, applied, record.sequence);
        break;
      case 'timer':
        this.writer.folded(timerKey(decoded.address, decoded.generation), applied, record.sequence);
        break;
      case 'marker':
        if (applied.outcome === 'applied') this.writer.markerFolded(decoded.term);
        break;
      case 'barrier': {
        if (applied.outcome !== 'applied') break;
        const [epoch] = decoded.record.term;
        if (epoch > this.options.epoch) this.fail(staleOwner());
        else if (epoch === this.options.epoch && this.phase === 'replaying') {
          this.startServing();
        }
        break;
      }
      default:
        break;
    }
  }

  /** A record that cannot be folded: the fold waits until a verdict on it stands in the journal, and obeys it. */
  private async condemn(record: JournalRecord, decoded: Decoded | Error, reason: string): Promise<void> {
    const { partition, epoch, log } = this.options;
    log.warn('record cannot be folded', this.fields({ sequence: record.sequence, subject: record.subject, reason }));
    while (this.live && this.verdicts.get(record.sequence) === undefined) {
      const control = await this.journal.control(record.sequence + 1).catch(() => undefined);
      if (control) {
        this.verdicts.read(this.fold.state.term, control);
        if (this.verdicts.get(record.sequence) !== undefined) break;
        // Only under our own barrier do we have a say; before it, another owner's verdict may still come.
        if (this.verdicts.term[0] === epoch) {
          const verdict = {
            v: RECORD_VERSION,
            term: this.verdicts.term,
            sequence: record.sequence,
            reason: reason.slice(0, 500),
          };
          await this.journal.append([
            { subject: subjects.control(partition, 'verdict'), payload: Buffer.from(JSON.stringify(verdict)) },
          ]);
          continue;
        }
        if (this.verdicts.term[0] > epoch) throw staleOwner();
      }
      await this.pause(RETRY_MS);
    }
    const verdict = this.verdicts.get(record.sequence);
    if (verdict !== undefined && this.live) this.skip(record, decoded, verdict);
  }

  private skip(record: JournalRecord, decoded: Decoded | Error, reason: string): void {
    const known = decoded instanceof Error ? undefined : decoded;
    const applied = this.fold.skip(record, known, reason);
    this.last = record;
    this.foldedAtMonotonicMs = this.options.clock.monotonicMs();
    this.publisher.publish(applied.outputs);
    if (applied.key !== undefined) this.writer.folded(applied.key, applied, record.sequence);
    if (known?.cls === 'timer') this.writer.folded(timerKey(known.address, known.generation), applied, record.sequence);
    const { poisonWindowRecords, poisonShareMax } = this.options.limits;
    this.poison = this.poison.filter((sequence) => sequence > record.sequence - poisonWindowRecords);
    this.poison.push(record.sequence);
    if (this.poison.length > poisonShareMax * poisonWindowRecords) {
      this.fail(
        refusal('POISON_SHARE', `${this.poison.length} of the last ${poisonWindowRecords} records could not be folded`),
      );
    }
  }

  // ---- while serving ----------------------------------------------------------------------------------------------

  /** The server's time: the last record's, plus what has passed here since. Never ahead of it but for clock drift. */
  private nowMs(): number {
    const elapsed = this.options.clock.monotonicMs() - this.foldedAtMonotonicMs;
    return Math.floor(this.fold.state.foldTimeMs + Math.max(0, elapsed));
  }

  private position(): Position {
    const { sequence } = this.fold.state;
    if (this.fingerprint.sequence !== sequence && this.last) {
      this.fingerprint = { sequence, value: fingerprintOf(this.last.subject, this.last.payload) };
    }
    return { epoch: this.options.epoch, sequence, identity: this.info.identity, fingerprint: this.fingerprint.value };
  }

  private armTimers(): void {
    if (this.phase !== 'serving') return;
    const next = this.fold.timers.peek();
    this.cancels.get('timer')?.();
    this.cancels.delete('timer');
    if (!next) return;
    const delay = Math.max(0, next.due - this.nowMs());
    this.once('timer', Math.min(delay, 60_000), () => this.fireTimers());
  }

  private fireTimers(): void {
    if (this.phase !== 'serving') return;
    if (!this.options.leaseHeld()) {
      // The lease may yet be renewed, and then nothing else would wake the timers up.
      this.once('timer', RETRY_MS, () => this.fireTimers());
      return;
    }
    const { limits } = this.options;
    const room = limits.timersPerTickMax - this.writer.inFlight;
    if (room <= 0) {
      this.once('timer', 10, () => this.fireTimers());
      return;
    }
    for (const timer of this.fold.timers.takeDue(this.nowMs(), room)) this.fireTimer(timer);
    this.armTimers();
  }

  private fireTimer(timer: DueTimer): void {
    const { partition } = this.options;
    const address = addressOfKey(timer.key);
    this.writer.write({
      key: timerKey(address, timer.generation),
      subject: subjects.record(partition, 'timer', address.kind, address.token),
      body: undefined,
      trace: undefined,
      fields: { due: timer.due, generation: timer.generation },
      settle: (applied, _sequence, error) => {
        if (applied && !error) return;
        // Not stored: it is still due.
        this.fold.timers.restore(timer);
        if (this.phase === 'serving') this.once('timer', RETRY_MS, () => this.fireTimers());
      },
    });
  }

  private async checkpoint(): Promise<void> {
    if (this.phase !== 'serving') return;
    const { partition, limits, trimFloor, log } = this.options;
    try {
      await this.checkpointer.run();
      const horizon = this.nowMs() - limits.retentionMs;
      const old = this.checkpointer.marks.filter(([, atMs]) => atMs < horizon).at(-1);
      if (old && this.live) {
        await this.journal.trim(Math.min(old[0], trimFloor(partition)));
        this.checkpointer.marks = this.checkpointer.marks.filter(([sequence]) => sequence > old[0]);
      }
    } catch (error) {
      if (error instanceof EngineError && error.family === 'StaleOwner') this.fail(error);
      else log.warn('checkpoint failed; it will be tried again', this.fields({ error: String(error) }));
    }
  }

  private async sweep(): Promise<void> {
    if (this.phase !== 'serving' || this.sweeping) return;
    const { limits, log } = this.options;
    this.sweeping = true;
    try {
      await this.store.sweep(limits.activationsPerPartitionMax, limits.activationIdleMs, (key) =>
        this.desk.isPinned(key),
      );
    } catch (error) {
      if (error instanceof EngineError && error.family === 'StaleOwner') this.fail(error);
      else log.warn('passivation failed; it will be tried again', this.fields({ error: String(error) }));
    }
    this.sweeping = false;
  }

  private scheduleBroadcast(): void {
    if (this.toBroadcast.size === 0) return;
    if (this.phase !== 'serving') {
      // Replays tell nobody; the first change after them does. What was active then is announced once, on serving.
      return;
    }
    if (this.broadcasting) return;
    this.broadcasting = true;
    void this.options.clock.after(this.options.limits.broadcastEveryMs, () => {
      this.broadcasting = false;
      if (this.phase !== 'serving') return;
      const { foldTimeMs } = this.fold.state;
      for (const { address, state } of this.toBroadcast) {
        const kind = this.options.kinds.get(address.kind);
        const facts = kind?.broadcast?.(state as never, address, foldTimeMs);
        if (facts === undefined) continue;
        const payload = Buffer.from(JSON.stringify(facts));
        this.options.cluster.requests.broadcast(subjects.state(address.kind, address.token), payload);
      }
      this.toBroadcast.clear();
    });
  }

  // ---- ending -----------------------------------------------------------------------------------------------------

  private assertServing(): void {
    if (this.phase !== 'serving') throw staleOwner();
    if (this.options.leaseHeld()) return;
    const error = staleOwner();
    this.fail(error);
    throw error;
  }

  private fail(error: unknown): void {
    if (this.ended) return;
    const known = EngineError.from(error);
    const isRefusal = known.family === 'Invariant';
    const cause = known.code === 'INTERNAL' ? `: ${String(known.cause)}` : '';
    this.end(isRefusal ? 'refused' : 'stopped', `${known.code}: ${known.message}${cause}`);
    this.options.onEnd(this.reason!);
  }

  private end(phase: 'stopped' | 'refused', reason: string): void {
    this.phase = phase;
    this.reason = reason;
    this.reader?.stop();
    this.stopServing?.();
    for (const cancel of this.cancels.values()) cancel();
    this.cancels.clear();
    this.publisher.stop();
    this.writer.stop();
    this.desk?.stop();
    this.store?.clear(reason === 'released' ? 'released' : 'stepped-down');
    this.queue = [];
    this.head = 0;
    this.options.log.info('partition is no longer served', this.fields({ phase, reason }));
    this.opened?.reject(new EngineError('StaleOwner', 'STALE_OWNER', reason));
    this.opened = undefined;
  }

  private every(name: string, delayMs: number, task: () => Promise<void>): void {
    this.once(name, delayMs, () => void task().finally(() => this.live && this.every(name, delayMs, task)));
  }

  private once(name: string, delayMs: number, task: () => void): void {
    this.cancels.get(name)?.();
    this.cancels.set(
      name,
      this.options.clock.after(delayMs, () => {
        this.cancels.delete(name);
        if (this.live) task();
      }),
    );
  }

  private pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.options.clock.after(delayMs, resolve));
  }

  private yield(): Promise<void> {
    return new Promise((resolve) => this.options.clock.soon(resolve));
  }

  private async within(limitMs: number, work: Promise<void>): Promise<void> {
    await Promise.race([work, this.pause(limitMs)]);
  }

  private fields(more: Record<string, unknown>): Record<string, unknown> {
    return { partition: this.options.partition, epoch: this.options.epoch, ...more };
  }
}

const timerKey = (address: ActorAddress, generation: number): string =>
  `timer ${address.kind}.${address.token} ${generation}`;

const staleOwner = (): EngineError =>
  new EngineError('StaleOwner', 'STALE_OWNER', 'This host does not own the actor (any more); ask again.', {
    retryAfterMs: 50,
  });

const refusal = (code: string, why: string): EngineError =>
  new EngineError('Invariant', code, `The partition is refused: ${why}. See docs/operating.md.`);
