/** What is kept of a decision until its reward, next state and holds are settled, and what came back for it. */
import type { DecisionBody, Experience, Hold, PolicyRef } from '../../messages/decisions.js';
import type { PendingDecision } from './state.js';

/** What was decided, as far as the experience and the holds need it. */
export interface PendingDetail {
  readonly decidedAtMs: number;
  readonly policy: PolicyRef;
  readonly slate: Experience['slate'];
  readonly eligible: readonly string[];
  readonly distribution: readonly number[];
  readonly floor: number;
  readonly context: DecisionBody['context'];
  readonly features: DecisionBody['features'];
  readonly state?: string;
  readonly episode?: string;
  readonly capKeys: readonly string[];
  /** The moment under which the caps count it. */
  readonly capAtMs: number;
  readonly fatigueCost: number;
  readonly holds: readonly Hold[];
  /** It counts as shown only after an impression. */
  readonly impression: boolean;
  /** Consent was withdrawn while it was pending: its experience says nothing but that. */
  readonly withdrawn: boolean;
}

/** What has come back. */
export interface Reactions {
  readonly shown: boolean;
  /** Combined reward so far, not yet clamped; null where nothing was worth one. */
  readonly reward: number | null;
  readonly rewardedId: string | null;
  /** The largest single signal, which names the item under `sum`. */
  readonly largest: number;
  readonly events: Experience['events'];
  /** Candidates whose hold was confirmed. */
  readonly confirmed: readonly string[];
}

/** What followed in the same session. */
export interface NextStep {
  readonly next: { readonly state: string; readonly eligible: readonly string[] } | null;
  readonly terminal: boolean;
}

/** In `PendingDecision.next`: nothing follows, as the surface has no state. */
export const NO_NEXT = '-';
/** In `PendingDecision.next`: not known yet. */
export const NEXT_AWAITED = '';

const NO_REACTIONS: Reactions = Object.freeze({
  shown: false,
  reward: null,
  rewardedId: null,
  largest: 0,
  events: [],
  confirmed: [],
});

export const detailOf = (pending: PendingDecision): PendingDetail => JSON.parse(pending.detail) as PendingDetail;

export const reactionsOf = (pending: PendingDecision): Reactions =>
  pending.reactions === '' ? NO_REACTIONS : (JSON.parse(pending.reactions) as Reactions);

const stepOf = (pending: PendingDecision): NextStep | undefined =>
  pending.next === NO_NEXT || pending.next === NEXT_AWAITED ? undefined : (JSON.parse(pending.next) as NextStep);

export interface Opening {
  readonly nonce: string;
  readonly body: DecisionBody;
  readonly atMs: number;
  readonly capAtMs: number;
  readonly impression: boolean;
  readonly episode: string;
}

export function openPending({ nonce, body, atMs, capAtMs, impression, episode }: Opening): PendingDecision {
  const detail: PendingDetail = {
    decidedAtMs: body.atMs,
    policy: body.policy,
    slate: body.slate.map(({ id, propensity, forced }) =>
      forced === undefined ? { id, propensity } : { id, propensity, forced },
    ),
    eligible: body.eligible,
    distribution: body.distribution,
    floor: body.explorationFloor ?? 0,
    context: body.context,
    features: body.features,
    ...(body.state === undefined ? {} : { state: body.state, episode }),
    capKeys: body.caps.map(({ key }) => key),
    capAtMs,
    fatigueCost: body.fatigueCost,
    holds: body.holds,
    impression,
    withdrawn: false,
  };
  return {
    nonce,
    surface: body.surface,
    windowEndsMs: atMs + body.windowMs,
    holdsEndMs: body.holds.reduce((latest, hold) => Math.max(latest, hold.untilMs), 0),
    detail: JSON.stringify(detail),
    reactions: '',
    next: body.state === undefined ? NO_NEXT : NEXT_AWAITED,
    emitted: false,
  };
}

/** Leaves nothing personal in a pending decision but what its holds need. */
export function withdrawPending(pending: PendingDecision): PendingDecision {
  const { state: _state, episode: _episode, ...detail } = detailOf(pending);
  const { shown, confirmed } = reactionsOf(pending);
  return {
    ...pending,
    detail: JSON.stringify({ ...detail, context: {}, features: {}, withdrawn: true } satisfies PendingDetail),
    reactions: JSON.stringify({ ...NO_REACTIONS, shown, confirmed } satisfies Reactions),
    next: NO_NEXT,
  };
}

export interface Closing {
  readonly decisionId: string;
  readonly closedAtMs: number;
  /** Closed before its window had passed. */
  readonly early: boolean;
  /** Bounds of the surface's reward. */
  readonly min: number;
  readonly max: number;
}

/** The one experience of a decision. */
export function experienceOf(pending: PendingDecision, closing: Closing): Experience {
  const detail = detailOf(pending);
  const reactions = reactionsOf(pending);
  const step = stepOf(pending);
  const reward = Math.min(Math.max(reactions.reward ?? 0, closing.min), closing.max);
  return {
    decisionId: closing.decisionId,
    surface: pending.surface,
    status: statusOf(detail, reactions, closing.early),
    decidedAtMs: detail.decidedAtMs,
    closedAtMs: closing.closedAtMs,
    policy: detail.policy,
    slate: detail.slate,
    eligible: detail.eligible,
    distribution: detail.distribution,
    ...(detail.floor === 0 ? {} : { explorationFloor: detail.floor }),
    context: detail.context,
    features: detail.features,
    reward,
    rewardedId: reactions.reward === null ? null : (reactions.rewardedId ?? detail.slate[0]?.id ?? null),
    events: reactions.events,
    ...(detail.state === undefined
      ? {}
      : {
          state: detail.state,
          episode: detail.episode!,
          next: step?.next ?? null,
          terminal: step?.terminal ?? false,
        }),
  };
}

function statusOf(detail: PendingDetail, reactions: Reactions, early: boolean): Experience['status'] {
  if (early || detail.withdrawn) return 'censored';
  if (detail.slate.length === 0 || !isShown(detail, reactions)) return 'not-shown';
  return 'complete';
}

export const isShown = (detail: PendingDetail, reactions: Reactions): boolean => !detail.impression || reactions.shown;
