/** Decides: from a checked request and the subject's state to the record that is journaled. Pure but for the nonce. */
import { EngineError } from '../../kernel/errors.js';
import type { CampaignLedger } from '../../messages/campaigns.js';
import type { Candidate, DecisionBody, DecisionRequest, Hold, SlateItem } from '../../messages/decisions.js';
import { decisionIdOf } from '../../messages/tokens.js';
import type { DecisionContext } from '../../policies/policy.js';
import { assertSound, type Supplied } from '../../surfaces/candidate-source.js';
import type { Surface } from '../../surfaces/surface.js';
import type { HandleContext } from '../host/actor-kind.js';
import { capUses } from './caps.js';
import { choose } from './choose.js';
import { shapeEligible, type Eligibility } from './eligibility.js';
import { featuresOf } from './features.js';
import { hashRequest } from './request.js';
import type { DecisionServices } from './services.js';
import type { UserState } from './state.js';

type Context = HandleContext<CampaignLedger, DecisionServices>;

const NO_FEATURES: Readonly<Record<string, number>> = Object.freeze({});
const NOTHING: readonly string[] = Object.freeze([]);
const NO_CANDIDATES: Supplied = Object.freeze({ candidates: [], degraded: ['candidates'] });

export function decide(state: UserState, request: DecisionRequest, surface: Surface, ctx: Context): DecisionBody {
  const { services, nowMs, settings } = ctx;
  const personalized = ctx.address.kind === 'user';
  const found = candidatesFor(request, surface, ctx);
  const k = Math.min(request.k ?? surface.slate.k, surface.slate.max);
  const shaped = shapeEligible(
    {
      surface,
      state,
      overlay: ctx.overlay as readonly DecisionBody[],
      personalized,
      k,
      nowMs,
      settings,
      ledger: ctx.shared,
      reserved: ctx.reserved,
    },
    found.candidates,
  );
  const id = decisionIdOf(ctx.nonce(), ctx.address.kind, ctx.address.token);
  const context = contextOf(state, request, surface, ctx, personalized);
  const question = { surface, context, candidates: shaped.eligible, k, decisionId: id };
  const choice = choose(question, services.policies, services);
  const validUntilMs = nowMs + validMs(surface, choice.slate, ctx.shared);
  return {
    id,
    ...(request.requestId === undefined
      ? undefined
      : { requestId: request.requestId, requestHash: hashRequest(request) }),
    surface: surface.id,
    purpose: surface.purpose,
    subjectKind: context.subjectKind,
    ...(request.sessionId === undefined ? undefined : { sessionId: request.sessionId }),
    atMs: nowMs,
    basedOn: ctx.sequence,
    slate: choice.slate,
    eligible: shaped.eligible.map((candidate) => candidate.id),
    distribution: choice.distribution,
    ...(choice.floor === 0 ? undefined : { explorationFloor: choice.floor }),
    ...(choice.boosts === undefined ? undefined : { boosts: choice.boosts }),
    filtered: shaped.filtered,
    policy: choice.policy,
    personalized,
    degraded: ctx.degraded.length === 0 ? found.degraded : [...ctx.degraded, ...found.degraded],
    fallbackReason: choice.fallbackReason,
    context: request.context,
    features: loggedFeatures(surface, shaped.eligible, choice.slate),
    ...loggedSubject(surface, context),
    ...(context.state === undefined ? undefined : { state: context.state }),
    ...(context.observation === undefined ? undefined : { observation: context.observation }),
    caps: capUses(surface, choice.slate),
    fatigueCost: choice.slate.length === 0 ? 0 : surface.fatigue.cost,
    holds: holdsOf(choice.slate, shaped, validUntilMs + settings.campaign.holdGraceMs),
    wants: shaped.wants,
    windowMs: (settings.rewards[surface.id] ?? surface.reward).windowMs,
    validUntilMs,
  };
}

