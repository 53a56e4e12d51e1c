/** What is kept of a decision until its reward, next state and holds are settled, and what came back for it. */
import type { Corrected, DecisionBody, Experience, Hold, NextState, PolicyRef } from '../../messages/decisions.js';
import type { RewardSettings } from '../../messages/settings.js';
import type { ClosedDecision, PendingDecision, UserState } from './state.js';

/** What was decided, as far as the experience and the holds need it. */
export interface PendingDetail {
  readonly decidedAtMs: number;
  readonly policy: PolicyRef;
  readonly slate: Experience['slate'];
  readonly eligible: readonly string[];
  readonly distribution: readonly number[];
  readonly floor: number;
  readonly boosts?: DecisionBody['boosts'];
  readonly context: DecisionBody['context'];
  readonly features: DecisionBody['features'];
  readonly subject?: Readonly<Record<string, number>>;
  readonly state?: string;
  readonly observation?: readonly number[];
  readonly episode?: string;
  readonly step?: number;
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
  /** The item accepted last: what happens without naming one, such as a trip, is about it. */
  readonly accepted?: string;
  /** What the signals of each item come to, not yet clamped. */
  readonly items: readonly { readonly id: string; readonly reward: number }[];
  readonly events: Experience['events'];
  /** Candidates whose hold was confirmed. */
  readonly confirmed: readonly string[];
}

/** What followed in the same episode. */
export interface NextStep {
  readonly next: NextState | null;
  readonly ending?: 'terminal' | 'truncated';
}

/** In `PendingDecision.next`: nothing follows, as the surface has no state. */
export const NO_NEXT = '-';
/** In `PendingDecision.next`: not known yet. */
export const NEXT_AWAITED = '';

const NO_REACTIONS: Reactions = Object.freeze({
  shown: false,
  reward: null,
  rewardedId: null,
  items: [],
  events: [],
  confirmed: [],
});

export const detailOf = ({ detail }: Pick<PendingDecision, 'detail'>): PendingDetail =>
  JSON.parse(detail) as PendingDetail;

export const reactionsOf = ({ reactions }: Pick<PendingDecision, 'reactions'>): Reactions =>
  reactions === '' ? NO_REACTIONS : (JSON.parse(reactions) as Reactions);

function stepOf({ next: text }: Pick<PendingDecision, 'next'>): NextStep | undefined {
  if (text === NO_NEXT || text === NEXT_AWAITED) return undefined;
  return JSON.parse(text) as NextStep;
}

export interface Opening {
  readonly nonce: string;
  readonly body: DecisionBody;
  readonly atMs: number;
  readonly capAtMs: number;
  /** How long holds, and with them offers, outlive their validUntil. */
  readonly graceMs: number;
  readonly impression: boolean;
  /** Where the surface learns by reinforcement. */
  readonly place: { readonly episode: string; readonly step: number } | undefined;
}

/** Whether what follows a decision is part of its experience. */
export const isStep = ({ state, observation }: Pick<DecisionBody, 'state' | 'observation'>): boolean =>
  state !== undefined || observation !== undefined;

export function openPending({ nonce, body, atMs, capAtMs, graceMs, impression, place }: Opening): PendingDecision {
  const detail: PendingDetail = {
    decidedAtMs: body.atMs,
    policy: body.policy,
    slate: body.slate.map(({ id, propensity, forced }) =>
      forced === undefined ? { id, propensity } : { id, propensity, forced },
    ),
    eligible: body.eligible,
    distribution: body.distribution,
    floor: body.explorationFloor ?? 0,
    ...(body.boosts === undefined ? {} : { boosts: body.boosts }),
    context: body.context,
    features: body.features,
    ...(body.subject === undefined ? {} : { subject: body.subject }),
    ...(body.state === undefined ? {} : { state: body.state }),
    ...(body.observation === undefined ? {} : { observation: body.observation }),
    ...place,
    capKeys: body.caps.map(({ key }) => key),
    capAtMs,
    fatigueCost: body.fatigueCost,
    holds: body.holds,
    impression,
    withdrawn: false,
  };
  const windowEndsMs = atMs + body.windowMs;
  // By the clock that the app was told the time by, or the fold's where that is later.
  const offerEndsMs = Math.max(body.validUntilMs, atMs + body.validUntilMs - body.atMs) + graceMs;
  return {
    nonce,
    surface: body.surface,
    purpose: body.purpose,
    openedAtMs: atMs,
    windowEndsMs,
    holdsEndMs: body.holds.reduce((latest, hold) => Math.max(latest, hold.untilMs), 0),
    capsEndMs: impression && body.caps.length > 0 ? Math.max(windowEndsMs, offerEndsMs) : 0,
    offerEndsMs,
    detail: JSON.stringify(detail),
    reactions: '',
    next: place === undefined ? NO_NEXT : NEXT_AWAITED,
    emitted: false,
    late: '',
  };
}

