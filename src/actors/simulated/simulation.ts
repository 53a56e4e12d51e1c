import { seededRandom } from '../../kernel/random.js';
import { DEFAULT_HOST_LIMITS, type HostLimits } from '../host/limits.js';
import { ALL_PROTECTIONS, type Protections } from '../host/protections.js';
import { Apps } from './apps.js';
import { unleash } from './chaos.js';
import { broken, checkJournals, checkOutputs, checkStates, type Seen, type Violation } from './checks.js';
import { SimulatedProcess, Timeline } from './clock.js';
import { SimulatedConnection } from './connection.js';
import { drawCrowd, type CrowdPlan } from './crowd.js';
import { drawFaults, LATE_MS_MAX, type FaultPlan } from './faults.js';
import { Fleet } from './fleet.js';
import { Replay, type ReplayedActor } from './replay.js';
import type { Scenario } from './scenario.js';
import { SimulatedServer } from './server.js';
import { checkStored } from './stored-checks.js';
import { TOWN_SCENARIO } from './town-workload.js';
import { TOY_SCENARIO } from './toy-workload.js';
import { Trace, type TraceLine } from './trace.js';
import { Upgrade } from './upgrade.js';

export interface SimulationOptions {
  readonly seed: number;
  readonly protections?: Protections;
  /** Keep the trace's lines. */
  readonly trace?: boolean;
  /** Is given the server with all that was stored on it, after the last check. */
  readonly onEnd?: (server: SimulatedServer) => void;
}

export interface SimulationResult {
  readonly seed: number;
  readonly scenario: string;
  readonly violations: readonly Violation[];
  /** Of everything that happened: equal for equal seeds and code. */
  readonly hash: string;
  readonly lines: readonly TraceLine[];
  /** Journal records, and answers that promised something. */
  readonly records: number;
  readonly acknowledged: number;
}

/** Every fourth seed runs the engine's own actors; the others run toys, which show more. */
const TOWN_EVERY = 4;
const LEASE_TTL_MS = 2_000;
const HUNG_AFTER_MS = 1_000;
const FAULTS_UNTIL_MS = 12_000;
/** After the faults: how long until the last request must have been answered and the last timer fired. */
const SETTLE_MS = 60_000;
/** Longer than any window, offer or session of a scenario. */
const LAST_WINDOW_MS = 6_000;
const STEP_MS = 500;
/** As many records as a crowd may have in a partition. */
const CROWD_READ_AHEAD = 4_096;

export const SCENARIOS = ['toy', 'town'] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

/** What a seed runs. */
export const scenarioOf = (seed: number): ScenarioName => (seed % TOWN_EVERY === 0 ? 'town' : 'toy');

/** One run of several hosts over one server, from a seed: faults, then calm, then a check of every promise. */
export function simulate(options: SimulationOptions): Promise<SimulationResult> {
  return scenarioOf(options.seed) === 'town'
    ? new Run(options, TOWN_SCENARIO).result()
    : new Run(options, TOY_SCENARIO).result();
}

class Run<Shared> {
  private readonly trace: Trace;
  private readonly timeline: Timeline;
  private readonly random;
  private readonly partitions: number;
  private readonly hosts: number;
  private readonly plan: FaultPlan;
  private readonly crowd: CrowdPlan | undefined;
  private readonly server: SimulatedServer;
  private readonly upgrade: Upgrade;
  private readonly fleet: Fleet<Shared>;
  private readonly apps: Apps;
  private readonly appConnection: SimulatedConnection;
  private readonly violations: Violation[] = [];

