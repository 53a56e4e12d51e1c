/** Caps are exact both ways: never more than they say, and what is said to be capped is. */
import { broken, type Violation } from './checks.js';
import type { ReplayedRecord } from './replay.js';
import { bodyOf, decisionsOf, experiencesOf, namedBy, type TownReplay } from './town-records.js';
import { TOWN_CAPS, TOWN_PROMO } from './town.js';

/** Clocks of hosts and server may run apart by so much while a cap's window is open. */
const DRIFT_MS = 5;
/** A decision is made by the time of what was folded last, and stored by so much later at most. */
const STORED_LATE_MS = 200;
/** Decisions in flight that never came back counted until a marker or a barrier said so: this long before or after it. */
const LOSSY_MS = 6_000;

interface Shown {
  readonly id: string;
  /** By a clock that nobody sets. */
  readonly storedMs: number;
  /** Under which it counts: fold time, or that of the decision where that was later. */
  readonly countedMs: number;
  readonly sequence: number;
  readonly keys: ReadonlySet<string>;
  /** Fold time at which it is known whether anybody has seen it, at the earliest and at the latest. */
  readonly knownFromMs: number;
  readonly knownToMs: number;
}

export function checkCaps(replays: readonly TownReplay[]): Violation[] {
  return replays.flatMap((replay) => {
    const seen = seenAt(replay);
    const early = closedEarly(replay);
    const lossy = lossyTimes(replay);
    const shown = new Map<string, Shown[]>();
    return decisionsOf(replay).flatMap((record) => {
      // A stand-in's caps end with its session.
      if (record.kind !== 'user') return [];
      const { surface } = bodyOf(record);
      const name = `${surface} ${record.token}`;
      const before = shown.get(name) ?? [];
      shown.set(name, [...before, shownBy(record, early)]);
      const isLossy = lossy.some((atMs) => Math.abs(atMs - record.atMs) < LOSSY_MS);
      // What a subject was shown goes with the consent, and is counted anew from there.
      const kept = before.filter(({ sequence }) => sequence > withdrawnBefore(replay, record));
      return [...tooMany(record, kept, seen), ...(isLossy ? [] : tooFew(record, before, seen))];
    });
  });
}

/**
 * What needs to be seen counts while it may yet be, and for good once it was. Where there was no room to wait for its
 * window, it counts as long as its offer stands, and may count for as long as the cap's window.
 */
function shownBy(record: ReplayedRecord, early: ReadonlySet<string>): Shown {
  const { id, caps, surface, windowMs, validUntilMs, atMs } = bodyOf(record);
  const isEarly = early.has(id);
  const offerMs = validUntilMs - atMs;
  return {
    id,
    storedMs: record.record.storedMs,
    countedMs: Math.max(record.atMs, atMs),
    sequence: record.record.sequence,
    keys: new Set(caps.map(({ key }) => key)),
    knownFromMs: surface === TOWN_PROMO ? record.atMs + (isEarly ? Math.min(offerMs, windowMs) : windowMs) : Infinity,
    knownToMs: surface === TOWN_PROMO && !isEarly ? record.atMs + windowMs : Infinity,
  };
}

/** The decision itself included. */
function tooMany(record: ReplayedRecord, before: readonly Shown[], seen: ReadonlyMap<string, number>): Violation[] {
  return bodyOf(record).caps.flatMap(({ key, max, windowMs }) => {
    const within = before.filter(
      (one) =>
        one.keys.has(key) &&
        one.storedMs > record.record.storedMs - windowMs + DRIFT_MS &&
        (one.knownFromMs > record.atMs + DRIFT_MS || (seen.get(one.id) ?? Infinity) < one.knownFromMs),
    );
    if (within.length < max) return [];
    return [broken('caps-exact', `${record.token} ${key}: ${within.length + 1} of ${max} in one window`)];
  });
}

/** Decided at a time that may lie before that of the record: what came after it is counted in any case. */
function tooFew(record: ReplayedRecord, before: readonly Shown[], seen: ReadonlyMap<string, number>): Violation[] {
  const { id: decisionId, surface, filtered, atMs, basedOn } = bodyOf(record);
  return filtered.flatMap(({ id, rule }) => {
    const cap = TOWN_CAPS[surface]?.find(({ name }) => rule === `cap.${name}`);
    if (cap === undefined) return [];
    const key = cap.keyOf(id);
    const may = before.filter(
      (one) =>
        one.keys.has(key) &&
        (one.sequence > basedOn ||
          (one.countedMs > atMs - cap.windowMs - DRIFT_MS &&
            (one.knownToMs > atMs - STORED_LATE_MS || (seen.get(one.id) ?? Infinity) < one.knownToMs))),
    );
    if (may.length >= cap.max) return [];
    return [broken('caps-not-over', `${decisionId}: ${rule} for ${id} with ${may.length} of ${cap.max}`)];
  });
}

/** Where the subject withdrew consent last before a record; 0 where it never did. */
const withdrawnBefore = ({ records }: TownReplay, { token, record }: ReplayedRecord): number =>
  records.findLast(
    (one) =>
      one.name === 'consent.withdrawn' &&
      one.token === token &&
      one.verdict === 'applied' &&
      one.record.sequence < record.sequence,
  )?.record.sequence ?? 0;

/** When each decision was first reacted to: an impression, or what takes one. */
function seenAt(replay: TownReplay): ReadonlyMap<string, number> {
  const seen = new Map<string, number>();
  for (const record of replay.records) {
    const id = record.cls === 'event' && record.verdict === 'applied' ? namedBy(record) : undefined;
    if (id !== undefined && !seen.has(id)) seen.set(id, record.atMs);
  }
  return seen;
}

/** Decisions that were closed before their windows had passed. */
const closedEarly = (replay: TownReplay): ReadonlySet<string> =>
  new Set(experiencesOf(replay).flatMap(({ said }) => (said.status === 'censored' ? [said.decisionId] : [])));

const lossyTimes = (replay: TownReplay): number[] =>
  replay.records
    .filter(({ cls, kind }) => cls === 'control' && (kind === 'marker' || kind === 'barrier'))
    .map(({ atMs }) => atMs);