/** Leaves nothing personal in a pending decision but what its holds need, and closes it. */
export function withdrawPending(pending: PendingDecision): PendingDecision {
  const {
    state: _state,
    observation: _observation,
    subject: _subject,
    episode: _episode,
    step: _step,
    ...detail
  } = detailOf(pending);
  const { shown, confirmed } = reactionsOf(pending);
  return {
    ...pending,
    windowEndsMs: 0,
    capsEndMs: 0,
    detail: JSON.stringify({
      ...detail,
      capKeys: [],
      context: {},
      features: {},
      withdrawn: true,
    } satisfies PendingDetail),
    reactions: JSON.stringify({ ...NO_REACTIONS, shown, confirmed } satisfies Reactions),
    next: NO_NEXT,
    late: '',
  };
}

export interface Closing {
  readonly decisionId: string;
  readonly closedAtMs: number;
  /** Closed before its window had passed. */
  readonly early: boolean;
  /** Bounds of the surface's reward, and who earns it. */
  readonly settings: Pick<RewardSettings, 'min' | 'max' | 'credit'>;
  /** What it corrects, if it is not the decision's one experience. */
  readonly corrects?: Corrected;
}

type Closable = Pick<PendingDecision | ClosedDecision, 'surface' | 'detail' | 'reactions' | 'next'>;

/** The one experience of a decision, or a correction of it. */
export function experienceOf(pending: Closable, closing: Closing): Experience {
  const detail = detailOf(pending);
  const reactions = reactionsOf(pending);
  const step = stepOf(pending);
  const { corrects } = closing;
  const ending = detail.withdrawn ? ('withdrawn' as const) : step?.ending;
  const { credit } = closing.settings;
  const clamped = (earned: number): number => Math.min(Math.max(earned, closing.settings.min), closing.settings.max);
  const reward = clamped(reactions.reward ?? 0);
  const credits = creditsOf(detail, reactions, credit, clamped);
  return {
    decisionId: closing.decisionId,
    surface: pending.surface,
    status: corrects === undefined ? statusOf(detail, reactions, closing.early) : 'corrected',
    decidedAtMs: detail.decidedAtMs,
    closedAtMs: closing.closedAtMs,
    policy: detail.policy,
    slate: detail.slate,
    eligible: detail.eligible,
    distribution: detail.distribution,
    ...(detail.floor === 0 ? {} : { explorationFloor: detail.floor }),
    ...(detail.boosts === undefined ? {} : { boosts: detail.boosts }),
    context: detail.context,
    features: detail.features,
    reward,
    rewardedId: reactions.reward === null ? null : (reactions.rewardedId ?? detail.slate[0]?.id ?? null),
    ...(credit === 'slate' ? { credit } : {}),
    ...(credits === undefined ? {} : { credits }),
    events: reactions.events,
    ...(corrects === undefined ? {} : { corrects }),
    ...(detail.subject === undefined ? {} : { subject: detail.subject }),
    ...(detail.state === undefined ? {} : { state: detail.state }),
    ...(detail.observation === undefined ? {} : { observation: detail.observation }),
    ...(detail.episode === undefined ? {} : { episode: detail.episode, next: step?.next ?? null }),
    ...(detail.step === undefined ? {} : { step: detail.step }),
    ...(ending === undefined ? {} : { ending }),
  };
}

/** What each item earned; undefined where `reward` and `rewardedId` say it all. */
function creditsOf(
  { slate }: PendingDetail,
  { reward, items }: Reactions,
  credit: RewardSettings['credit'],
  clamped: (earned: number) => number,
): Experience['credits'] {
  if (reward === null) return undefined;
  if (credit === 'item')
    return items.length < 2 ? undefined : items.map((one) => ({ id: one.id, reward: clamped(one.reward) }));
  const chosen = slate.filter(({ forced }) => forced === undefined);
  return chosen.length === 0 ? undefined : chosen.map(({ id }) => ({ id, reward: clamped(reward) }));
}

function statusOf(detail: PendingDetail, reactions: Reactions, early: boolean): Corrected['status'] {
  if (early || detail.withdrawn) return 'censored';
  if (detail.slate.length === 0 || !isShown(detail, reactions)) return 'not-shown';
  return 'complete';
}

/** At most `pendingMax` decisions of a subject may hold budget at once: holds are kept for as long as they were promised. */
export const holdsAreFull = ({ pending }: Pick<UserState, 'pending'>, pendingMax: number): boolean =>
  pending.length >= pendingMax && pending.filter(({ holdsEndMs }) => holdsEndMs > 0).length >= pendingMax;

export const isShown = (detail: PendingDetail, reactions: Reactions): boolean => !detail.impression || reactions.shown;
