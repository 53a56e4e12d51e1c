/** Whatever is done with a whole artifact, for whoever serves decisions beside it. */
import type { PolicyRef } from '../../messages/decisions.js';
import type { Artifact, SealedArtifact } from '../../policies/artifact.js';
import type { PolicyOpener } from '../../policies/registry/opener.js';

/** Parameters that somebody hands in as text, to be made an artifact. */
export interface Publication {
  readonly family: string;
  /** JSON. */
  readonly parameters: string;
  /** Of the text as UTF-8, hex. */
  readonly sha256: string;
  readonly bytesMax: number;
}

/** What an artifact says of itself beside its parameters. */
export type ArtifactLabel = Pick<Artifact, 'policy' | 'lineage'>;

export interface ArtifactOpener extends PolicyOpener {
  /**
   * Makes an artifact of a publication, and tries it out for the surface, where that is known. Rejects with InvalidRequest
   * `ARTIFACT_*` or `JSON_TOO_*`, and with what its family has against it.
   */
  seal(publication: Publication, label: ArtifactLabel, surface: string): Promise<SealedArtifact>;
  /**
   * A stored artifact under another version, with another parent and time: what a rollback makes live. The bytes are the
   * opener's. Rejects as `open` does.
   */
  reseal(
    bytes: Uint8Array,
    policy: PolicyRef,
    lineage: { parent: number; createdAtMs: number },
  ): Promise<SealedArtifact>;
  /** Tries a stored artifact out for the surface, where that is known. Rejects as `open` does. Keeps its hands off the bytes. */
  check(artifact: SealedArtifact, surface: string): Promise<void>;
}
