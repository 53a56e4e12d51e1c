/**
 * What became of the changes of consent in a batch: each user's actor is asked, once it has folded them. Whatever keeps it
 * from answering within the deadline, the changes are journaled, and the answer says `pending`.
 */
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import {
  pendingOutcomes,
  type ConsentAnswer,
  type ConsentChange,
  type ConsentOutcome,
} from '../../messages/consent.js';
import { DEADLINE_MS_MAX } from '../../messages/decisions.js';
import { decodePosition } from '../../messages/tokens.js';
import type { ActorClient, RequestOrigin } from '../ports.js';

/** A change of consent that is journaled. */
export interface JournaledChange {
  /** The user's. */
  readonly token: string;
  readonly change: ConsentChange;
  /** Its place in the journal; '' where that is not known. */
  readonly position: string;
}

export interface ConsentOutcomesDeps {
  readonly actors: ActorClient;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly metrics: { consentPending(code: string, changes: number): void };
}

/** Users of one batch that are asked at once: many of them leave room for everybody else's requests. */
const ASKED_AT_ONCE = 32;
/** Why there was no answer where no error says so. */
const WHY = { place: 'PLACE_UNKNOWN', time: 'DEADLINE_PASSED', fold: 'NOT_FOLDED' } as const;

interface Asked {
  readonly indexes: number[];
  readonly changes: ConsentChange[];
  after: string;
}

/** An outcome list for each change, in their order, by `deadlineMs` on the monotonic clock. Never rejects. */
export async function consentOutcomes(
  { actors, clock, metrics }: ConsentOutcomesDeps,
  journaled: readonly JournaledChange[],
  { id: trace, app }: RequestOrigin,
  deadlineMs: number,
): Promise<(readonly ConsentOutcome[])[]> {
  const outcomes: (readonly ConsentOutcome[])[] = journaled.map(({ change }) => pendingOutcomes(change));
  const placed = journaled.filter(({ position }) => position !== '').length;
  if (placed < journaled.length) metrics.consentPending(WHY.place, journaled.length - placed);
  const waiting = [...byUser(journaled)];
  const askNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [token, { indexes, changes, after }] = next;
      const leftMs = Math.floor(deadlineMs - clock.monotonicMs());
      if (leftMs < 1) {
        metrics.consentPending(WHY.time, changes.length);
        continue;
      }
      try {
        const body = { after, deadlineMs: Math.min(leftMs, DEADLINE_MS_MAX), changes };
        const answer = await actors.request('user', token, 'consent', body, { deadlineMs: leftMs, app, trace });
        const told = (answer as ConsentAnswer).outcomes;
        indexes.forEach((index, i) => (outcomes[index] = told[i]!));
        const left = told.filter(isPending).length;
        if (left > 0) metrics.consentPending(WHY.fold, left);
      } catch (error) {
        metrics.consentPending(EngineError.from(error).code, changes.length);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(ASKED_AT_ONCE, waiting.length) }, askNext));
  return outcomes;
}

const isPending = (outcomes: readonly ConsentOutcome[]): boolean =>
  outcomes.some(({ outcome }) => outcome === 'pending');

/** Changes whose place is known, each user's with the last place; what has none cannot be waited for. */
function byUser(journaled: readonly JournaledChange[]): Map<string, Asked> {
  const users = new Map<string, Asked>();
  journaled.forEach(({ token, change, position }, index) => {
    if (position === '') return;
    const { sequence } = decodePosition(position);
    let asked = users.get(token);
    if (!asked) users.set(token, (asked = { indexes: [], changes: [], after: position }));
    asked.indexes.push(index);
    asked.changes.push({ ...change, sequence });
    if (sequence > decodePosition(asked.after).sequence) asked.after = position;
  });
  return users;
}