function candidatesFor(request: DecisionRequest, surface: Surface, ctx: Context) {
  const { source, maxAgeMs } = surface.candidates;
  if (request.candidates !== undefined) return { candidates: request.candidates, degraded: NOTHING };
  const { services } = ctx;
  const supplier = services.sources.get(source);
  if (supplier === undefined) return NO_CANDIDATES;
  let supplied: Supplied;
  try {
    supplied = supplier.candidates({
      surface: surface.id,
      context: request.context,
      nowMs: ctx.nowMs,
      settings: ctx.settings,
      ledger: ctx.shared,
      zones: services.zones,
    });
    assertSound(source, supplied.candidates);
  } catch (error) {
    services.faults?.report({ part: 'source', id: source, version: 0, surface: surface.id, error });
    return NO_CANDIDATES;
  }
  const stale = source === 'zones' && services.zones.staleMs() > maxAgeMs && !supplied.degraded.includes('zone');
  return stale ? { candidates: supplied.candidates, degraded: [...supplied.degraded, 'zone'] } : supplied;
}

function contextOf(
  state: UserState,
  request: DecisionRequest,
  surface: Surface,
  ctx: Context,
  personalized: boolean,
): DecisionContext {
  const features = personalized ? soundFeatures(featuresOf(state, ctx.nowMs), surface.id, ctx) : NO_FEATURES;
  const { context } = request;
  const { nowMs, settings } = ctx;
  const known = { features, context, nowMs, timeZone: settings.timeZone };
  const discrete = surface.stateOf?.(known);
  const observation = surface.observer?.observe(known);
  return {
    surface: surface.id,
    subjectKind: request.subject?.kind ?? surface.subjectKinds[0]!,
    personalized,
    context,
    features,
    ...(discrete === undefined ? undefined : { state: discrete }),
    ...(observation === undefined ? undefined : { observation }),
    nowMs,
  };
}

/** What is not a finite number is not known: it is told, and left out. */
function soundFeatures(features: Record<string, number>, surface: string, { services }: Context) {
  for (const name in features) {
    const value = features[name];
    if (Number.isFinite(value)) continue;
    const error = new EngineError('Invariant', 'FEATURE_NOT_FINITE', `The feature ${name} of the subject is ${value}.`);
    services.faults?.report({ part: 'feature', id: name, version: 0, surface, error });
    delete features[name];
  }
  return features;
}

/** An answer is valid no longer than the shortest-lived offer in it. */
function validMs(surface: Surface, slate: readonly SlateItem[], campaigns: CampaignLedger): number {
  let shortest = surface.validMs;
  for (const { campaign } of slate) {
    if (campaign !== undefined) shortest = Math.min(shortest, campaigns.get(campaign)!.offerValidMs);
  }
  return shortest;
}

function holdsOf(slate: readonly SlateItem[], { costs }: Eligibility, untilMs: number): Hold[] {
  const holds: Hold[] = [];
  if (costs.size === 0) return holds;
  for (const { id, campaign } of slate) {
    if (campaign !== undefined) holds.push({ campaign, candidateId: id, amountCents: costs.get(id)!, untilMs });
  }
  return holds;
}

/** What learners will see of the candidates, bounded by what the surface declares. */
function loggedFeatures(
  surface: Surface,
  eligible: readonly Candidate[],
  slate: readonly SlateItem[],
): DecisionBody['features'] {
  // Ids come from apps: `__proto__` must be one like any other.
  const logged = Object.create(null) as Record<string, Readonly<Record<string, number>>>;
  const { features: names, eligible: all } = surface.log;
  for (const { id, features } of eligible) {
    if (!all && !slate.some((item) => item.id === id)) continue;
    if (names === undefined) {
      logged[id] = features;
      continue;
    }
    const kept: Record<string, number> = {};
    for (const name of names) {
      const value = features[name];
      if (value !== undefined) kept[name] = value;
    }
    logged[id] = kept;
  }
  return logged;
}

/** What learners will see of the subject; nothing without consent. */
function loggedSubject({ log }: Surface, { personalized, features }: DecisionContext): Pick<DecisionBody, 'subject'> {
  if (log.subject === undefined || !personalized) return {};
  const subject: Record<string, number> = {};
  for (const name of log.subject) if (Object.hasOwn(features, name)) subject[name] = features[name]!;
  return { subject };
}
