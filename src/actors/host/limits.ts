import { SLICE_MS, SLICE_PIECES_MAX } from '../../kernel/slices.js';

/** Every bound of a partition owner, with its unit in its name. */
export interface HostLimits {
  /** Requests worked on at once, per partition; more wait, and apps take turns. */
  readonly requestsOpenMax: number;
  /** Requests waiting or worked on, per partition and per actor; above it the caller gets Overloaded. */
  readonly requestsPerPartitionMax: number;
  /** Of those that came over NATS, per partition: each app has its part, as of their number. */
  readonly requestBytesMax: number;
  readonly requestsPerActorMax: number;
  /** Activations kept per partition before the least recently used are passivated. */
  readonly activationsPerPartitionMax: number;
  readonly activationIdleMs: number;
  readonly checkpointEveryMs: number;
  /** Idle and excess activations are looked for so often. */
  readonly sweepEveryMs: number;
  readonly checkpointEveryRecords: number;
  /** Folding waits for a checkpoint once it is this far ahead of the last one: the bound on replay. */
  readonly checkpointLagRecordsMax: number;
  /** Folding waits while more outputs than this are unacknowledged. */
  readonly outputsUnacknowledgedMax: number;
  /** Records buffered ahead of the fold; above it the reader is stopped and restarted later. */
  readonly readAheadRecordsMax: number;
  readonly readAheadBytesMax: number;
  /** Timers fired and not folded yet. */
  readonly timersPerTickMax: number;
  /** A partition stops when, of the last `poisonWindowRecords`, more than this share was poison. */
  readonly poisonShareMax: number;
  readonly poisonWindowRecords: number;
  readonly broadcastEveryMs: number;
  /** How long a request that names no deadline waits for its `after` token. */
  readonly requestDeadlineMs: number;
  /** Records younger than this are trimmed only where the journal fills. */
  readonly retentionMs: number;
  /** How often the journal's room is looked at. */
  readonly roomEveryMs: number;
  /** How long a graceful release waits for what is in flight. */
  readonly releaseMs: number;
  /** See Slices: what of a turn goes to checkpoints, passivation and broadcasts, of all partitions together. */
  readonly sliceMs: number;
  readonly slicePiecesMax: number;
}

export const DEFAULT_HOST_LIMITS: HostLimits = {
  requestsOpenMax: 256,
  requestsPerPartitionMax: 4_096,
  requestBytesMax: 32 * 1024 * 1024,
  requestsPerActorMax: 64,
  activationsPerPartitionMax: 50_000,
  activationIdleMs: 15 * 60_000,
  checkpointEveryMs: 30_000,
  sweepEveryMs: 5_000,
  checkpointEveryRecords: 5_000,
  checkpointLagRecordsMax: 25_000,
  outputsUnacknowledgedMax: 10_000,
  readAheadRecordsMax: 20_000,
  readAheadBytesMax: 64 * 1024 * 1024,
  timersPerTickMax: 256,
  poisonShareMax: 0.1,
  poisonWindowRecords: 1_000,
  broadcastEveryMs: 20,
  requestDeadlineMs: 1_000,
  retentionMs: 7 * 86_400_000,
  roomEveryMs: 1_000,
  releaseMs: 2_000,
  sliceMs: SLICE_MS,
  slicePiecesMax: SLICE_PIECES_MAX,
};
