/** Asks a surface's policies, in order, until one gives a slate. */
import { EngineError } from '../../kernel/errors.js';
import type { Candidate, PolicyRef, Reason, SlateItem } from '../../messages/decisions.js';
import { GIVEN_ORDER } from '../../policies/declared-policies.js';
import { withBoost } from '../../policies/boost.js';
import { withFloor, type FlooredPolicy } from '../../policies/floor.js';
import type { DecisionContext, Policy, PolicyDirectory } from '../../policies/policy.js';
import { assertDistribution, drawSlate, keyedRandom, type Drawn, type Pin } from '../../policies/sampling.js';
import { reasonOf } from '../../policies/fault-book.js';
import type { Surface } from '../../surfaces/surface.js';
import type { DecisionServices } from './services.js';

/** Reasons that an item carries at most. */
const REASONS_MAX = 4;

export interface Choice {
  readonly slate: readonly SlateItem[];
  readonly distribution: readonly number[];
  readonly floor: number;
  /** Factors other than 1 that are in the distribution, by candidate id; undefined where there are none. */
  readonly boosts?: Readonly<Record<string, number>>;
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
 * as it is. With no candidates nobody is asked and the slate is empty. A policy that throws is told to `faults` and passed
 * over; so is one that gives a number that is not finite.
 */
export function choose(
  question: Question,
  policies: PolicyDirectory,
  { samplingKey, faults }: Pick<DecisionServices, 'samplingKey' | 'faults'>,
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
    const asked = servedOnce(policy, link === 0 ? surface.exploration.floor : 0, surface.rules.boostOf);
    if (candidates.length === 0)
      return { slate: [], distribution: [], floor: asked.floor, policy: policy.ref, fallbackReason: failed };
    try {
      return { ...ask(asked, question, samplingKey), fallbackReason: failed };
    } catch (error) {
      failed = note(failed, id, reasonOf('policy', error));
      faults?.report({ part: 'policy', id, version: policy.ref.version, surface: surface.id, error });
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
  const boosts = boostsOf(surface, candidates);
  const slate = drawn.map((one, position) => {
    const { id, category, campaign } = candidates[one.index]!;
    const score = scores[one.index];
    if (score === undefined || !Number.isFinite(score))
      throw new EngineError('Invariant', 'POLICY_SCORES', `The policy ${policy.ref.id} gave ${id} the score ${score}.`);
    const explained = policy.explain(context, candidates, one.index);
    for (const { code, contribution = 0 } of explained)
      if (!Number.isFinite(contribution)) {
        const message = `The policy ${policy.ref.id} gave ${id} the reason ${code} with ${contribution}.`;
        throw new EngineError('Invariant', 'POLICY_REASONS', message);
      }
    const explores = position === 0 && !one.forced && one.index !== best;
    return {
      id,
      score,
      propensity: one.propensity,
      reasons: reasonsFor(explained, one, explores, boosts?.[id]),
      ...(one.forced ? { forced: true as const } : undefined),
      ...(category === undefined ? undefined : { category }),
      ...(campaign === undefined ? undefined : { campaign }),
    };
  });
  return {
    slate,
    distribution,
    floor: policy.floor,
    ...(boosts === undefined ? undefined : { boosts }),
    policy: policy.ref,
  };
}

/** The engine's own reasons come after the policy's, and before them where an operator fixed the place. */
function reasonsFor(
  explained: readonly Reason[],
  drawn: Drawn,
  explores: boolean,
  boost: number | undefined,
): readonly Reason[] {
  if (drawn.forced)
    return [{ code: 'pinned', text: 'It has a fixed place here.' }, ...explained.slice(0, REASONS_MAX - 1)];
  const own: Reason[] = [];
  if (boost !== undefined) {
    const text = boost > 1 ? 'It is put forward here at the moment.' : 'It is held back here at the moment.';
    own.push({ code: 'boosted', text, contribution: boost });
  }
  if (explores) {
    const chance = Math.round(drawn.propensity * 1000) / 10;
    own.push({
      code: 'exploration',
      text: `Tried out to learn from it; the chance of that was ${chance} %.`,
      contribution: drawn.propensity,
    });
  }
  const kept = REASONS_MAX - own.length;
  const first = explained.length > kept ? explained.slice(0, kept) : explained;
  return own.length === 0 ? first : [...first, ...own];
}

function boostsOf(surface: Surface, candidates: readonly Candidate[]): Record<string, number> | undefined {
  const { boostOf } = surface.rules;
  if (boostOf === undefined) return undefined;
  let boosts: Record<string, number> | undefined;
  for (const candidate of candidates) {
    const factor = boostOf(candidate);
    // Ids come from apps: `__proto__` must be one like any other.
    if (factor !== 1) (boosts ??= Object.create(null) as Record<string, number>)[candidate.id] = factor;
  }
  return boosts;
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

type Boost = Surface['rules']['boostOf'];

/** A policy with a surface's boost and floor is made once, not once a decision; it is forgotten with the policy. */
const served = new WeakMap<Policy, { readonly boostOf: Boost; readonly policy: FlooredPolicy }[]>();

function servedOnce(policy: Policy, floor: number, boostOf: Boost): FlooredPolicy {
  const known = served.get(policy);
  const match = known?.find((one) => one.policy.floor === floor && one.boostOf === boostOf);
  if (match !== undefined) return match.policy;
  const made = withFloor(boostOf === undefined ? policy : withBoost(policy, boostOf), floor);
  if (known === undefined) served.set(policy, [{ boostOf, policy: made }]);
  else known.push({ boostOf, policy: made });
  return made;
}
