/** Logged bandit feedback: the one shape into which every log format is read, and from which all estimates are made. */

/** A value as JSON has it; features may be nested into namespaces. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

/** An option that could have been chosen. */
export interface LoggedAction {
  /** What the action is, across decisions. Where a log names none, its place: `#1`, `#2`, … */
  readonly id: string;
  readonly features: JsonObject;
  /** With kind `slates`: the slot this action belongs to, from 0. */
  readonly slot?: number;
}

/** One choice that was sampled. Choices that were not (pinned positions) are left out: they say nothing of a policy. */
export interface LoggedChoice {
  /** From 0. */
  readonly position: number;
  /** What was chosen: an index into the decision's `actions`. */
  readonly action: number;
  /** The probability with which it was, given what stands before it; in (0, 1]. */
  readonly propensity: number;
  /** What could have been chosen here, as indices into `actions`, each once. Holds `action`. */
  readonly eligible: readonly number[];
  /** Probabilities of `eligible`, in its order, where all were logged; they sum to 1 within 1e-3 (logs keep floats). */
  readonly distribution?: readonly number[];
  /** What this position adds to the reward of the whole, given those before it. All choices of a decision have one, or none has. */
  readonly reward?: number;
}

/**
 * How the choices of a decision hang together. `single`: there is one. `list`: each takes one action away from those after
 * it. `slates`: every slot has actions of its own.
 */
export type LoggedKind = 'single' | 'list' | 'slates';

export interface LoggedDecision {
  readonly kind: LoggedKind;
  /** Empty where the log names none. */
  readonly id: string;
  readonly context: JsonObject;
  readonly actions: readonly LoggedAction[];
  /** In order of position; at least one. */
  readonly choices: readonly LoggedChoice[];
  /** Of the whole decision. */
  readonly reward: number;
  /** How many decisions this one stands for: 1, or more where the log was thinned out. */
  readonly weight: number;
  /** As the log has it. */
  readonly timestamp?: string;
  /** With kind `list` and `slates`: what the log says of each slot. */
  readonly slots?: readonly JsonObject[];
  /** What else a policy of Attune's own is asked with. */
  readonly asked?: Asked;
}

/** The parts of a decision context that only Attune's log has. */
export interface Asked {
  readonly surface: string;
  readonly atMs: number;
  readonly subject: Readonly<Record<string, number>>;
  readonly state?: string;
  readonly observation?: readonly number[];
}

/** Why a line gives no decision, though nothing is wrong with it. */
export type SkipReason =
  | 'unlabelled'
  | 'skip-learn'
  | 'observation'
  | 'censored'
  | 'not-shown'
  | 'refused'
  | 'corrected'
  | 'withdrawn'
  | 'forced'
  /** The log has a decision of this id already. */
  | 'repeated';

/** What becomes of one line: decisions are read, skips counted, and what is bad is thrown as InvalidRequest `LOG_*`. */
export type LineOutcome = { readonly decision: LoggedDecision } | { readonly skipped: SkipReason };

/** Bounds of rewards, both inclusive. */
export interface RewardRange {
  readonly min: number;
  readonly max: number;
}

/** Rewards of which nothing was declared: none is negative. */
export const UNDECLARED_RANGE: RewardRange = { min: 0, max: Infinity };
