/** Where artifacts are kept and which one of each policy is live. The NATS adapter is in src/actors/learner/. */
import type { SealedArtifact } from '../artifact.js';

/** What the registry says of one policy. */
export interface RegistryEntry {
  readonly policyId: string;
  readonly version: number;
  /** Name of the artifact in the object store. */
  readonly objectKey: string;
  readonly checksum: string;
  readonly publishedAtMs: number;
  /** The learner, or the person, who published it. */
  readonly by: string;
  /** Experiences it was learned from; 0 where that is not known. */
  readonly experiences: number;
  /** The publisher's lease epoch; 0 for one without a lease. */
  readonly epoch: number;
  /** Where somebody made an older version live again. */
  readonly rollback?: Rollback;
  /** Where somebody holds what is live: publications become candidates until it is released. */
  readonly held?: Hold;
  /** Versions that were published while it was held, newest first: a rollback can make one live. */
  readonly candidates: readonly number[];
  /** The highest version that was given, live or not: the next one is above it. */
  readonly newest: number;
}

/** Who holds a policy at what is live, why, and since when. */
export interface Hold {
  readonly by: string;
  readonly why: string;
  readonly atMs: number;
}

/** What became of a publication. */
export type PublicationOutcome = 'live' | 'held';

/** Somebody's act of making an older version live again. */
export interface RollbackOrder {
  /** The version to go back to; the one before the live one, if left out. */
  readonly to?: number | undefined;
  /**
   * Publications go live again from now on. Without `to`, what is live stays. If left out, the policy is held at what the
   * rollback makes live, so that its learner does not undo it.
   */
  readonly release?: boolean | undefined;
  readonly by: string;
  readonly why: string;
}

/** What was done: version `version` is live, and decides as version `to` did; `from` was live before. */
export interface Rollback {
  readonly version: number;
  readonly from: number;
  readonly to: number;
  readonly by: string;
  readonly why: string;
  readonly atMs: number;
  /** Whether the policy is held there from then on. */
  readonly held: boolean;
}

/** Keeps the last of them with what is live. */
export interface PolicyRollbacks {
  /**
   * Makes an older version of the policy live again, under a new version number, so that no version ever means two things.
   * Rejects with NotFound `POLICY_UNKNOWN` or `ARTIFACT_MISSING`, Conflict `ROLLBACK_POINTLESS`, `POLICY_NOT_HELD` or
   * `ARTIFACT_VERSION_TAKEN`, InvalidRequest `ARTIFACT_*` for one that cannot be used any more; then nothing has changed.
   */
  rollBack(policyId: string, order: RollbackOrder): Promise<Rollback>;
}

export interface ArtifactStore {
  /**
   * Stores the artifact and makes it the live one, or a candidate where the policy is held. Rejects with StaleOwner `ARTIFACT_STALE_EPOCH` once a later epoch
   * has published, and with Conflict `ARTIFACT_VERSION_TAKEN` unless the version is above every other; the
   * same candidate once more changes nothing.
   */
  publish(artifact: SealedArtifact, epoch: number): Promise<PublicationOutcome>;
  /** The live entry; undefined where nothing was published. */
  entry(policyId: string): Promise<RegistryEntry | undefined>;
  /**
   * An artifact's bytes, of the live version unless one is named, for the caller to keep; undefined where it is not stored. Unchecked. Waits
   * for a store that is out of reach for a while before it rejects with Dependency.
   */
  load(policyId: string, version?: number): Promise<Uint8Array | undefined>;
  /**
   * Calls back with every policy's live entry, those there already first, and then with each change, in order. The
   * returned function ends it. Reconnects by itself.
   */
  watch(onChange: (entry: RegistryEntry) => void): () => void;
}
