/** The decision: what is asked, what is journaled, what is answered. */
import { z } from 'zod';
import { contextProblem } from './context-bounds.js';
import { idSchema, labelSchema } from './id-schema.js';

export const CANDIDATES_MAX = 500;
/** The longest that any request may wait for its answer. */
export const DEADLINE_MS_MAX = 10_000;
export const SLATE_MAX = 50;
/** Features of one candidate. */
export const FEATURES_MAX = 128;
/** Features of all candidates of a request. */
export const FEATURES_TOTAL_MAX = 16_384;
/** Names of one candidate's features, as UTF-8. */
export const FEATURES_BYTES_MAX = 4096;
export const CONTEXT_KEYS_MAX = 128;
/** Names and text values of a context, as UTF-8. */
export const CONTEXT_BYTES_MAX = 16_384;

const finite = z.number().refine(Number.isFinite, 'must be finite');
const scalar = z.union([z.string().max(256), finite, z.boolean()]);

export const candidateSchema = z.strictObject({
  id: idSchema(256),
  features: z.record(z.string().max(64), finite).default({}),
  /** Frequency caps may count by it. */
  category: labelSchema(64).optional(),
  /** The campaign whose budget pays for this candidate. */
  campaign: labelSchema(256).optional(),
  /** A candidate that may be shown to a subject without consent and while its owner is down. */
  nonPersonal: z.boolean().default(true),
});
export type Candidate = z.infer<typeof candidateSchema>;

export const SUBJECT_KINDS = ['rider', 'driver', 'partner', 'support'] as const;
export type SubjectKind = (typeof SUBJECT_KINDS)[number];

export const decisionRequestSchema = z.strictObject({
  surface: z.string().min(1).max(64),
  /** Left out on NATS, where the address names the subject. */
  subject: z.strictObject({ kind: z.enum(SUBJECT_KINDS), id: idSchema(256) }).optional(),
  context: z
    .record(z.string().max(64), scalar)
    .superRefine((context, issues) => {
      const problem = contextProblem(context);
      if (problem) issues.addIssue({ code: 'custom', path: [problem.key], message: problem.rule });
    })
    .default({}),
  candidates: z.array(candidateSchema).max(CANDIDATES_MAX).optional(),
  k: z.number().int().min(1).max(SLATE_MAX).optional(),
  requestId: idSchema(128).optional(),
  sessionId: idSchema(256).optional(),
  /** Read-your-writes token: the answer reflects everything up to it, or says `degraded: ["after"]`. */
  after: z.string().max(256).optional(),
  deadlineMs: z.number().int().min(1).max(DEADLINE_MS_MAX).optional(),
});
export type DecisionRequest = z.infer<typeof decisionRequestSchema>;

/**
 * Set to true on a request that has passed the schema (and the checks for duplicates) in this process, so that an owner in
 * the same process need not check it again. Symbols do not survive JSON: what came over the wire never carries it.
 */
export const VALIDATED: unique symbol = Symbol('attune.validated');

export interface PolicyRef {
  readonly id: string;
  readonly version: number;
}

/** A cause of a choice, in numbers (`contribution` to the score) and in words fit for a user. */
export interface Reason {
  readonly code: string;
  readonly text: string;
  readonly contribution?: number;
}

export interface SlateItem {
  readonly id: string;
  readonly score: number;
  /** p(this item at this position | the items before it, the eligible set); 1 and `forced` for pinned positions. */
  readonly propensity: number;
  readonly reasons: readonly Reason[];
  readonly forced?: true;
  readonly category?: string;
  readonly campaign?: string;
}

export interface Filtered {
  readonly id: string;
  readonly rule: string;
}

export interface Hold {
  readonly campaign: string;
  readonly candidateId: string;
  readonly amountCents: number;
  /** Fold time at which an unconfirmed hold goes back; later than the decision's validUntil. */
  readonly untilMs: number;
}

/** A counter that a decision raises: `entries` newer than `windowMs` may be at most `max`. */
export interface CapUse {
  readonly key: string;
  readonly windowMs: number;
  readonly max: number;
}

