/**
 * One tenure over one partition: load the checkpoint, replay the journal's suffix, fence older owners with a barrier,
 * and from its own barrier on fold, answer, fire timers, publish outputs and move the checkpoint.
 *
 * opening → replaying → serving → releasing → stopped; or refused, where the stored state contradicts the journal.
 */
import type { z } from 'zod';
import type { Clock } from '../../kernel/clock.js';
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import { decodeToken, ENGINE_APP } from '../../kernel/ids.js';
import type { Slices } from '../../kernel/slices.js';
import { redriveSchema, type Barrier } from '../../messages/records.js';
import type { FoldSettings } from '../../messages/settings.js';
import { parsePartitionSubject, subjects, type ActorKindName } from '../../messages/subjects.js';
import { encodePosition } from '../../messages/tokens.js';
import {
  assertSchema,
  assertSemantics,
  DataSchema,
  isVersionRefusal,
  THIS_BUILD,
  versionsOf,
  type Build,
  type ClusterVersions,
} from '../../messages/versions.js';
import type { Activation } from './activation.js';
import { AppBacklog, type AppsOfHost } from './app-backlog.js';
import { ActivationStore, type PassivationReason } from './activation-store.js';
import { ENGINE_ASKER, type ActorAddress, type ActorKind, type Asker, type SharedState } from './actor-kind.js';
import { Checkpointer, loadCheckpoint } from './checkpointer.js';
import { PartitionFold, type Applied, type AppliedOutcome } from './fold.js';
import { Foresight } from './foresight.js';
import { JournalHistory } from './journal-history.js';
import { IntakeGuard } from './intake.js';
import type { HostLimits } from './limits.js';
import { OutputPublisher } from './output-publisher.js';
import { freshPartitionState, type PartitionCounters } from './partition-state.js';
import { PoisonJudge } from './poison-judge.js';
import type { Appender, Cluster, Journal, JournalRecord, JournalRoom, RequestEnvelope } from './ports.js';
import type { Protections } from './protections.js';
import { chainOf, decodeRecord, writtenAs, type Decoded } from './record-codec.js';
import { ReadAhead } from './read-ahead.js';
import { RecordWriter } from './record-writer.js';
import { RequestDesk } from './request-desk.js';
import { fingerprintOf, type Position } from './snapshot-codec.js';
import { StateBroadcast } from './state-broadcast.js';
import { TimerDesk } from './timer-desk.js';
import { TimerIndex } from './timer-index.js';
import { VerdictBook } from './verdict-book.js';
import { answerRequest, type RequestAudit } from './wire-request.js';

export type OwnerPhase = 'opening' | 'replaying' | 'serving' | 'releasing' | 'stopped' | 'refused';

const BATCH = 64;
/** Snapshots are read for so many records ahead of the fold, but for no more than this share of the activations there may be. */
const LOAD_AHEAD_RECORDS = 1_024;
/** For fewer where several apps share the partition: their answers come all at once, and keep other apps' decisions waiting. */
const LOAD_AHEAD_RECORDS_SHARED = 256;
const LOAD_AHEAD_SHARE = 0.25;
/** Behind so many records an answer does not wait for its turn, where that is certain to change nothing. */
const FORETELL_BEHIND_RECORDS = BATCH;
const RETRY_MS = 100;
const PRESSED_LAG_RECORDS = 1_000;
/** Of a filling journal's limit so much is for what is caused by the records behind its checkpoint, at so much a record. */
const PRESSED_SHARE = 0.2;
const PRESSED_BYTES_PER_RECORD = 2_048;
const CHECKPOINT_SHARES = 16;
/** The fold waits for a sweep when there are so many times more activations than there may be. */
const ACTIVATIONS_OVER = 1.25;

export interface OwnerLog {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
}

export interface RedriveResult {
  readonly outcome: AppliedOutcome;
  readonly reason?: string | undefined;
  readonly token: string;
}

const redriveRequestSchema = redriveSchema
  .unwrap()
  .pick({ sequence: true, subject: true, payload: true, atMs: true, by: true });

