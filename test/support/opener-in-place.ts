/** An opener without a thread, for whatever is not about threads. */
import { headOf, type Artifact } from '../../src/policies/artifact.js';
import type { Policy } from '../../src/policies/policy.js';
import { openNamed, type PolicyOpener } from '../../src/policies/registry/opener.js';
import { policyOf, type PolicyFamilies } from '../../src/policies/registry/policy-of.js';

/** Throws InvalidRequest `ARTIFACT_UNFIT`. */
type FitCheck = (artifact: Artifact, policy: Policy) => void;

/** Opens where it is called, in one go. */
export const openerInPlace = (families: PolicyFamilies, assertFits: FitCheck = () => undefined): PolicyOpener => ({
  // An error is a rejection, in place as elsewhere.
  open: async (bytes, expected) => {
    const artifact = openNamed(bytes, expected);
    const policy = policyOf(artifact, families);
    assertFits(artifact, policy);
    return await Promise.resolve({ head: headOf(artifact), policy });
  },
});