  constructor(
    private readonly options: SimulationOptions,
    private readonly scenario: Scenario<Shared>,
  ) {
    const { seed, protections = ALL_PROTECTIONS } = options;
    this.trace = new Trace(options.trace ?? false);
    this.timeline = new Timeline(seed, this.trace);
    this.random = seededRandom(seed * 31 + 1);
    this.partitions = 1 + Math.floor(this.random.next() * 4);
    this.hosts = 2 + Math.floor(this.random.next() * 2);
    this.plan = drawFaults(seededRandom(seed * 37 + 5));
    this.crowd = drawCrowd(seededRandom(seed * 43 + 7), FAULTS_UNTIL_MS);
    this.server = new SimulatedServer(this.timeline, {
      partitions: this.partitions,
      leaseTtlMs: LEASE_TTL_MS,
      comparesSnapshots: protections.cas,
      journalBytesMax: this.plan.journalBytesMax,
    });
    this.upgrade = new Upgrade(seededRandom(seed * 41 + 3), scenario.cast.next?.build, FAULTS_UNTIL_MS);
    const differ = this.random.next() < 0.5;
    this.fleet = new Fleet({
      server: this.server,
      cast: scenario.cast,
      settings: (start) => scenario.settings(this.partitions, differ ? start : 0),
      partitions: this.partitions,
      limits: drawLimits(this.random.next, this.crowd),
      leaseTtlMs: LEASE_TTL_MS,
      hungAfterMs: HUNG_AFTER_MS,
      protections,
      seed,
      upgrade: this.upgrade,
      crowd: this.crowd,
    });
    this.appConnection = new SimulatedConnection(new SimulatedProcess(this.timeline, 'app'), this.server);
    this.apps = new Apps(this.appConnection, this.partitions);
  }

  async result(): Promise<SimulationResult> {
    const onRejection = (error: unknown): void =>
      void this.violations.push(
        broken('no-unhandled-rejection', error instanceof Error ? (error.stack ?? '') : String(error)),
      );
    process.on('unhandledRejection', onRejection);
    try {
      return await this.run();
    } finally {
      process.off('unhandledRejection', onRejection);
    }
  }

  private async run(): Promise<SimulationResult> {
    const { scenario, apps, random, partitions, server, options, trace } = this;
    const workload = scenario.workload({ apps, random, partitions, untilMs: FAULTS_UNTIL_MS, crowd: this.crowd });
    await this.storm(() => workload.start());
    const settled = await this.settle();
    const seen = settled ? await this.await(workload.look()) : undefined;
    const left = settled && (await this.leaveAll());
    this.violations.push(...this.fleet.refusals.map((what) => broken('no-partition-refused', what)));
    this.violations.push(...this.fleet.trespasses.map((what) => broken('acts-only-under-its-lease', what)));
    this.violations.push(...this.fleet.clung.map((what) => broken('hung-hosts-let-go', what)));
    this.violations.push(...this.fleet.crowded.map((what) => broken('crowds-delay-nobody-else', what)));
    if (!settled) this.violations.push(broken('settles', this.describe()));
    else if (!left) this.violations.push(broken('leaves', this.describe()));
    if (settled) {
      const replays = this.replay();
      this.violations.push(...this.check(replays, seen ?? []), ...workload.check(replays));
      if (left)
        this.violations.push(...checkStored(server, replays, this.upgrade.newest, (actor) => this.isVacant(actor)));
    }
    options.onEnd?.(server);
    return {
      seed: options.seed,
      scenario: scenario.name,
      violations: this.violations,
      hash: trace.hash,
      lines: trace.lines,
      records: server.journals.reduce((sum, stream) => sum + stream.lastSequence, 0),
      acknowledged: workload.acknowledged,
    };
  }

  private async storm(start: () => void): Promise<void> {
    const { random, plan, apps, hosts, appConnection, server, fleet, timeline, upgrade } = this;
    unleash(server, fleet, {
      plan,
      flood: (partition) => void apps.flood(partition),
      random,
      hosts,
      apps: [appConnection],
      untilMs: FAULTS_UNTIL_MS,
    });
    for (let slot = 0; slot < hosts; slot++) fleet.start(slot);
    start();
    if (!upgrade.isOver) timeline.at(upgrade.fromMs, () => fleet.upgrade());
    await timeline.run(FAULTS_UNTIL_MS);
  }

