import { buckets, streams } from '../../messages/subjects.js';
import type { RequestEnvelope } from '../host/ports.js';
import { SimulatedBucket } from './bucket.js';
import { SIMULATED_EPOCH_MS, type Timeline } from './clock.js';
import type { SimulatedConnection } from './connection.js';
import { CALM, type Weather } from './faults.js';
import { SimulatedStream } from './stream.js';

export interface ServerOptions {
  readonly partitions: number;
  readonly leaseTtlMs: number;
  /** Whether snapshots are compared before they are set; they are, unless it says false. */
  readonly comparesSnapshots?: boolean;
  /** Value of the journals' identities; another one is another cluster. */
  readonly identity?: string;
  /** Bytes of each journal; unlimited if left out. */
  readonly journalBytesMax?: number;
}

/** As of a real journal. */
const RESERVE_SHARE = 0.5;

/** A subscription to one partition's requests. */
export interface RequestSubscription {
  readonly connection: SimulatedConnection;
  readonly deliver: (request: RequestEnvelope, reply: (answer: Uint8Array) => void) => void;
}

/**
 * The one server all simulated processes are connected to. What it has stored stays stored, through every restart;
 * everything else may be lost on the way to it or back.
 */
export class SimulatedServer {
  readonly journals: readonly SimulatedStream[];
  readonly experience: SimulatedStream;
  readonly deadLetters: SimulatedStream;
  readonly snapshots: readonly SimulatedBucket[];
  readonly leases: SimulatedBucket;
  readonly hosts: SimulatedBucket;
  readonly connections = new Set<SimulatedConnection>();
  /** Last broadcast of each subject. */
  readonly broadcasts = new Map<string, Uint8Array>();
  weather: Weather = CALM;
  /** The server answers nothing before this time. */
  upAtMs = 0;
  /** Journals refuse everything before this time. */
  diskFullUntilMs = 0;
  /** Keys and values are out of reach before this time. */
  keysDownUntilMs = 0;
  /** By so much its wall clock has been turned back. */
  private turnedBackMs = 0;
  /** Called after a snapshot has been stored for a process. */
  onSnapshot: (connection: SimulatedConnection) => void = () => {};
  private readonly subscriptions = new Map<number, Set<RequestSubscription>>();

  constructor(
    readonly timeline: Timeline,
    readonly options: ServerOptions,
  ) {
    const identity = options.identity ?? 'sim';
    const partitions = Array.from({ length: options.partitions }, (_, partition) => partition);
    const { journalBytesMax = Infinity } = options;
    const reserve = journalBytesMax === Infinity ? 0 : RESERVE_SHARE * journalBytesMax;
    this.journals = partitions.map(
      (p) => new SimulatedStream(streams.journal(p), `${identity}${p}`, journalBytesMax, reserve),
    );
    this.experience = new SimulatedStream(streams.experience, identity);
    this.deadLetters = new SimulatedStream(streams.deadLetter, identity);
    this.snapshots = partitions.map(
      (p) => new SimulatedBucket(buckets.snapshots(p), Infinity, options.comparesSnapshots),
    );
    this.leases = new SimulatedBucket(buckets.leases, options.leaseTtlMs);
    this.hosts = new SimulatedBucket(buckets.hosts, options.leaseTtlMs);
  }

  get wallMs(): number {
    return Math.floor(SIMULATED_EPOCH_MS + this.timeline.nowMs - this.turnedBackMs);
  }

  /** Its wall clock is set: what it stores from now on has earlier timestamps than what it stored last. */
  turnBack(byMs: number): void {
    this.timeline.note('server', `its clock goes back ${Math.round(byMs)} ms`);
    this.turnedBackMs += byMs;
  }

  /** Every connection breaks, what is in flight is gone, and nobody gets through for `downMs`. */
  restart(downMs: number): void {
    this.timeline.note('server', `restarts, down for ${Math.round(downMs)} ms`);
    this.upAtMs = this.timeline.nowMs + downMs;
    for (const connection of this.connections) connection.breakOff('lost');
  }

  subscribe(partition: number, subscription: RequestSubscription): void {
    const present = this.subscriptions.get(partition) ?? new Set();
    present.add(subscription);
    this.subscriptions.set(partition, present);
  }

  unsubscribe(partition: number, subscription: RequestSubscription): void {
    this.subscriptions.get(partition)?.delete(subscription);
  }

  subscribers(partition: number): RequestSubscription[] {
    return [...(this.subscriptions.get(partition) ?? [])];
  }
}