export interface PartitionOwnerOptions<Shared> {
  readonly partition: number;
  readonly epoch: number;
  readonly hostId: string;
  readonly cluster: Cluster;
  readonly kinds: ReadonlyMap<string, ActorKind<never, Shared, never>>;
  readonly createShared: () => SharedState<Shared>;
  readonly services: unknown;
  readonly settings: FoldSettings;
  /** This one, where left out. */
  readonly build?: Build;
  /** The cluster's as this tenure begins; it writes by these to its end. What the build brings, where left out. */
  readonly versions?: ClusterVersions;
  readonly limits: HostLimits;
  /** Everybody who may ask, and what each may have waiting; everybody may, without a bound, where left out. */
  readonly apps?: AppsOfHost | undefined;
  readonly clock: Clock;
  readonly nonce: () => string;
  readonly log: OwnerLog;
  /** Takes the lines of what apps do over NATS; none are written where left out. */
  readonly audit?: RequestAudit | undefined;
  readonly protections: Protections;
  /** All partitions of a process share them. */
  readonly slices: Slices;
  /** Whether the lease is certainly still ours, by our own monotonic clock. */
  readonly leaseHeld: () => boolean;
  /** Asks the lease's store whether it is still ours, and holds it under that epoch from then on. */
  readonly confirmLease: (epoch: number) => Promise<boolean>;
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
  /** Bytes in the journal, and what it takes; undefined until it was looked at. */
  readonly room: JournalRoom | undefined;
  readonly reason: string | undefined;
}

export class PartitionOwner<Shared> {
  phase: OwnerPhase = 'opening';
  private reason: string | undefined;
  private readonly journal: Journal;
  private readonly publisher: OutputPublisher;
  private writer: RecordWriter | undefined;
  private readonly shared: SharedState<Shared>;
  private readonly build: Build;
  private readonly versions: ClusterVersions;
  private readonly schema: DataSchema;
  private readonly verdicts: VerdictBook;
  private fold!: PartitionFold<Shared>;
  private store!: ActivationStore;
  private desk!: RequestDesk<Shared>;
  private checkpointer!: Checkpointer<Shared>;
  private history!: JournalHistory;
  /** The lease's, or one above the highest that the journal knows, if leases began anew. */
  private epoch: number;
  private readonly tenure: string;
  /** The rules of its barrier. */
  private semantics = 0;
  /** The journal's, or one drawn here where it has none yet. */
  private idKey = '';
  /** Records before any barrier are folded as ours will say: another's that comes first may say otherwise. */
  private assumesFirst = false;
  private readonly readAhead: ReadAhead;
  private readonly broadcast: StateBroadcast;
  private readonly guard: IntakeGuard;
  private readonly backlog: AppBacklog;
  private timers: TimerDesk | undefined;
  private judge!: PoisonJudge;
  /** Where several apps share the partition. */
  private foresight: Foresight<Shared> | undefined;
  /** Beginnings of the subjects of decisions and commands: somebody may wait for these. */
  private readonly ownedPrefixes: readonly string[];
  private stopServing: (() => void) | undefined;
  private readonly cancels = new Map<string, () => void>();

  private pumping = false;
  /** Whom to tell that the fold has come by. */
  private probed: (() => void) | undefined;
  /** What the fold waits for by design: outputs, a checkpoint, a verdict. Another host would have to wait for it, too. */
  private waiting = 0;
  private last: { subject: string; payload: Uint8Array } | undefined;
  private fingerprint = { sequence: 0, value: '' };
  private foldedAtMonotonicMs = 0;
  private sweeping = false;
  private checkpointing: Promise<void> | undefined;
  private opened: { resolve: () => void; reject: (error: unknown) => void } | undefined;