/** The body of a journaled decision: everything later folds, learners and audits need, nothing computed again. */
export interface DecisionBody {
  readonly id: string;
  readonly requestId?: string;
  /** Hash of the request; the same requestId with another hash is a conflict. */
  readonly requestHash?: string;
  readonly surface: string;
  /** What the surface needs consent to: what is kept of the decision hangs on it. */
  readonly purpose: string;
  readonly subjectKind: SubjectKind;
  readonly sessionId?: string;
  /** The owner's wall clock when it decided. */
  readonly atMs: number;
  /** Journal sequence that the state it decided on had folded. */
  readonly basedOn: number;
  readonly slate: readonly SlateItem[];
  /** Ids of the candidates the policy was asked about, and the distribution it gave, in the same order. */
  readonly eligible: readonly string[];
  readonly distribution: readonly number[];
  /** The exploration floor mixed into the distribution, and into each position's conditional; 0 if left out. */
  readonly explorationFloor?: number;
  /**
   * Operators' factors on the policy's probabilities, by id of eligible candidate; 1 if left out. The distribution is the
   * policy's own, times these, scaled to sum to 1, and then mixed with the floor.
   */
  readonly boosts?: Readonly<Record<string, number>>;
  readonly filtered: readonly Filtered[];
  readonly policy: PolicyRef;
  readonly personalized: boolean;
  readonly degraded: readonly string[];
  readonly fallbackReason: string | null;
  readonly context: Readonly<Record<string, string | number | boolean>>;
  /** Features of the slate's items and, where the surface says so, of all eligible ones; by candidate id. */
  readonly features: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Features of the subject that the surface logs (`log.subject`), by name; none without consent. */
  readonly subject?: Readonly<Record<string, number>>;
  /** Discretised state, for surfaces that learn by Q-learning. */
  readonly state?: string;
  /** The state as numbers, for learners that approximate (DQN), in the order of the surface's `observation` terms. */
  readonly observation?: readonly number[];
  readonly caps: readonly CapUse[];
  readonly fatigueCost: number;
  readonly holds: readonly Hold[];
  /** Campaigns whose budget this partition has run short of: the fold asks them for more. */
  readonly wants: readonly string[];
  readonly windowMs: number;
  readonly validUntilMs: number;
}

/** The answer to an app. */
export interface DecisionAnswer {
  readonly decisionId: string;
  readonly surface: string;
  readonly slate: readonly Pick<SlateItem, 'id' | 'score' | 'propensity' | 'reasons' | 'forced'>[];
  readonly policy: PolicyRef;
  readonly personalized: boolean;
  readonly filtered: readonly Filtered[];
  readonly degraded: readonly string[];
  readonly fallbackReason: string | null;
  readonly validUntil: string;
  readonly token: string;
  readonly latencyMs: number;
}

/**
 * How a decision ended. `not-shown`: no impression came; `censored`: closed before its window had passed, or consent was
 * withdrawn; `refused`: the fold did not let it happen, it was never answered, and learners skip it; `corrected`: a
 * signal came after its window, and this says once more, and in full, what its experience said before.
 */
export type ExperienceStatus = 'complete' | 'censored' | 'not-shown' | 'refused' | 'corrected';

/** What was said of a decision before it is corrected. */
export interface Corrected {
  /** Of its one experience, which tells a learner whether it has learned from it. */
  readonly status: 'complete' | 'censored' | 'not-shown';
  /** As last said: by the experience, or by the correction before this one. */
  readonly reward: number;
  readonly rewardedId: string | null;
  readonly credits?: Credits | undefined;
}

/** What each of several items earned; an item of the slate that is not listed earned nothing. */
export type Credits = readonly { readonly id: string; readonly reward: number }[];

/** A decision joined with its reward: the body of messages on `attune.experience.<surface>`. */
export interface Experience {
  readonly decisionId: string;
  readonly surface: string;
  readonly status: ExperienceStatus;
  readonly decidedAtMs: number;
  readonly closedAtMs: number;
  readonly policy: PolicyRef;
  readonly slate: readonly { readonly id: string; readonly propensity: number; readonly forced?: true }[];
  readonly eligible: readonly string[];
  readonly distribution: readonly number[];
  /** As in the decision's body. */
  readonly explorationFloor?: number;
  /** As in the decision's body. */
  readonly boosts?: Readonly<Record<string, number>>;
  readonly context: Readonly<Record<string, string | number | boolean>>;
  readonly features: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** As in the decision's body. */
  readonly subject?: Readonly<Record<string, number>>;
  /** The reward of the decision, and the slate item that earned most of it (the first where no event named one). */
  readonly reward: number;
  readonly rewardedId: string | null;
  /** What each item earned, where it was not `rewardedId` alone. */
  readonly credits?: Credits | undefined;
  /** The slate earned `reward` together: `credits` then gives each item that a policy chose all of it. */
  readonly credit?: 'slate' | undefined;
  readonly events: readonly {
    readonly type: string;
    readonly candidateId?: string;
    readonly value?: number;
    readonly kind?: string;
  }[];
  /** With status `corrected`, and only then. */
  readonly corrects?: Corrected;
  /** For reinforcement learning: the state acted in, and what followed in the same episode. */
  readonly state?: string;
  readonly observation?: readonly number[];
  /** Of one subject on one surface. */
  readonly episode?: string;
  /** Place of the decision in its episode, from 0. */
  readonly step?: number;
  /** Null where the episode ended, or where what followed is not known (then there is no `ending`). */
  readonly next?: NextState | null;
  /**
   * How the episode ended with this step, if it did: `terminal` by its own rules (the future is worth 0), `truncated` from
   * outside (a timeout; the future goes on unseen), `withdrawn` with the subject's consent (nothing may be learned of it).
   */
  readonly ending?: 'terminal' | 'truncated' | 'withdrawn';
}

/** The state in which the next decision of an episode was made; `state` and `observation` as the surface declares them. */
export interface NextState {
  readonly state?: string;
  readonly observation?: readonly number[];
  /** What could have been chosen there: the mask of the bootstrap target. */
  readonly eligible: readonly string[];
  /** What its policy put on top there; left out where it chose nothing. */
  readonly action?: string;
}
