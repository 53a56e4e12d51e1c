import { seededRandom } from '../../kernel/random.js';
import { partitionOf } from '../../kernel/ids.js';
import { DEFAULT_FOLD_SETTINGS } from '../../messages/settings.js';
import { DEFAULT_HOST_LIMITS, type HostLimits } from '../host/limits.js';
import { ALL_PROTECTIONS, type Protections } from '../host/protections.js';
import { unleash } from './chaos.js';
import { checkJournals, checkOutputs, checkStates, type Seen, type Violation } from './checks.js';
import { SimulatedProcess, Timeline } from './clock.js';
import { SimulatedConnection } from './connection.js';
import { drawFaults, LATE_MS_MAX } from './faults.js';
import { Fleet } from './fleet.js';
import { Replay } from './replay.js';
import { SimulatedServer } from './server.js';
import { checkToys } from './toy-checks.js';
import { TOY_KINDS } from './toy-kinds.js';
import { ToyLedgerState } from './toy-ledger.js';
import { TOY_CAMPAIGNS, TOY_ZONES, toyUser, ToyWorkload } from './toy-workload.js';
import { Trace, type TraceLine } from './trace.js';

export interface SimulationOptions {
  readonly seed: number;
  readonly protections?: Protections;
  /** Keep the trace's lines. */
  readonly trace?: boolean;
}

export interface SimulationResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** Of everything that happened: equal for equal seeds and code. */
  readonly hash: string;
  readonly lines: readonly TraceLine[];
  readonly records: number;
  readonly acknowledged: number;
}

const LEASE_TTL_MS = 2_000;
const FAULTS_UNTIL_MS = 12_000;
/** After the faults: how long until the last request must have been answered and the last timer fired. */
const SETTLE_MS = 60_000;
const STEP_MS = 500;

/** One run of several hosts over one server, from a seed: faults, then calm, then a check of every promise. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, protections = ALL_PROTECTIONS } = options;
  const trace = new Trace(options.trace ?? false);
  const timeline = new Timeline(seed, trace);
  const random = seededRandom(seed * 31 + 1);
  const partitions = 1 + Math.floor(random.next() * 4);
  const hosts = 2 + Math.floor(random.next() * 2);
  const users = 2 + Math.floor(random.next() * 5);
  const settings = { ...DEFAULT_FOLD_SETTINGS, partitions };
  const server = new SimulatedServer(timeline, { partitions, leaseTtlMs: LEASE_TTL_MS });
  const fleet = new Fleet({
    server,
    cast: { kinds: [...TOY_KINDS.values()], createShared: () => new ToyLedgerState(), services: {} },
    settings,
    limits: drawLimits(random.next, random.next() < 0.5),
    leaseTtlMs: LEASE_TTL_MS,
    protections,
    seed,
  });
  const app = new SimulatedConnection(new SimulatedProcess(timeline, 'app'), server);
  const workload = new ToyWorkload(app, server, {
    random,
    partitions,
    users,
    untilMs: FAULTS_UNTIL_MS,
    actions: 60 + Math.floor(random.next() * 80),
  });
  unleash(server, fleet, { plan: drawFaults(random), random, hosts, apps: [app], untilMs: FAULTS_UNTIL_MS });
  for (let slot = 0; slot < hosts; slot++) fleet.start(slot);
  workload.start();

  await timeline.run(FAULTS_UNTIL_MS);
  const isSettled = (): boolean => workload.openActions === 0 && fleet.isQuiet();
  let settled = false;
  // Nothing a broken connection still held back may arrive after the look at the final states.
  await timeline.run(FAULTS_UNTIL_MS + LATE_MS_MAX);
  while (!settled && timeline.nowMs < FAULTS_UNTIL_MS + SETTLE_MS) {
    await timeline.run(timeline.nowMs + STEP_MS);
    settled = isSettled();
  }
  const violations: Violation[] = fleet.refusals.map((what) => ({ promise: 'no-partition-refused', what }));
  if (!settled)
    violations.push({
      promise: 'settles',
      what: `not quiet ${SETTLE_MS} ms after the last fault: ${describe(fleet, workload)}`,
    });
  const seen = settled ? await look(timeline, workload, partitions, users) : [];
  const replays = server.journals.map(
    (stream, partition) => new Replay({ partition, kinds: TOY_KINDS, shared: new ToyLedgerState(), settings }, stream),
  );
  if (settled) {
    violations.push(
      ...checkJournals(replays),
      ...checkOutputs(server, replays),
      ...checkStates(replays, seen),
      ...checkToys(replays, workload.acked),
    );
  }
  const { acked } = workload;
  return {
    seed,
    violations,
    hash: trace.hash,
    lines: trace.lines,
    records: server.journals.reduce((sum, stream) => sum + stream.lastSequence, 0),
    acknowledged: acked.events.length + acked.decisions.length + acked.raises.length,
  };
}

/** Small enough that passivation, checkpoints, trimming and back-pressure happen within one short run. */
function drawLimits(next: () => number, trims: boolean): HostLimits {
  return {
    ...DEFAULT_HOST_LIMITS,
    activationsPerPartitionMax: 1 + Math.floor(8 * next()),
    activationIdleMs: 500 + Math.floor(5_000 * next()),
    checkpointEveryMs: 200 + Math.floor(3_000 * next()),
    checkpointEveryRecords: 5 + Math.floor(100 * next()),
    checkpointLagRecordsMax: 20 + Math.floor(200 * next()),
    outputsUnacknowledgedMax: 4 + Math.floor(100 * next()),
    readAheadRecordsMax: 8 + Math.floor(200 * next()),
    timersPerTickMax: 4 + Math.floor(60 * next()),
    poisonShareMax: 0.5,
    requestDeadlineMs: 500,
    retentionMs: trims ? 3_000 : DEFAULT_HOST_LIMITS.retentionMs,
  };
}

/** Asks every actor there is for its state. */
async function look(timeline: Timeline, workload: ToyWorkload, partitions: number, users: number): Promise<Seen[]> {
  const seen: Seen[] = [];
  const ask = (kind: string, token: string): void =>
    void workload.view(kind, token).then((view) => seen.push({ ...view, partition: partitionOf(token, partitions) }));
  for (let user = 0; user < users; user++) ask('user', toyUser(user));
  for (const zone of TOY_ZONES) ask('zone', zone);
  for (const campaign of TOY_CAMPAIGNS) ask('campaign', campaign);
  await timeline.run(timeline.nowMs + 10_000);
  return seen;
}

function describe(fleet: Fleet<unknown> | Fleet<never>, workload: ToyWorkload): string {
  const owners = fleet.members.map((member) => ({
    host: member?.process.name,
    status: member?.host
      .status()
      .partitions.map(({ partition, phase, lag, recordsInFlight, outputsUnacknowledged, timers, reason }) => ({
        partition,
        phase,
        lag,
        recordsInFlight,
        outputsUnacknowledged,
        timers,
        reason,
      })),
    refused: member?.host.status().refused,
  }));
  return JSON.stringify({ openActions: workload.openActions, owners });
}