  constructor(private readonly options: PartitionOwnerOptions<Shared>) {
    const { cluster, partition, clock, limits, kinds } = options;
    this.epoch = options.epoch;
    this.ownedPrefixes = ['decision', 'command'].map((cls) => `attune.p.${partition}.${cls}.`);
    this.build = options.build ?? THIS_BUILD;
    this.versions = options.versions ?? versionsOf(this.build);
    this.schema = new DataSchema(this.build, this.versions.schema);
    this.verdicts = new VerdictBook(this.schema);
    this.tenure = options.nonce();
    this.journal = cluster.journal(partition);
    this.shared = options.createShared();
    const appenderOf = (target: string): Appender => {
      if (target === 'x') return cluster.experience;
      if (target === 'd') return cluster.deadLetters;
      return cluster.journal(Number(target.slice(1)));
    };
    this.publisher = new OutputPublisher(clock, appenderOf, this.schema);
    this.backlog = new AppBacklog(partition, options.apps, () => {
      if (options.protections.intake) this.guard.hurry();
    });
    this.readAhead = new ReadAhead({
      journal: this.journal,
      limits,
      backlog: this.backlog,
      onRecord: (record) => {
        if (options.protections.intake) this.guard.arrived(record);
        this.foretell(record);
        this.arrived();
      },
      onLost: (error) => this.fail(error),
    });
    this.guard = new IntakeGuard({
      partition,
      journal: this.journal,
      beside: () => cluster.pressure(partition),
      clock,
      everyMs: limits.roomEveryMs,
      crowding: (leftOut) => this.backlog.crowding(leftOut, this.readAhead.hasUnread),
      isLive: () => this.live,
      relieve: () => void this.relieve(),
      log: options.log,
    });
    this.broadcast = new StateBroadcast({
      kinds,
      transport: cluster.requests,
      clock,
      everyMs: limits.broadcastEveryMs,
      slices: options.slices,
      isServing: () => this.phase === 'serving' && this.mayWrite,
      foldTimeMs: () => this.fold.state.foldTimeMs,
      present: (address) => this.store.activate(address),
    });
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
    if (this.options.protections.intake) this.guard.start();
    this.readAhead.start(this.fold.state.sequence + 1);
    void this.raiseBarrier();
    return served;
  }

  /** The reply's body; rejects with EngineErrors. */
  request(address: ActorAddress, verb: string, body: unknown, asker: Asker = ENGINE_ASKER): Promise<unknown> {
    if (this.phase !== 'serving') return Promise.reject(staleOwner());
    return this.desk.request(address, verb, body, asker);
  }

  /** Graceful end: no new requests, what is in flight is settled, the checkpoint is moved to the last folded record. */
  async release(): Promise<void> {
    if (this.phase !== 'serving') return this.stop('released');
    this.phase = 'releasing';
    this.stopServing?.();
    this.timers!.stop();
    const { clock, limits } = this.options;
    const deadline = clock.monotonicMs() + limits.releaseMs;
    while (this.live && this.writer!.inFlight > 0 && clock.monotonicMs() < deadline) await this.pause(10);
    try {
      if (this.live) await this.within(limits.releaseMs, this.checkpointer.finish());
    } catch (error) {
      this.options.log.warn('checkpoint before release failed', this.fields({ error: String(error) }));
    }
    this.stop('released');
  }

  /** Whether the cluster has risen since this tenure began: the next one writes, and is folded, by the newer versions. */
  isBehind({ schema, semantics }: ClusterVersions): boolean {
    return this.schema.writes < schema || this.semantics < semantics;
  }

  /** Ends the tenure now. Idempotent. */
  stop(reason: string): void {
    if (this.ended) return;
    this.end('stopped', reason);
  }

  /** Tries a dead letter again, under a new sequence; resolves to the fold's outcome and the new position's token. */
  redrive(letter: Omit<z.infer<typeof redriveRequestSchema>, 'by'>, by: string): Promise<RedriveResult> {
    const { partition, nonce } = this.options;
    if (this.phase !== 'serving') return Promise.reject(staleOwner());
    if (parsePartitionSubject(letter.subject)?.partition !== partition) {
      return Promise.reject(invalidRequest('INVALID_REQUEST', 'The record is not of this partition.', 'subject'));
    }
    const key = nonce();
    const { identity } = this.history;
    return new Promise((resolve, reject) => {
      this.writer!.write({
        key,
        subject: subjects.control(partition, 'redrive'),
        body: undefined,
        trace: undefined,
        fields: { key, ...letter, by },
        settle: (applied, sequence, error) => {
          if (error) reject(error);
          else
            resolve({
              outcome: applied?.outcome ?? 'void',
              reason: applied?.reason,
              token: encodePosition({ partition, sequence, identity }),
            });
        },
      });
    });
  }

  /**
   * Calls back once the fold has come by: it is at rest, between two batches, or waiting for what it may have to wait for. A
   * fold that hangs does not, and a tenure that has ended never does.
   */
  probe(passed: () => void): void {
    if (this.ended) return;
    if (this.phase === 'opening' || this.waiting > 0) return passed();
    this.probed = passed;
    this.arrived();
  }

