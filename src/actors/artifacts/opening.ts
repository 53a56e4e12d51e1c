/** The work of an opener: pure, and the same in a thread of its own as where it is asked for. */
import { createHash } from 'node:crypto';
import { isExcess, JSON_BOUNDS, parseBoundedText, refuseExcess } from '../../kernel/bounded-json.js';
import { invalidRequest } from '../../kernel/errors.js';
import type { PolicyRef } from '../../messages/decisions.js';
import {
  ARTIFACT_BYTES_MAX,
  encodedArtifact,
  headOf,
  openArtifact,
  sealArtifact,
  type Artifact,
  type ArtifactHead,
  type SealedArtifact,
} from '../../policies/artifact.js';
import type { Policy } from '../../policies/policy.js';
import { LEARNED_FAMILIES } from '../../policies/registry/learned-families.js';
import { openNamed, type OpenedPolicy } from '../../policies/registry/opener.js';
import { familyOf, tryPolicy } from '../../policies/registry/policy-of.js';
import {
  assertFits,
  fitSurface,
  fitsWhereItServes,
  type FitSurface,
  type SurfaceShape,
} from '../../surfaces/policy-fit.js';
import type { ArtifactLabel, Publication } from './opener.js';

/** Plain data; bytes are handed over. */
export type OpenerCall =
  | { readonly call: 'open'; readonly bytes: Uint8Array; readonly expected: PolicyRef }
  | {
      readonly call: 'seal';
      readonly publication: Publication;
      readonly label: ArtifactLabel;
      readonly surface: string;
    }
  | {
      readonly call: 'reseal';
      readonly bytes: Uint8Array;
      readonly policy: PolicyRef;
      readonly lineage: { readonly parent: number; readonly createdAtMs: number };
    }
  | { readonly call: 'check'; readonly bytes: Uint8Array; readonly surface: string };

/** A policy on its way: its family's form, and what it says of itself. */
export interface OpenedForm {
  readonly head: ArtifactHead;
  readonly form: unknown;
}

/** The policy of what was opened elsewhere, in a time that does not grow with it. */
export const installed = ({ head, form }: OpenedForm): OpenedPolicy => ({
  head,
  policy: familyOf(head.family, LEARNED_FAMILIES).install(head.policy, form),
});

export class Opening {
  readonly #surfaces: ReadonlyMap<string, FitSurface>;

  /** What serves here: policies are checked for those surfaces, and for no others. */
  constructor(surfaces: readonly SurfaceShape[]) {
    this.#surfaces = new Map(surfaces.map((surface) => [surface.id, fitSurface(surface)]));
  }

  /** Throws as ArtifactOpener rejects. */
  perform(call: OpenerCall): OpenedForm | SealedArtifact | undefined {
    switch (call.call) {
      case 'open':
        return this.open(call.bytes, call.expected);
      case 'seal':
        return this.seal(call.publication, call.label, call.surface);
      case 'reseal':
        return this.reseal(call.bytes, call.policy, call.lineage);
      case 'check':
        this.check(call.bytes, call.surface);
        return undefined;
    }
  }

  open(bytes: Uint8Array, expected: PolicyRef): OpenedForm {
    const artifact = openNamed(bytes, expected);
    const { form, policy } = madeOf(artifact);
    fitsWhereItServes(this.#surfaces)(artifact, policy);
    return { head: headOf(artifact), form };
  }

  seal(publication: Publication, label: ArtifactLabel, surface: string): SealedArtifact {
    return candidateOf(publication, label, this.#surfaces.get(surface)).sealed;
  }

  reseal(
    bytes: Uint8Array,
    policy: PolicyRef,
    { parent, createdAtMs }: { parent: number; createdAtMs: number },
  ): SealedArtifact {
    const { checksum: _, ...before } = openNamed(bytes, { id: policy.id, version: parent });
    const artifact = sealArtifact({ ...before, policy, lineage: { ...before.lineage, parent, createdAtMs } });
    const sealed = bounded(artifact);
    fitsWhereItServes(this.#surfaces)(artifact, madeOf(artifact).policy);
    return sealed;
  }

  check(bytes: Uint8Array, surface: string): void {
    fitted(openArtifact(bytes), this.#surfaces.get(surface));
  }
}

/** A publication as the artifact it becomes, tried out for the surface, where that is known. Throws as ArtifactOpener.seal rejects. */
export function candidateOf(
  publication: Publication,
  { policy: named, lineage }: ArtifactLabel,
  surface: FitSurface | undefined,
): { readonly artifact: Artifact; readonly policy: Policy; readonly sealed: SealedArtifact } {
  const { family, parameters, sha256 } = publication;
  if (createHash('sha256').update(parameters, 'utf8').digest('hex') !== sha256)
    throw invalidRequest('ARTIFACT_CHECKSUM', 'The parameters do not match their checksum.', 'sha256');
  const artifact = sealArtifact({ schema: 1, family, policy: named, parameters: parsed(publication), lineage });
  const sealed = bounded(artifact);
  return { artifact, sealed, policy: fitted(artifact, surface) };
}

function fitted(artifact: Artifact, surface: FitSurface | undefined): Policy {
  const { policy } = madeOf(artifact);
  if (surface !== undefined) assertFits(artifact, policy, surface);
  return policy;
}

function parsed({ parameters, bytesMax }: Publication): unknown {
  if (Buffer.byteLength(parameters, 'utf8') > bytesMax)
    throw invalidRequest(
      'ARTIFACT_TOO_LARGE',
      `The parameters may have ${bytesMax} bytes (artifactBytesMax).`,
      'parameters',
    );
  try {
    return parseBoundedText(parameters, JSON_BOUNDS.publication, 'parameters');
  } catch (error) {
    if (isExcess(error)) throw error;
    throw invalidRequest('ARTIFACT_MALFORMED', 'The parameters are not JSON, which knows no NaN.', 'parameters');
  }
}

/** What whoever opens it would refuse must not be stored. */
function bounded(artifact: Artifact): SealedArtifact {
  const sealed = encodedArtifact(artifact);
  if (sealed.bytes.length > ARTIFACT_BYTES_MAX)
    throw invalidRequest('ARTIFACT_TOO_LARGE', `An artifact may have ${ARTIFACT_BYTES_MAX} bytes.`, 'parameters');
  refuseExcess(sealed.bytes, JSON_BOUNDS.artifact, 'parameters');
  return sealed;
}

function madeOf(artifact: Artifact): { readonly form: unknown; readonly policy: Policy } {
  const family = familyOf(artifact.family, LEARNED_FAMILIES);
  const form = family.compile(artifact);
  const policy = family.install(artifact.policy, form);
  tryPolicy(policy);
  return { form, policy };
}
