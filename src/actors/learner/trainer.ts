/** Where a learner runs. The actor knows only this; a worker thread is one way, the same thread another. */
import type { Tally } from './tally.js';

export interface SessionSpec {
  readonly learner: string;
  readonly kind: string;
  readonly surface: string;
  /** As the plug-in's schema gave it; checked once more where the learner is made. */
  readonly config: unknown;
  readonly seed: number;
  readonly batchSize: number;
  /** The experience stream that is read; a checkpoint of another one has no position in it. */
  readonly stream: { readonly identity: string };
}

/** A message of the experience stream. */
export interface ExperienceRecord {
  readonly sequence: number;
  readonly subject: string;
  readonly payload: Uint8Array;
}

export interface SessionProgress {
  /** Last sequence that the learner's state covers. */
  readonly position: number;
  readonly tally: Tally;
}

export interface ArtifactMeta {
  readonly policyId: string;
  readonly version: number;
  readonly parent: number | undefined;
  readonly createdAtMs: number;
}

export interface CheckpointMeta {
  readonly epoch: number;
  readonly savedAtMs: number;
}

/**
 * One session of one learner. Calls are made one at a time. A rejection ends the session: what the learner holds is then
 * not to be trusted, and a new one starts from the last checkpoint. Codes: `LEARNER_FAILED` (it threw), `LEARNER_HUNG`,
 * `LEARNER_CRASHED` (its thread ended), `ARTIFACT_*`, `LEARNER_STATE_*`, `CHECKPOINT_*`.
 */
export interface Trainer {
  start(spec: SessionSpec, checkpoint: Uint8Array | undefined): Promise<SessionProgress>;
  /** `idle`: nothing more is there to read. What is behind the position is held back until its batch is complete. */
  fold(records: readonly ExperienceRecord[], idle: boolean): Promise<SessionProgress>;
  /** A sealed artifact's bytes, read back and tried out. */
  exportArtifact(meta: ArtifactMeta): Promise<Uint8Array>;
  save(meta: CheckpointMeta): Promise<Uint8Array>;
  /** Idempotent. */
  stop(): Promise<void>;
}