  private async settle(): Promise<boolean> {
    const { timeline, apps, fleet } = this;
    // Nothing a broken connection still held back may arrive after the look at the final states.
    await timeline.run(FAULTS_UNTIL_MS + LATE_MS_MAX);
    await this.until(() => apps.openActions === 0 && this.upgrade.isOver);
    await timeline.run(timeline.nowMs + LAST_WINDOW_MS);
    return this.until(() => apps.openActions === 0 && this.upgrade.isOver && fleet.isQuiet(this.scenario.restful));
  }

  private leaveAll(): Promise<boolean> {
    const { fleet, hosts } = this;
    let left = 0;
    for (let slot = 0; slot < hosts; slot++) fleet.leave(slot, () => left++);
    return this.until(() => left === hosts);
  }

  private async until(holds: () => boolean): Promise<boolean> {
    const endMs = this.timeline.nowMs + SETTLE_MS;
    while (!holds() && this.timeline.nowMs < endMs) await this.timeline.run(this.timeline.nowMs + STEP_MS);
    return holds();
  }

  private async await<T>(promise: Promise<T>): Promise<T | undefined> {
    let value: T | undefined;
    void promise.then((result) => (value = result));
    await this.until(() => value !== undefined);
    return value;
  }

  private replay(): Replay<Shared>[] {
    const { cast, invariant } = this.scenario;
    const kinds = new Map((cast.next?.plainKinds ?? cast.kinds).map((kind) => [kind.kind as string, kind]));
    const { newest: build } = this.upgrade;
    const settings = this.scenario.settings(this.partitions, 0);
    return this.server.journals.map(
      (stream, partition) =>
        new Replay({ partition, kinds, shared: cast.createShared(), settings, build, invariant }, stream),
    );
  }

  private check(replays: readonly Replay<Shared>[], seen: readonly Seen[]): Violation[] {
    return [...checkJournals(replays), ...checkOutputs(this.server, replays), ...checkStates(replays, seen)];
  }

  private isVacant({ address, state, seen }: ReplayedActor): boolean {
    return (
      seen.length === 0 && this.scenario.cast.kinds.find(({ kind }) => kind === address.kind)!.isVacant(state as never)
    );
  }

  private describe(): string {
    const owners = this.fleet.members.map((member) => ({ host: member?.process.name, status: member?.host.status() }));
    return JSON.stringify({ atMs: this.timeline.nowMs, openActions: this.apps.openActions, owners });
  }
}

/** Small enough that passivation, checkpoints, trimming and back-pressure happen within one short run. */
function drawLimits(next: () => number, crowd: CrowdPlan | undefined): HostLimits {
  const limits = {
    ...DEFAULT_HOST_LIMITS,
    activationsPerPartitionMax: 1 + Math.floor(8 * next()),
    activationIdleMs: 500 + Math.floor(5_000 * next()),
    sweepEveryMs: 300 + Math.floor(5_000 * next()),
    checkpointEveryMs: 200 + Math.floor(3_000 * next()),
    checkpointEveryRecords: 5 + Math.floor(100 * next()),
    checkpointLagRecordsMax: 20 + Math.floor(200 * next()),
    outputsUnacknowledgedMax: 4 + Math.floor(100 * next()),
    readAheadRecordsMax: 8 + Math.floor(200 * next()),
    timersPerTickMax: 4 + Math.floor(60 * next()),
    poisonShareMax: 0.5,
    slicePiecesMax: 1 + Math.floor(20 * next()),
    requestDeadlineMs: 500,
    retentionMs: next() < 0.5 ? 3_000 : DEFAULT_HOST_LIMITS.retentionMs,
    roomEveryMs: 50 + Math.floor(500 * next()),
  };
  // What is not even read cannot be answered.
  return crowd ? { ...limits, readAheadRecordsMax: limits.readAheadRecordsMax + CROWD_READ_AHEAD } : limits;
}
