/** One step of a gate, the same for a learner in a worker as for one in another process. */
import type { Candidate, PromotionGate } from '../../learners/promotion/index.js';
import { encodedArtifact, headOf, openArtifact } from '../../policies/artifact.js';
import type { ArtifactMeta, GateAnswer, GateStep } from './trainer.js';

/**
 * Takes the step, and gives what is on trial after it. `seal` makes a candidate of what was learned. Throws Invariant `GATE_*` for a
 * step out of order, and what `seal` throws, with nothing changed.
 */
export function takeGateStep(
  gate: PromotionGate,
  step: GateStep,
  seal: (meta: ArtifactMeta) => Candidate,
): Pick<GateAnswer, 'challenger' | 'artifact'> {
  if (step.step === 'adopt') gate.adopt(openArtifact(step.artifact));
  else if (step.step === 'anchor') gate.anchorOn(openArtifact(step.artifact));
  else if (step.step === 'settle') gate.settle();
  else if (step.step === 'propose') {
    const { policyId, createdAtMs } = step;
    const parent = gate.championVersion ?? undefined;
    const { artifact, policy } = seal({ policyId, version: gate.nextVersion, parent, createdAtMs });
    gate.propose(artifact, policy);
  }
  const challenger = gate.challenger ?? undefined;
  return {
    challenger: challenger && headOf(challenger),
    artifact: challenger && step.step === 'fetch' ? encodedArtifact(challenger) : undefined,
  };
}
