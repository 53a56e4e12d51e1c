/** A store of artifacts through which a learner makes nothing live that its own surface cannot use. */
import type { ArtifactStore } from '../../policies/registry/artifact-store.js';
import type { ArtifactOpener } from '../artifacts/opener.js';

/** `publish` rejects with InvalidRequest `ARTIFACT_UNFIT`, before anything is stored. */
export function fittedArtifacts(
  store: ArtifactStore,
  opener: Pick<ArtifactOpener, 'check'>,
  surface: string,
): ArtifactStore {
  return {
    async publish(artifact, epoch) {
      await opener.check(artifact, surface);
      return await store.publish(artifact, epoch);
    },
    entry: (policyId) => store.entry(policyId),
    load: (policyId, version) => store.load(policyId, version),
    watch: (onChange) => store.watch(onChange),
  };
}