  status(): OwnerStatus {
    const state = this.fold?.state;
    return {
      partition: this.options.partition,
      phase: this.phase,
      epoch: this.epoch,
      sequence: state?.sequence ?? 0,
      lag: Math.max(0, this.readAhead.tail - (state?.sequence ?? 0)),
      checkpoint: this.checkpointer?.sequence ?? 0,
      activations: this.store?.size ?? 0,
      dirty: this.store?.dirtyCount ?? 0,
      requests: this.desk?.openRequests ?? 0,
      recordsInFlight: this.writer?.inFlight ?? 0,
      outputsUnacknowledged: this.publisher.unacknowledged,
      timers: this.fold?.timers.size ?? 0,
      passivations: this.store?.passivations ?? { idle: 0, 'least-recently-used': 0, released: 0, 'stepped-down': 0 },
      counters: state ? { ...state.counters } : ({} as PartitionCounters),
      room: this.guard.room,
      reason: this.reason,
    };
  }

  /** By several apps: one that is alone delays nobody but itself. */
  private get isShared(): boolean {
    return (this.options.apps?.size ?? 0) > 1;
  }

  private get ended(): boolean {
    return this.phase === 'stopped' || this.phase === 'refused';
  }

  private get live(): boolean {
    return !this.ended;
  }

  // ---- opening ----------------------------------------------------------------------------------------------------

  private async load(): Promise<void> {
    const { cluster, partition, protections, clock, limits } = this.options;
    const snapshots = cluster.snapshots(partition);
    // In this order: a former owner may still be moving the checkpoint, and the journal is then longer too.
    const loaded = await loadCheckpoint(snapshots, this.shared, this.schema);
    const { checkpoint } = loaded ?? {};
    const info = await this.journal.info();
    this.history = new JournalHistory(this.journal, info);
    if (checkpoint) await this.history.beginWith(checkpoint.position);
    this.readAhead.tail = info.lastSequence;
    const sequence = checkpoint?.position.sequence ?? 0;
    const control = await this.journal.control(sequence + 1);
    this.verdicts.read(checkpoint?.state.term ?? [0, 0], control);
    const epoch = await this.chooseEpoch(Math.max(loaded?.epoch ?? 0, this.verdicts.term[0]));
    // Records before the very first barrier are folded under that barrier's settings and rules, by every host alike.
    const { build, versions } = this;
    assertSchema('cluster', versions.schema, build);
    this.semantics = Math.max(versions.semantics, checkpoint?.state.semantics ?? 0, this.verdicts.semantics);
    assertSemantics(this.semantics, build);
    const first = this.verdicts.first ?? { settings: this.options.settings, semantics: this.semantics };
    this.idKey = checkpoint?.state.idKey || this.verdicts.first?.idKey || this.options.nonce();
    this.assumesFirst = checkpoint === undefined && this.verdicts.first === undefined;
    const state =
      checkpoint?.state ??
      freshPartitionState(first.settings, this.shared.create(), info.firstSequence > 1, first.semantics, this.idKey);
    const timers = new TimerIndex();
    for (const [key, due, generation] of checkpoint?.timers ?? []) timers.set(key, due, generation);
    this.fingerprint = { sequence, value: checkpoint?.position.fingerprint ?? '' };
    const kinds = this.options.kinds as unknown as ReadonlyMap<string, ActorKind<unknown, Shared, never>>;
    const { identity } = info;
    this.fold = new PartitionFold(
      { partition, identity, kinds, shared: this.shared, build, protections },
      state,
      timers,
    );
    const position = (): Position => this.position();
    const acknowledged = (s: number): Promise<void> => this.publisher.acknowledged(s);
    const assertOwner = (): void => this.assertOwner();
    this.writer = new RecordWriter(clock, this.journal, partition, epoch, this.schema);
    this.store = new ActivationStore({
      snapshots,
      kinds: kinds as unknown as ReadonlyMap<string, ActorKind<unknown, never, never>>,
      clock,
      protections,
      slices: this.options.slices,
      epoch,
      schema: this.schema,
      position,
      verify: (key, at) => this.history.check(key, at, () => this.fold.state.sequence),
      assertOwner,
      acknowledged,
      isShared: this.isShared,
    });
    this.timers = new TimerDesk({
      partition,
      clock,
      timers,
      writer: this.writer,
      inFlightMax: limits.timersPerTickMax,
      nowMs: () => this.nowMs(),
      leaseHeld: () => this.mayWrite,
    });
    this.judge = new PoisonJudge({
      partition,
      journal: this.journal,
      clock,
      limits,
      verdicts: this.verdicts,
      epoch,
      schema: this.schema,
      term: () => this.fold.state.term,
      isLive: () => this.live,
    });
    this.desk = new RequestDesk({
      partition,
      identity,
      schema: this.schema,
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
      stale: staleOwner,
      assertServing: () => this.assertServing(),
      unreadable: (error) => {
        if (error instanceof EngineError && isRefusal(error)) this.fail(error);
      },
    });
    this.checkpointer = new Checkpointer({
      snapshots,
      store: this.store,
      fold: this.fold,
      epoch,
      schema: this.schema,
      protections,
      slices: this.options.slices,
      position,
      acknowledged,
      assertOwner,
      owed: () => this.broadcast.owed(),
      loaded,
    });
    this.broadcast.inherit(checkpoint?.owed ?? []);
    if (!protections.foresight || !this.isShared) return;
    this.foresight = new Foresight({
      partition,
      identity,
      kinds,
      shared: this.shared,
      build,
      schema: this.schema,
      protections,
      state: () => this.fold.state,
      activation: (key) => this.store.peek(key),
      waiting: (after) => this.readAhead.after(after),
      isCondemned: (s) => this.verdicts.get(s) !== undefined,
    });
  }

