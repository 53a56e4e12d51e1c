/** Where a learner runs. The actor knows only this; a worker thread is one way, the same thread another. */
import type { GateSettings, GateView } from '../../learners/promotion/index.js';
import type { ArtifactHead, SealedArtifact } from '../../policies/artifact.js';
import type { SurfaceShape } from '../../surfaces/policy-fit.js';
import type { ArtifactLabel } from '../artifacts/opener.js';
import type { Tally } from './tally.js';

export interface SessionSpec {
  readonly learner: string;
  readonly kind: string;
  readonly surface: string;
  /** As the plug-in's schema gave it; checked once more where the learner is made. */
  readonly config: unknown;
  readonly seed: number;
  readonly batchSize: number;
  /** Where given, its share of the decisions is held out and judges candidates. */
  readonly gate?: GateSettings;
  /** What it exports must fit; not looked at where it is left out. */
  readonly fits?: SurfaceShape;
  /** The experience stream that is read; a checkpoint of another one has no position in it. */
  readonly stream: { readonly identity: string };
}

/** A message of the experience stream. */
export interface ExperienceRecord {
  readonly sequence: number;
  readonly subject: string;
  readonly payload: Uint8Array;
}

/** What a gate's keeper looks at. */
export interface GateProgress {
  /** Of learners with a gate. A `current` verdict that is not undecided is to be acted upon, and then settled. */
  readonly gate?: GateView;
}

export interface SessionProgress extends GateProgress {
  /** Last sequence that the learner's state covers. */
  readonly position: number;
  readonly tally: Tally;
  /** What it computes with (Learner.runtime); left out before it is known, and by learners that do not say. */
  readonly runtime?: string;
}

export interface ArtifactMeta {
  readonly policyId: string;
  readonly version: number;
  readonly parent: number | undefined;
  readonly createdAtMs: number;
}

/** What an artifact says of itself that is made with this, by whom, and from how much. */
export const labelOf = (
  { policyId, version, parent, createdAtMs }: ArtifactMeta,
  learner: string,
  made: Pick<ArtifactLabel['lineage'], 'experiences' | 'sequence'>,
): ArtifactLabel => ({
  policy: { id: policyId, version },
  lineage: { learner, ...(parent === undefined ? {} : { parent }), ...made, createdAtMs },
});

export interface CheckpointMeta {
  readonly epoch: number;
  readonly savedAtMs: number;
  /** Schema to write it in. */
  readonly v: number;
}

/** What an actor asks of its learner's gate: see PromotionGate. */
export type GateStep =
  /** Seals what was learned as a candidate and puts it on trial; `parent` and `version` are the gate's to give. */
  | { readonly step: 'propose'; readonly policyId: string; readonly createdAtMs: number }
  /** The bytes of an artifact that became live without it. */
  | { readonly step: 'adopt'; readonly artifact: Uint8Array }
  /** Those of the anchor that is configured. */
  | { readonly step: 'anchor'; readonly artifact: Uint8Array }
  | { readonly step: 'settle' }
  /** Changes nothing. */
  | { readonly step: 'look' }
  /** Changes nothing, and gives the challenger whole. */
  | { readonly step: 'fetch' };

export interface GateAnswer<Progress extends GateProgress = SessionProgress> {
  readonly progress: Progress;
  /** Of the artifact on trial, or promoted and not settled yet. */
  readonly challenger: ArtifactHead | undefined;
  /** All of it, where it was fetched. */
  readonly artifact: SealedArtifact | undefined;
}

/** Whatever has a gate: a trainer, or the desk of a learner in another process. */
export interface Gated<Progress extends GateProgress = SessionProgress> {
  /** Rejects with Invariant `GATE_*` for a step out of order, and for a learner without a gate. */
  gate(step: GateStep): Promise<GateAnswer<Progress>>;
}

/**
 * One session of one learner. Calls are made one at a time. A rejection ends the session: what the learner holds is then
 * not to be trusted, and a new one starts from the last checkpoint. Codes: `LEARNER_FAILED` (it threw), `LEARNER_HUNG`,
 * `LEARNER_CRASHED` (its thread ended), `ARTIFACT_*`, `LEARNER_STATE_*`, `CHECKPOINT_*`.
 */
export interface Trainer extends Gated {
  /** The checkpoint's bytes are the trainer's from then on. */
  start(spec: SessionSpec, checkpoint: Uint8Array | undefined): Promise<SessionProgress>;
  /** `idle`: nothing more is there to read. What is behind the position is held back until its batch is complete. */
  fold(records: readonly ExperienceRecord[], idle: boolean): Promise<SessionProgress>;
  /** A sealed artifact, read back and tried out, for its surface too where that is known. */
  exportArtifact(meta: ArtifactMeta): Promise<SealedArtifact>;
  save(meta: CheckpointMeta): Promise<Uint8Array>;
  /** Idempotent. */
  stop(): Promise<void>;
}
