/** Decisions and experiences as rows: the JSON that PostgreSQL reads with json_to_recordset, columns as in entities/. */
import { z } from 'zod';
import type { DecisionBody } from '../../messages/decisions.js';

/** From 1970 to the end of 9999: dates that JavaScript and PostgreSQL write alike. */
const timeMs = z.number().min(0).max(253_402_300_799_999);
const ref = z.looseObject({ id: z.string(), version: z.number().int() });

/** The part of a DecisionBody that becomes columns; the rest goes into `details` as it is. */
const decisionSchema = z.looseObject({
  id: z.string(),
  surface: z.string(),
  subjectKind: z.string(),
  atMs: timeMs,
  policy: ref,
  slate: z.array(z.looseObject({ id: z.string(), propensity: z.number() })),
  filtered: z.array(z.unknown()),
  personalized: z.boolean(),
  degraded: z.array(z.string()),
  fallbackReason: z.string().nullable(),
  context: z.record(z.string(), z.unknown()),
});

const experienceSchema = z.looseObject({
  decisionId: z.string(),
  status: z.enum(['complete', 'censored', 'not-shown']),
  decidedAtMs: timeMs,
  closedAtMs: timeMs,
  policy: ref,
  reward: z.number(),
  rewardedId: z.string().nullable(),
  events: z.array(z.unknown()),
});

/** What the experience stream carries for a decision that the fold refused. */
const refusalSchema = z.looseObject({ decisionId: z.string(), status: z.literal('refused'), reason: z.string() });

const outcomeSchema = z.union([experienceSchema, refusalSchema]);

export interface DecisionPlace {
  readonly partition: number;
  readonly identity: string;
  readonly sequence: number;
  readonly epoch: number;
  readonly actorKind: string;
  readonly actorToken: string;
}

/** Undefined where the body is not a decision's. */
export function decisionRow(place: DecisionPlace, body: unknown): string | undefined {
  const parsed = decisionSchema.safeParse(body);
  if (!parsed.success) return undefined;
  const { id, surface, subjectKind, atMs, policy, slate, filtered, personalized, degraded, ...rest } = parsed.data;
  const { fallbackReason, context, ...details } = rest;
  return rowJson({
    partition: place.partition,
    identity: place.identity,
    sequence: place.sequence,
    id,
    epoch: place.epoch,
    surface,
    subject_kind: subjectKind,
    actor_kind: place.actorKind,
    actor_token: place.actorToken,
    at: new Date(atMs).toISOString(),
    policy_id: policy.id,
    policy_version: policy.version,
    personalized,
    degraded,
    fallback_reason: fallbackReason,
    slate,
    propensities: slate.map((item) => item.propensity),
    filtered,
    context,
    details,
  });
}

export interface OutcomePlace {
  readonly partition: number;
  readonly identity: string;
  readonly sequence: number;
  readonly index: number;
  readonly surface: string;
  /** Fold time of the record that emitted it. */
  readonly atMs: number;
}

/** Undefined where the body is neither an experience nor a refusal. */
export function outcomeRow(place: OutcomePlace, body: unknown): string | undefined {
  const parsed = outcomeSchema.safeParse(body);
  if (!parsed.success || !timeMs.safeParse(place.atMs).success) return undefined;
  const { atMs, ...key } = place;
  const outcome = parsed.data;
  if (outcome.status === 'refused') {
    return rowJson({
      ...key,
      decision_id: outcome.decisionId,
      status: outcome.status,
      closed_at: new Date(atMs).toISOString(),
      reason: outcome.reason,
      events: [],
    });
  }
  return rowJson({
    ...key,
    decision_id: outcome.decisionId,
    status: outcome.status,
    decided_at: new Date(outcome.decidedAtMs).toISOString(),
    closed_at: new Date(outcome.closedAtMs).toISOString(),
    policy_id: outcome.policy.id,
    policy_version: outcome.policy.version,
    reward: outcome.reward,
    rewarded_id: outcome.rewardedId,
    events: outcome.events,
  });
}

/** Puts a decision together again from its row's columns. */
export function decisionBody(row: {
  readonly id: string;
  readonly surface: string;
  readonly subjectKind: string;
  readonly at: Date;
  readonly policyId: string;
  readonly policyVersion: number;
  readonly slate: DecisionBody['slate'];
  readonly filtered: DecisionBody['filtered'];
  readonly personalized: boolean;
  readonly degraded: readonly string[];
  readonly fallbackReason?: string | null | undefined;
  readonly context: DecisionBody['context'];
  readonly details: object;
}): DecisionBody {
  return {
    ...row.details,
    id: row.id,
    surface: row.surface,
    subjectKind: row.subjectKind,
    atMs: row.at.getTime(),
    policy: { id: row.policyId, version: row.policyVersion },
    slate: row.slate,
    filtered: row.filtered,
    personalized: row.personalized,
    degraded: row.degraded,
    fallbackReason: row.fallbackReason ?? null,
    context: row.context,
  } as DecisionBody;
}

/** An escaped NUL or lone surrogate, which JSON may carry and PostgreSQL's text may not. */
const UNSTORABLE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** JSON whose text PostgreSQL can store: what it cannot becomes the replacement character U+FFFD. */
function rowJson(row: Readonly<Record<string, unknown>>): string {
  const json = JSON.stringify(row);
  return json.includes('\\u') ? json.replace(UNSTORABLE, '$1\\ufffd') : json;
}