  /**
   * The lease's revision, unless the journal knows a higher epoch. If the lease is ours all the same, then no later owner
   * wrote that: leases began anew, their bucket lost or its end cut off. Of two owners that choose the same epoch, the
   * one whose barrier comes first has it.
   */
  private async chooseEpoch(known: number): Promise<number> {
    if (known < this.epoch) return this.epoch;
    if (!(await this.options.confirmLease(known + 1))) throw staleOwner();
    return (this.epoch = known + 1);
  }

  private async raiseBarrier(): Promise<void> {
    const { partition, hostId: host, settings } = this.options;
    const { tenure, semantics, idKey } = this;
    const barrier: Omit<Barrier, 'v'> = { term: [this.epoch, 0], host, tenure, settings, semantics, idKey };
    const payload = Buffer.from(JSON.stringify(this.schema.write('barrier', barrier)));
    while (this.phase === 'replaying') {
      const [outcome] = await this.journal.append([{ subject: subjects.control(partition, 'barrier'), payload }]);
      // A second barrier of the same epoch is void, so trying again is safe.
      if (outcome!.status === 'stored') return;
      // A full journal has no room for it either, until its events are shut out.
      if (outcome!.status === 'refused' && this.options.protections.intake) await this.guard.look();
      await this.pause(RETRY_MS);
    }
  }

  /** Ours begins our service; another's of our epoch or a later one ends it, before it has begun or after. */
  private barrierFolded({ term: [epoch], tenure }: Barrier, isApplied: boolean): void {
    const isOurs = tenure === this.tenure;
    const isForestalled = this.assumesFirst && !isOurs;
    this.assumesFirst = false;
    if (isApplied && !isOurs && (isForestalled || epoch >= this.epoch)) this.fail(staleOwner());
    else if (isOurs && this.phase === 'replaying') {
      if (isApplied) this.startServing();
      else this.fail(staleOwner());
    }
  }

  private startServing(): void {
    const { partition, cluster, limits, log } = this.options;
    this.phase = 'serving';
    this.stopServing = cluster.requests.serve(partition, (request) => this.serve(request));
    // Partitions served from the same moment on would all save at the same moment, too.
    const share = (1 + (partition % CHECKPOINT_SHARES)) / CHECKPOINT_SHARES;
    this.every('checkpoint', limits.checkpointEveryMs, () => this.checkpoint(), limits.checkpointEveryMs * share);
    this.every('sweep', limits.sweepEveryMs, () => this.sweep());
    this.timers!.start();
    log.info('partition is served', this.fields({ sequence: this.fold.state.sequence }));
    this.opened?.resolve();
    this.opened = undefined;
  }

