/** What became of changes of consent, read from what the subject has said by now. */
import { parseRfc3339 } from '../../kernel/rfc3339.js';
import {
  consentRequestSchema,
  distinct,
  pendingOutcomes,
  purposesOf,
  type ConsentAnswer,
  type ConsentChange,
  type ConsentOutcome,
} from '../../messages/consent.js';
import { grantedPurposes, isGranted, withdrawnMsOf, withGrant } from './consent-table.js';
import { parsed } from './request.js';
import type { UserState } from './state.js';

export interface OutcomeContext {
  readonly nowMs: number;
  /** Whether the last change could not be waited for. */
  readonly isPending: boolean;
}

/** Throws `INVALID_REQUEST`. */
export function consentOutcomes(state: UserState, body: unknown, { nowMs, isPending }: OutcomeContext): ConsentAnswer {
  const { changes } = parsed(consentRequestSchema, body, []);
  const outcomeOf = isPending ? pendingOutcomes : (change: ConsentChange) => outcomesOf(state, change, nowMs);
  return { outcomes: changes.map(outcomeOf) };
}

function outcomesOf(state: UserState, change: ConsentChange, nowMs: number): ConsentOutcome[] {
  const named = purposesOf(change.type, change.purposes);
  if (named === 'all') {
    const regranted = grantedPurposes(state.consent).map((purpose): ConsentOutcome => ({
      purpose,
      outcome: 'not-newer',
    }));
    // One that was taken is known for ever.
    return [...regranted, { purpose: null, outcome: state.consent.othersMs > 0 ? 'withdrawn' : 'refused' }];
  }
  const outcome = change.type === 'consent.granted' ? grantOutcome(state, change, named, nowMs) : withdrawalOutcome;
  return distinct(named).map((purpose) => {
    const granted = isGranted(state.consent, purpose);
    return { purpose, outcome: outcome(granted, purpose) };
  });
}

type OutcomeOf = (granted: boolean, purpose: string) => ConsentOutcome['outcome'];

const withdrawalOutcome: OutcomeOf = (granted) => (granted ? 'not-newer' : 'withdrawn');

/**
 * A grant that was taken holds, unless a withdrawal stands against it. One that no withdrawal stands against was not taken:
 * there was no room for its purposes, or it was too old.
 */
function grantOutcome(
  { consent, consentSequence }: UserState,
  { time, sequence = 0 }: ConsentChange,
  purposes: readonly string[],
  nowMs: number,
): OutcomeOf {
  const saidMs = time === undefined ? undefined : parseRfc3339(time);
  const hasNoRoom = withGrant(consent, purposes, Math.min(saidMs ?? nowMs, nowMs)) === undefined;
  // What changed after its record may have overridden it, whatever times they say.
  const isLast = sequence > 0 && consentSequence <= sequence;
  return (granted, purpose) => {
    if (granted) return 'granted';
    if (hasNoRoom) return 'refused';
    return isLast && saidMs !== undefined && saidMs > withdrawnMsOf(consent, purpose) ? 'refused' : 'not-newer';
  };
}
