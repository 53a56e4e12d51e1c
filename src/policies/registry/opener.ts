/** What a registry has its artifacts opened by. */
import type { PolicyRef } from '../../messages/decisions.js';
import { openArtifact, type Artifact, type ArtifactHead } from '../artifact.js';
import type { Policy } from '../policy.js';
import { EngineError } from '../../kernel/errors.js';

export interface OpenedPolicy {
  readonly head: ArtifactHead;
  /** Ready to decide. */
  readonly policy: Policy;
}

export interface PolicyOpener {
  /**
   * Makes a policy of an artifact's bytes, which are the opener's from then on. Rejects as `openArtifact` and `policyOf` throw,
   * with InvalidRequest `ARTIFACT_MISNAMED` for one of another policy or version, `ARTIFACT_UNFIT` where a surface cannot use it,
   * and with Dependency `ARTIFACT_OPENER_*` where opening it came to no end.
   */
  open(bytes: Uint8Array, expected: PolicyRef): Promise<OpenedPolicy>;
}

/** Throws InvalidRequest `ARTIFACT_*` or `JSON_TOO_*`, for one of another policy or version `ARTIFACT_MISNAMED`. */
export function openNamed(bytes: Uint8Array, expected: PolicyRef): Artifact {
  const artifact = openArtifact(bytes);
  const { id, version } = artifact.policy;
  if (id === expected.id && version === expected.version) return artifact;
  const message = 'The artifact is of another policy or version than the registry says.';
  throw new EngineError('InvalidRequest', 'ARTIFACT_MISNAMED', message);
}
