/** Decisions and experiences as rows: the JSON that PostgreSQL reads with json_to_recordset, columns as in entities/. */
import type { DecisionBody } from '../../messages/decisions.js';
import { isDecision, isExperience, isRefusal, isTimeMs } from './wire.js';

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
  if (!isDecision(body)) return undefined;
  const { id, surface, subjectKind, atMs, policy, slate, filtered, personalized, degraded, ...rest } = body;
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
  const { atMs, ...key } = place;
  if (isExperience(body)) {
    return rowJson({
      ...key,
      decision_id: body.decisionId,
      status: body.status,
      decided_at: new Date(body.decidedAtMs).toISOString(),
      closed_at: new Date(body.closedAtMs).toISOString(),
      policy_id: body.policy.id,
      policy_version: body.policy.version,
      reward: body.reward,
      rewarded_id: body.rewardedId,
      events: body.events,
      ...(body.credits === undefined ? {} : { credits: body.credits }),
      ...(body.credit === undefined ? {} : { credit: body.credit }),
    });
  }
  if (!isRefusal(body) || !isTimeMs(atMs)) return undefined;
  return rowJson({
    ...key,
    decision_id: body.decisionId,
    status: body.status,
    closed_at: new Date(atMs).toISOString(),
    reason: body.reason,
    events: [],
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
