/** One step of a gate, the same for a learner in a worker as for one in another process. */
import type { PromotionGate } from '../../learners/promotion/index.js';
import { encodeArtifact, openArtifact } from '../../policies/artifact.js';
import type { ArtifactMeta, GateStep } from './trainer.js';

/**
 * Takes the step and gives the bytes of the artifact that is on trial after it, if any. `seal` makes a candidate of what was
 * learned. Throws Invariant `GATE_*` for a step out of order, and what `seal` throws, with nothing changed.
 */
export function takeGateStep(
  gate: PromotionGate,
  step: GateStep,
  seal: (meta: ArtifactMeta) => Uint8Array,
): Uint8Array | undefined {
  if (step.step === 'adopt') gate.adopt(openArtifact(step.artifact));
  else if (step.step === 'anchor') gate.anchorOn(openArtifact(step.artifact));
  else if (step.step === 'settle') gate.settle();
  else if (step.step === 'propose') {
    const { policyId, createdAtMs } = step;
    const parent = gate.championVersion ?? undefined;
    gate.propose(openArtifact(seal({ policyId, version: gate.nextVersion, parent, createdAtMs })));
  }
  const { challenger } = gate;
  return challenger === null ? undefined : encodeArtifact(challenger);
}
