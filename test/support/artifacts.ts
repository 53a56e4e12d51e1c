/** Artifacts by hand. */
import { createHash } from 'node:crypto';
import type { Publication } from '../../src/actors/artifacts/opener.js';
import { encodedArtifact, sealArtifact, type SealedArtifact } from '../../src/policies/artifact.js';

export const POLICY_ID = 'p';

/** So many arms, each of which was liked to its own degree, and no two versions alike. */
export const armsOf = (count: number, version = 1): Record<string, [number, number]> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`arm-${i}`, [1 + (i % 97) / 3, version + (i % 89) / 7]]));

export const artifactOf = (version: number, parameters: unknown, family = 'beta-thompson'): SealedArtifact =>
  encodedArtifact(
    sealArtifact({
      schema: 1,
      family,
      policy: { id: POLICY_ID, version },
      parameters,
      lineage: { learner: 'l', experiences: 0, sequence: 0, createdAtMs: version },
    }),
  );

export const thompsonOf = (version: number, arms: number): SealedArtifact =>
  artifactOf(version, { arms: armsOf(arms, version), prior: [1, 1] });

export function publicationOf(parameters: string, family = 'beta-thompson'): Publication {
  const sha256 = createHash('sha256').update(parameters).digest('hex');
  return { family, parameters, sha256, bytesMax: 8 * 1024 * 1024 };
}
