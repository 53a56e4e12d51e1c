/** One challenger, judged decision by decision against the live policy and the anchor. */
import type { Experience } from '../../messages/decisions.js';
import type { Policy } from '../../policies/policy.js';
import { Comparison } from './comparison.js';
import type { SavedTrial } from './gate-state.js';
import { heldOutDecision } from './held-out-decision.js';
import type { GateSettings } from './settings.js';
import type { GateOutcome, GateReason, GateVerdict } from '../../messages/gate-verdict.js';

export interface Contestants {
  readonly challenger: Policy;
  readonly live: Policy;
  readonly anchor: Policy;
}

export class Trial {
  readonly #settings: GateSettings;
  readonly #policies: Contestants;
  readonly #number: number;
  readonly #live: Comparison;
  readonly #anchor: Comparison;
  #decisions: number;
  #unanswered: number;
  #weight: number;
  #square: number;
  #weighted: number;
  #shift: number;
  #judgedAtMs: number;

  /** `number`: which candidate of its learner this is, from 1. */
  constructor(settings: GateSettings, number: number, policies: Contestants, saved?: SavedTrial) {
    this.#settings = settings;
    this.#policies = policies;
    this.#number = number;
    this.#live = new Comparison(settings, saved?.live);
    this.#anchor = new Comparison(settings, saved?.anchor);
    this.#decisions = saved?.decisions ?? 0;
    this.#unanswered = saved?.unanswered ?? 0;
    this.#weight = saved?.weight ?? 0;
    this.#square = saved?.square ?? 0;
    this.#weighted = saved?.weighted ?? 0;
    this.#shift = saved?.shift ?? 0;
    this.#judgedAtMs = saved?.judgedAtMs ?? 0;
  }

  /** Takes a held-out experience into account; one that cannot be judged changes nothing. */
  add(experience: Experience): void {
    const decision = heldOutDecision(experience);
    if (decision === undefined) return;
    const { challenger, live, anchor } = this.#policies;
    this.#judgedAtMs = Math.max(this.#judgedAtMs, experience.closedAtMs);
    let ours: readonly number[], theirs: readonly number[], first: readonly number[];
    try {
      ours = decision.distributionOf(challenger);
      theirs = decision.distributionOf(live);
      first = anchor === live ? theirs : decision.distributionOf(anchor);
    } catch {
      // Whether a policy answers depends on what was asked, not on what came of it: leaving these out favours nobody.
      this.#unanswered++;
      return;
    }
    const { propensities, chosen } = decision;
    const { reward, weightMax } = this.#settings;
    const scaled = Math.min(Math.max((decision.reward - reward.min) / (reward.max - reward.min), 0), 1);
    const input = { propensities, chosen, reward: scaled };
    this.#live.add(input, ours, theirs);
    this.#anchor.add(input, ours, first);
    const weight = Math.min(ours[chosen]! / propensities[chosen]!, weightMax);
    this.#decisions++;
    this.#weight += weight;
    this.#square += weight * weight;
    this.#weighted += weight * scaled;
    for (let a = 0; a < ours.length; a++) this.#shift += Math.abs(ours[a]! - theirs[a]!) / 2;
  }

