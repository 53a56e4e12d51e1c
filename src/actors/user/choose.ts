/** Asks a surface's policies, in order, until one gives a slate. */
import { EngineError } from '../../kernel/errors.js';
import type { Candidate, PolicyRef, Reason, SlateItem } from '../../messages/decisions.js';
import { GIVEN_ORDER } from '../../policies/declared-policies.js';
import { withFloor, type FlooredPolicy } from '../../policies/floor.js';
import type { DecisionContext, Policy, PolicyDirectory } from '../../policies/policy.js';
import { assertDistribution, drawSlate, keyedRandom, type Drawn, type Pin } from '../../policies/sampling.js';
import type { Surface } from '../../surfaces/surface.js';
import type { DecisionServices } from './services.js';

/** Reasons that an item carries at most. */
const REASONS_MAX = 4;

export interface Choice {
  readonly slate: readonly SlateItem[];
  readonly distribution: readonly number[];
  readonly floor: number;
  readonly policy: PolicyRef;
  /** Which links could not answer, and why; null where the live policy did. */
  readonly fallbackReason: string | null;
}

export interface Question {
  readonly surface: Surface;
  readonly context: DecisionContext;
  readonly candidates: readonly Candidate[];
  readonly k: number;
  readonly decisionId: string;
}

/**
 * The slate of the first link of the surface's chain that gives one. Only the live policy explores: a fallback answers
 * as it is. With no candidates nobody is asked and the slate is empty.
 */
export function choose(
  question: Question,
  policies: PolicyDirectory,
  samplingKey: DecisionServices['samplingKey'],
): Choice {
  const { surface, candidates } = question;
  let failed: string | null = null;
  for (let link = 0; link <= surface.chain.length; link++) {
    const id = surface.chain[link] ?? GIVEN_ORDER.ref.id;
    const policy = link < surface.chain.length ? policies.get(id) : GIVEN_ORDER;
    if (policy === undefined) {
      failed = note(failed, id, 'POLICY_MISSING');
      continue;
    }
    const floored = flooredOnce(policy, link === 0 ? surface.exploration.floor : 0);
    if (candidates.length === 0)
      return { slate: [], distribution: [], floor: floored.floor, policy: policy.ref, fallbackReason: failed };
    try {
      return { ...ask(floored, question, samplingKey), fallbackReason: failed };
    } catch (error) {
      failed = note(failed, id, error instanceof EngineError ? error.code : 'POLICY_THREW');
    }
  }
  throw new EngineError('Invariant', 'POLICY_CHAIN_EMPTY', `No policy of ${surface.id} could answer: ${failed}.`);
}

function ask(
  policy: FlooredPolicy,
  question: Question,
  key: DecisionServices['samplingKey'],
): Omit<Choice, 'fallbackReason'> {
  const { context, candidates, k, surface, decisionId } = question;
  const distribution = policy.distribution(context, candidates);
  assertDistribution(distribution, candidates.length);
  const drawn = drawSlate({
    distribution,
    floor: policy.floor,
    k,
    random: keyedRandom(key, 'slate', decisionId),
    pins: pinsOf(surface, candidates),
    reask: (indices) => {
      const again = policy.distribution(
        context,
        indices.map((index) => candidates[index]!),
      );
      assertDistribution(again, indices.length);
      return again;
    },
  });
  const scores = policy.scores(context, candidates);
  let best = 0;
  for (let i = 1; i < distribution.length; i++) if (distribution[i]! > distribution[best]!) best = i;
  const slate = drawn.map((one, position) => {
    const { id, category, campaign } = candidates[one.index]!;
    const score = scores[one.index];
    if (score === undefined || !Number.isFinite(score))
      throw new EngineError('Invariant', 'POLICY_SCORES', 'A policy gave a score that is not a number.');
    const explained = policy.explain(context, candidates, one.index);
    const explores = position === 0 && !one.forced && one.index !== best;
    return {
      id,
      score,
      propensity: one.propensity,
      reasons: reasonsFor(explained, one, explores),
      ...(one.forced ? { forced: true as const } : undefined),
      ...(category === undefined ? undefined : { category }),
      ...(campaign === undefined ? undefined : { campaign }),
    };
  });
  return { slate, distribution, floor: policy.floor, policy: policy.ref };
}

function reasonsFor(explained: readonly Reason[], drawn: Drawn, explores: boolean): readonly Reason[] {
  if (drawn.forced)
    return [{ code: 'pinned', text: 'It has a fixed place here.' }, ...explained.slice(0, REASONS_MAX - 1)];
  if (!explores) return explained.length > REASONS_MAX ? explained.slice(0, REASONS_MAX) : explained;
  const chance = Math.round(drawn.propensity * 1000) / 10;
  return [
    ...explained.slice(0, REASONS_MAX - 1),
    {
      code: 'exploration',
      text: `Tried out to learn from it; the chance of that was ${chance} %.`,
      contribution: drawn.propensity,
    },
  ];
}

function pinsOf(surface: Surface, candidates: readonly Candidate[]): readonly Pin[] | undefined {
  const { pins } = surface.slate;
  if (pins.length === 0) return undefined;
  return pins
    .map(({ candidate, position }) => ({ position, index: candidates.findIndex(({ id }) => id === candidate) }))
    .filter(({ index }) => index >= 0);
}

const note = (failed: string | null, id: string, code: string): string =>
  failed === null ? `${id}: ${code}` : `${failed}; ${id}: ${code}`;

/** A policy with its floor is made once, not once a decision; it is forgotten with the policy. */
const floors = new WeakMap<Policy, FlooredPolicy[]>();

function flooredOnce(policy: Policy, floor: number): FlooredPolicy {
  const known = floors.get(policy);
  const match = known?.find((one) => one.floor === floor);
  if (match !== undefined) return match;
  const made = withFloor(policy, floor);
  if (known === undefined) floors.set(policy, [made]);
  else known.push(made);
  return made;
}