  private serve(request: RequestEnvelope): Promise<Uint8Array> {
    return answerRequest(request, {
      actor: (address, verb, body, asker) => this.request(address, verb, body, asker),
      knows: (app) => this.options.apps?.has(app) ?? true,
      audit: this.options.audit,
      partition: async (verb, body) => {
        if (verb !== 'redrive') throw new EngineError('NotFound', 'VERB_UNKNOWN', `A partition does not know ${verb}.`);
        const { by, ...letter } = redriveRequestSchema.parse(body);
        return this.redrive(letter, by);
      },
    });
  }

  // ---- folding ----------------------------------------------------------------------------------------------------

  private arrived(): void {
    if (this.pumping || this.ended) return;
    this.pumping = true;
    void this.pump();
  }

  /** Tells whoever waits for this record that it is certain to be applied, where many before it are still to be folded. */
  private foretell(record: JournalRecord): void {
    if (!this.foresight || this.phase !== 'serving' || this.readAhead.size <= FORETELL_BEHIND_RECORDS) return;
    if (!this.ownedPrefixes.some((prefix) => record.subject.startsWith(prefix))) return;
    let decoded: Decoded;
    try {
      decoded = decodeRecord(record, this.schema);
    } catch {
      // What is wrong with it the fold says in its turn.
      return;
    }
    if (decoded.cls !== 'decision' && decoded.cls !== 'command') return;
    const { key, term } = decoded;
    if (this.writer!.wouldHear(key, term) && this.foresight.isCertain(record, decoded)) {
      this.writer!.foretell(key, record.sequence);
    }
  }

  private async pump(): Promise<void> {
    const { readAhead } = this;
    try {
      this.comeBy();
      while (this.live && !readAhead.isEmpty) {
        await this.patiently(() => this.backPressure());
        this.loadAhead();
        await this.foldBatch(readAhead.take(Math.min(BATCH, this.lagMax)));
        this.comeBy();
        if (!readAhead.isEmpty) await this.yield();
      }
    } catch (error) {
      this.fail(error);
    }
    this.pumping = false;
    if (readAhead.isEmpty) this.foresight?.forget();
    readAhead.drained();
  }

  /**
   * Begins to load the actors of events that are still to come. With many new users every batch would wait for the answers to
   * its own reads, which come behind all the records that the server is sending meanwhile.
   */
  private loadAhead(): void {
    const { limits, kinds } = this.options;
    const records = this.isShared ? LOAD_AHEAD_RECORDS_SHARED : LOAD_AHEAD_RECORDS;
    const max = Math.min(records, Math.floor(LOAD_AHEAD_SHARE * limits.activationsPerPartitionMax));
    for (const { subject } of this.readAhead.preview(max)) {
      const { cls, app, kind = '', token = '' } = parsePartitionSubject(subject) ?? {};
      if (cls !== 'event' || !kinds.has(kind) || decodeToken(token) === undefined) continue;
      const loading = this.store.activate({ kind: kind as ActorKindName, token }, app);
      // What goes wrong is said where its turn comes: the fold asks for it again.
      if (loading instanceof Promise) loading.catch(() => undefined);
    }
  }

  private comeBy(): void {
    const { probed } = this;
    this.probed = undefined;
    if (this.live) probed?.();
  }

  private async patiently<T>(wait: () => Promise<T>): Promise<T> {
    this.waiting++;
    this.comeBy();
    try {
      return await wait();
    } finally {
      this.waiting--;
    }
  }

  /**
   * In a journal that fills the checkpoint stays close, so that what it covers can go; and so close that what the records
   * behind it cause has room, for no checkpoint covers a record before its outputs stand in their journals.
   */
  private get lagMax(): number {
    const { checkpointLagRecordsMax } = this.options.limits;
    if (!this.guard.isPressed) return checkpointLagRecordsMax;
    const fitting = Math.floor((PRESSED_SHARE * this.guard.room!.limit) / PRESSED_BYTES_PER_RECORD);
    return Math.max(1, Math.min(PRESSED_LAG_RECORDS, fitting, checkpointLagRecordsMax));
  }

