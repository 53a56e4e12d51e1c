/**
 * Which candidates the policy is asked about. In this order: cool-down, consent, operator rules, frequency caps, budget. What is taken
 * out is said, with the rule that did it.
 */
import { availableCents, offerOf, type CampaignLedger } from '../../messages/campaigns.js';
import type { Candidate, DecisionBody, Filtered } from '../../messages/decisions.js';
import type { FoldSettings } from '../../messages/settings.js';
import type { Surface } from '../../surfaces/surface.js';
import { CAP_COUNTERS_MAX, capKey, countOf } from './caps.js';
import { isCooling } from './fatigue.js';
import { holdsAreFull } from './pending.js';
import type { UserState } from './state.js';

export interface EligibilityInput {
  readonly surface: Surface;
  readonly state: UserState;
  /** Decisions of this actor that are journaled but not folded yet. */
  readonly overlay: readonly DecisionBody[];
  readonly personalized: boolean;
  readonly k: number;
  readonly nowMs: number;
  readonly settings: FoldSettings;
  readonly ledger: CampaignLedger;
  readonly reserved: (campaign: string) => number;
}

export interface Eligibility {
  readonly eligible: readonly Candidate[];
  readonly filtered: readonly Filtered[];
  /** Campaigns that this partition has too little budget of. */
  readonly wants: readonly string[];
  /** What each eligible campaign candidate would hold, by candidate id. */
  readonly costs: ReadonlyMap<string, number>;
}

const NO_COSTS: ReadonlyMap<string, number> = new Map();

export function shapeEligible(input: EligibilityInput, candidates: readonly Candidate[]): Eligibility {
  const { surface, state, overlay, nowMs, settings } = input;
  const filtered: Filtered[] = [];
  if (!surface.fatigue.exempt) {
    let pendingCost = 0;
    for (const body of overlay) pendingCost += body.fatigueCost;
    if (isCooling(state, nowMs, pendingCost, settings.user.fatigue)) {
      return {
        eligible: [],
        filtered: candidates.map(({ id }) => ({ id, rule: 'fatigue' })),
        wants: [],
        costs: NO_COSTS,
      };
    }
  }
  let funded: Candidate[] | undefined;
  const eligible: Candidate[] = [];
  for (const candidate of candidates) {
    const rule = ruleAgainst(input, candidate);
    if (rule !== undefined) filtered.push({ id: candidate.id, rule });
    else {
      eligible.push(candidate);
      if (candidate.campaign !== undefined) (funded ??= []).push(candidate);
    }
  }
  if (funded === undefined) return { eligible, filtered, wants: [], costs: NO_COSTS };
  return fund(input, eligible, filtered);
}

function ruleAgainst(input: EligibilityInput, candidate: Candidate): string | undefined {
  if (!input.personalized && !candidate.nonPersonal) return 'consent';
  if (input.surface.rules.forbids(candidate)) return 'forbidden';
  const { surface, state, overlay, nowMs } = input;
  for (const cap of surface.caps) {
    const key = capKey(cap, candidate);
    if (key === undefined) continue;
    const folded = countOf(state.caps, key, cap.windowMs, nowMs);
    let count = folded;
    for (const body of overlay) {
      for (const use of body.caps) if (use.key === key) count++;
    }
    if (count >= cap.max) return `cap.${cap.name}`;
    if (folded === 0 && state.caps.length >= CAP_COUNTERS_MAX) return 'cap.table-full';
  }
  return undefined;
}

/**
 * Sets budget aside for every eligible campaign candidate, before sampling. What is set aside is the dearest slate that
 * could be drawn: for a campaign, its k dearest eligible offers together. What the drawn slate does not need goes back
 * at once, as the holds of a decision are those of its slate.
 */
function fund(input: EligibilityInput, candidates: readonly Candidate[], filtered: Filtered[]): Eligibility {
  const { ledger, reserved, k, surface } = input;
  const eligible: Candidate[] = [];
  const wants = new Set<string>();
  const costs = new Map<string, number>();
  const dearest = new Map<string, number[]>();
  const isFull = holdsAreFull(input.state, input.settings.user.pendingMax);
  for (const candidate of candidates) {
    const { id, campaign } = candidate;
    if (campaign === undefined) {
      eligible.push(candidate);
      continue;
    }
    const replica = ledger.get(campaign);
    const offer = replica && offerOf(replica, id);
    if (replica?.status !== 'live' || replica.surface !== surface.id || offer === undefined) {
      filtered.push({ id, rule: 'campaign' });
      continue;
    }
    if (isFull) {
      filtered.push({ id, rule: 'holds' });
      continue;
    }
    const taken = insertDearest(dearest.get(campaign) ?? [], offer.costCents, k);
    const available = availableCents(replica) - reserved(campaign);
    if (taken.reduce((sum, cents) => sum + cents, 0) > available) {
      filtered.push({ id, rule: 'budget' });
      wants.add(campaign);
      continue;
    }
    dearest.set(campaign, taken);
    costs.set(id, offer.costCents);
    eligible.push(candidate);
  }
  return { eligible, filtered, wants: [...wants], costs };
}

/** The k dearest of `costs` and one more, dearest first. */
function insertDearest(costs: readonly number[], cost: number, k: number): number[] {
  return [...costs, cost].sort((a, b) => b - a).slice(0, k);
}