  /** As of now. It may be asked after every decision: no amount of looking makes a wrong promotion likelier. */
  verdict(): GateVerdict {
    const { alpha } = this.#settings;
    const share = alphaShare(alpha, this.#number);
    const needed = -Math.log(share);
    const { challenger, live, anchor } = this.#policies;
    const partial = {
      policyId: challenger.ref.id,
      candidate: this.#number,
      version: challenger.ref.version,
      alpha: share,
      evidenceNeeded: needed,
      decisions: this.#decisions,
      unanswered: this.#unanswered,
      effectiveSamples: this.#effective,
      rewardMean: this.#rewardMean,
      shift: this.#shift / Math.max(1, this.#decisions),
      live: mutable(this.#live, live),
      anchor: mutable(this.#anchor, anchor),
      judgedAtMs: this.#judgedAtMs,
    };
    return { ...partial, ...this.#judge(needed) };
  }

  save(): SavedTrial {
    return {
      decisions: this.#decisions,
      unanswered: this.#unanswered,
      weight: this.#weight,
      square: this.#square,
      weighted: this.#weighted,
      shift: this.#shift,
      judgedAtMs: this.#judgedAtMs,
      live: this.#live.save(),
      anchor: this.#anchor.save(),
    };
  }

  /** (Σw)²/Σw² (Kish 1965) of the candidate's weights. */
  get #effective(): number {
    return this.#square === 0 ? 0 : (this.#weight * this.#weight) / this.#square;
  }

  get #rewardMean(): number | null {
    const { min, max } = this.#settings.reward;
    return this.#weight === 0 ? null : min + ((max - min) * this.#weighted) / this.#weight;
  }

  #judge(needed: number): { outcome: GateOutcome; reason: GateReason; text: string } {
    const { decisionsMin, decisionsMax, patience, effectiveMin, worseAlpha, guardrails } = this.#settings;
    const asked = this.#decisions + this.#unanswered;
    const evidence = Math.min(this.#live.better.logMax, this.#anchor.better.logMax);
    const told = `evidence ${evidence.toFixed(2)} of ${needed.toFixed(2)} after ${this.#decisions} held-out decisions`;
    const as = (outcome: GateOutcome, reason: GateReason, text: string) => ({ outcome, reason, text });
    if (asked < decisionsMin)
      return as('undecided', 'gathering', `${told}; no verdict before ${decisionsMin} of them.`);
    // Each rule against the candidate is written so that NaN breaks it.
    const unanswered = this.#unanswered / asked;
    if (!(unanswered <= guardrails.unansweredMax))
      return as('rejected', 'unanswered', `No answer on a share of ${fixed(unanswered)} of the held-out decisions.`);
    const unsupported = Math.max(this.#live.unsupported, this.#anchor.unsupported);
    if (!(unsupported <= guardrails.unsupportedMax))
      return as(
        'rejected',
        'unsupported',
        `${fixed(unsupported)} of the probability is on what was hardly ever tried.`,
      );
    const shift = this.#shift / Math.max(1, this.#decisions);
    if (!(shift <= guardrails.shiftMax))
      return as('rejected', 'shifted', `It moves ${fixed(shift)} of the probability away from the live policy.`);
    if (this.#live.worse.rejects(worseAlpha)) return as('rejected', 'worse', `Worse than the live policy; ${told}.`);
    if (this.#anchor.worse.rejects(worseAlpha)) return as('rejected', 'worse', `Worse than the anchor; ${told}.`);
    if (evidence >= needed) {
      const against = this.#guardedBy(effectiveMin, guardrails.rewardMin);
      if (against === undefined) return as('promoted', 'better', `Better than live policy and anchor: ${told}.`);
      if (this.#decisions < decisionsMax) return as('undecided', 'guarded', `${told}, but ${against}.`);
    }
    if (this.#decisions >= decisionsMax)
      return as('rejected', 'not-shown-better', `${told}, and no more than ${decisionsMax} are given to a candidate.`);
    if (this.#decisions >= patience && !(Math.min(this.#live.better.logValue, this.#anchor.better.logValue) > 0))
      return as('rejected', 'no-progress', `Nothing speaks for it after ${this.#decisions} held-out decisions.`);
    return as('undecided', 'gathering', `${told}.`);
  }

  #guardedBy(effectiveMin: number, rewardMin: number | undefined): string | undefined {
    if (!(this.#effective >= effectiveMin))
      return `its weights are worth ${this.#effective.toFixed(0)} samples of the ${effectiveMin} that are asked for`;
    const mean = this.#rewardMean;
    if (rewardMin !== undefined && !(mean !== null && mean >= rewardMin))
      return `its reward is estimated at ${fixed(mean ?? 0)}, below ${rewardMin}`;
    return undefined;
  }
}

/**
 * α·6/(π²k²) for the k-th candidate: the shares of all candidates that will ever be add up to α (a union bound), and a late
 * one pays 2·ln k more in evidence.
 */
export const alphaShare = (alpha: number, candidate: number): number => (alpha * 6) / (Math.PI * candidate) ** 2;

const fixed = (x: number): string => x.toFixed(3);

const mutable = (comparison: Comparison, policy: Policy): GateVerdict['live'] => {
  const { interval, ...report } = comparison.report(policy.ref);
  return { ...report, interval: [interval[0], interval[1]] };
};
