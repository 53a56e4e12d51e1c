/** A store of artifacts through which a learner makes nothing live that its own surface cannot use. */
import type { ArtifactStore } from '../../policies/registry/artifact-store.js';
import { LEARNED_FAMILIES } from '../../policies/registry/learned-families.js';
import { policyOf, type FitCheck } from '../../policies/registry/registry.js';

/** `publish` rejects with InvalidRequest `ARTIFACT_UNFIT`, before anything is stored. */
export function fittedArtifacts(store: ArtifactStore, assertFits: FitCheck): ArtifactStore {
  return {
    async publish(artifact, epoch) {
      assertFits(artifact, policyOf(artifact, LEARNED_FAMILIES));
      return await store.publish(artifact, epoch);
    },
    entry: (policyId) => store.entry(policyId),
    load: (policyId, version) => store.load(policyId, version),
    watch: (onChange) => store.watch(onChange),
  };
}