  private async backPressure(): Promise<void> {
    const { limits } = this.options;
    while (this.live && this.publisher.unacknowledged > limits.outputsUnacknowledgedMax) await this.pause(5);
    // A long replay activates actors faster than a sweep now and then could passivate them.
    if (this.store.size > ACTIVATIONS_OVER * limits.activationsPerPartitionMax + BATCH) await this.sweep();
    const isAhead = (): boolean => this.fold.state.sequence - this.checkpointer.sequence > this.lagMax;
    while (this.live && (this.phase === 'serving' || this.guard.isPressed) && isAhead()) {
      await this.checkpoint();
      if (isAhead()) await this.pause(RETRY_MS);
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
    this.timers!.arm();
    this.broadcast.schedule();
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
      return this.writer?.recognise(record) ?? decodeRecord(record, this.schema);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  private async activateFor(decoded: readonly (Decoded | Error)[]): Promise<void> {
    let loads: Promise<unknown>[] | undefined;
    for (const record of decoded) {
      if (record instanceof Error) continue;
      const address = PartitionFold.addressOf(record);
      if (!address) continue;
      const activated = this.activateSurely(address, appOf(record));
      if (activated instanceof Promise) (loads ??= []).push(activated);
    }
    if (loads) await Promise.all(loads);
  }

  /** The fold cannot go on without the actor: an unreachable store is waited for. */
  private activateSurely(address: ActorAddress, app: string): Activation | Promise<Activation> {
    const activated = this.store.activate(address, app);
    if (!(activated instanceof Promise)) return activated;
    return activated.catch(async (error: unknown) => {
      if (!this.live || !(error instanceof EngineError) || error.family !== 'Dependency') throw error;
      this.comeBy();
      await this.pause(RETRY_MS);
      return this.activateSurely(address, app);
    });
  }

  /** Synchronous but for poison and for actors that were passivated within the batch. */
  private foldOne(record: JournalRecord, decoded: Decoded | Error): void | Promise<void> {
    this.history.folding(record);
    const verdict = this.verdicts.get(record.sequence);
    if (verdict !== undefined) return this.skip(record, decoded, verdict);
    // Another build understands it; condemned, it would be lost.
    if (isVersionRefusal(decoded)) throw decoded;
    if (decoded instanceof Error) return this.condemn(record, decoded, decoded.message);
    const address = PartitionFold.addressOf(decoded);
    let activation: Activation | undefined;
    if (address) {
      const activated = this.store.activate(address, appOf(decoded));
      if (activated instanceof Promise) {
        return Promise.resolve(this.activateSurely(address, appOf(decoded))).then(() => this.foldOne(record, decoded));
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
      this.broadcast.add(applied.changed);
    }
    this.settle(record, decoded, applied);
    if (decoded.cls === 'marker' && applied.outcome === 'applied') this.writer!.markerFolded(decoded.term);
    if (decoded.cls === 'barrier') this.barrierFolded(decoded.record, applied.outcome === 'applied');
  }

  private settle(record: JournalRecord, decoded: Decoded, applied: Applied): void {
    const written = writtenAs(decoded);
    if (written) this.writer!.folded(written.key, written.term, applied, record.sequence);
  }

  /** A record that cannot be folded: the fold waits until a verdict on it stands in the journal, and obeys it. */
  private async condemn(record: JournalRecord, decoded: Decoded | Error, reason: string): Promise<void> {
    const { sequence, subject } = record;
    this.options.log.warn('record cannot be folded', this.fields({ sequence, subject, reason }));
    const verdict = await this.patiently(() => this.judge.judge(record, reason));
    if (verdict !== undefined) this.skip(record, decoded, verdict);
  }

  private skip(record: JournalRecord, decoded: Decoded | Error, reason: string): void {
    const applied = this.fold.skip(record, chainOf(record), reason);
    this.last = record;
    this.foldedAtMonotonicMs = this.options.clock.monotonicMs();
    this.publisher.publish(applied.outputs);
    if (!(decoded instanceof Error)) this.settle(record, decoded, applied);
    this.judge.obeyed(record.sequence);
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
    return { epoch: this.epoch, sequence, identity: this.history.identity, fingerprint: this.fingerprint.value };
  }

  /** One at a time; a call meanwhile joins it. Never rejects. */
  private checkpoint(): Promise<void> {
    this.checkpointing ??= this.moveCheckpoint().finally(() => (this.checkpointing = undefined));
    return this.checkpointing;
  }

  private async moveCheckpoint(): Promise<void> {
    // What a replay has folded is what any owner would have: in a journal that fills it need not wait for the barrier,
    // which may have no room before something was trimmed.
    const isPressed = (this.phase === 'replaying' || this.phase === 'releasing') && this.guard.isPressed;
    if (this.phase !== 'serving' && !isPressed) return;
    try {
      await this.checkpointer.run();
      await this.trim();
    } catch (error) {
      if (error instanceof EngineError && error.family === 'StaleOwner') this.fail(error);
      else this.options.log.warn('checkpoint failed; it will be tried again', this.fields({ error: String(error) }));
    }
  }

  /** Never past the checkpoint, which covers no output that is not acknowledged, nor past what others still need. */
  private async trim(): Promise<void> {
    const { partition, limits, trimFloor } = this.options;
    const keepFrom = this.guard.isPressed
      ? this.checkpointer.sequence
      : this.checkpointer.oldest(this.nowMs() - limits.retentionMs);
    if (keepFrom === undefined) return;
    this.assertOwner();
    const floor = Math.min(keepFrom, trimFloor(partition));
    await this.journal.trim(floor);
    this.checkpointer.trimmed(floor);
  }

  /**
   * Asked while the journal fills: its records go as soon as nobody needs them, whatever their age. First those that the
   * stored checkpoint covers: in a full journal there may be no room for what a new one waits for.
   */
  private async relieve(): Promise<void> {
    if (this.phase !== 'serving' && this.phase !== 'replaying') return;
    try {
      await this.trim();
    } catch (error) {
      this.options.log.warn('a journal that fills could not be trimmed', this.fields({ error: String(error) }));
    }
    await this.checkpoint();
  }

  private async sweep(): Promise<void> {
    if ((this.phase !== 'serving' && this.phase !== 'replaying') || this.sweeping) return;
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

  // ---- ending -----------------------------------------------------------------------------------------------------

  /** Nothing may be stored, nor deleted, once a later owner may rely on it. */
  private assertOwner(): void {
    if (this.ended || !this.mayWrite) throw staleOwner();
  }

  private get mayWrite(): boolean {
    return !this.options.protections.leaseBeforeWrite || this.options.leaseHeld();
  }

  private assertServing(): void {
    if (this.phase !== 'serving') throw staleOwner();
    if (!this.options.protections.leaseBeforeAnswer || this.options.leaseHeld()) return;
    const error = staleOwner();
    this.fail(error);
    throw error;
  }

  private fail(error: unknown): void {
    if (this.ended) return;
    const known = EngineError.from(error);
    const cause = known.code === 'INTERNAL' ? `: ${String(known.cause)}` : '';
    this.end(isRefusal(known) ? 'refused' : 'stopped', `${known.code}: ${known.message}${cause}`);
    this.options.onEnd(this.reason!);
  }

  private end(phase: 'stopped' | 'refused', reason: string): void {
    this.phase = phase;
    this.reason = reason;
    this.readAhead.stop();
    this.guard.stop();
    this.stopServing?.();
    this.timers?.stop();
    for (const cancel of this.cancels.values()) cancel();
    this.cancels.clear();
    this.publisher.stop();
    this.writer?.stop();
    this.desk?.stop();
    this.store?.clear(reason === 'released' ? 'released' : 'stepped-down');
    this.options.log.info('partition is no longer served', this.fields({ phase, reason }));
    this.opened?.reject(new EngineError('StaleOwner', 'STALE_OWNER', reason));
    this.opened = undefined;
  }

  private every(name: string, delayMs: number, task: () => Promise<void>, firstMs = delayMs): void {
    this.once(name, firstMs, () => void task().finally(() => this.live && this.every(name, delayMs, task)));
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
    return { partition: this.options.partition, epoch: this.epoch, ...more };
  }
}

/** Whose the record is that an actor is loaded for, where it does not come from the engine itself. */
const appOf = (decoded: Decoded): string => (decoded.cls === 'event' ? decoded.app : ENGINE_APP);

/** What is stored contradicts itself, or is another build's to read. */
const isRefusal = ({ family }: EngineError): boolean => family === 'Invariant' || family === 'Configuration';

const staleOwner = (): EngineError =>
  new EngineError('StaleOwner', 'STALE_OWNER', 'This host does not own the actor (any more); ask again.', {
    retryAfterMs: 50,
  });
