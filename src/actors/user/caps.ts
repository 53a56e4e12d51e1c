/**
 * Frequency caps: at most `max` decisions within any window of `windowMs`, exactly. A counter keeps one timestamp a
 * decision: when it was made or, if that was later, when it was folded; one still in flight counts in any case. A
 * decision counts once for each of its keys, however many items of its slate share the key. Where a surface requires an
 * impression, a decision that was never shown is taken out again.
 */
import type { Candidate, CapUse } from '../../messages/decisions.js';
import type { Surface, SurfaceCap } from '../../surfaces/surface.js';
import { NONE, type CapCounter } from './state.js';

/** Counters that one subject may have; above it candidates that need a new one are filtered (`cap.table-full`). */
export const CAP_COUNTERS_MAX = 512;

/** The counter that a candidate falls under; undefined where the cap does not concern it. */
export function capKey(
  cap: SurfaceCap,
  candidate: Pick<Candidate, 'id' | 'category' | 'campaign'>,
): string | undefined {
  switch (cap.scope) {
    case 'surface':
      return cap.name;
    case 'candidate':
      return `${cap.name}|${candidate.id}`;
    case 'category':
      return candidate.category === undefined ? undefined : `${cap.name}|${candidate.category}`;
    case 'campaign':
      return candidate.campaign === undefined ? undefined : `${cap.name}|${candidate.campaign}`;
  }
}

/** What a decision that shows these candidates raises: each counter once. */
export function capUses(surface: Surface, shown: readonly Pick<Candidate, 'id' | 'category' | 'campaign'>[]): CapUse[] {
  const uses: CapUse[] = [];
  if (shown.length === 0) return uses;
  for (const cap of surface.caps) {
    const seen = new Set<string>();
    for (const candidate of shown) {
      const key = capKey(cap, candidate);
      if (key === undefined || seen.has(key)) continue;
      seen.add(key);
      uses.push({ key, windowMs: cap.windowMs, max: cap.max });
    }
  }
  return uses;
}

/** How many decisions the counters of a key still count at `nowMs`: those made after `nowMs - windowMs`. */
export function countOf(caps: readonly CapCounter[], key: string, windowMs: number, nowMs: number): number {
  let count = 0;
  for (const counter of caps) {
    if (counter.key !== key) continue;
    const { at } = counter;
    let expired = 0;
    while (expired < at.length && at[expired]! <= nowMs - windowMs) expired++;
    count += at.length - expired;
  }
  return count;
}

/** The decisions that counters count: whose, and when they were made. */
export interface Counted {
  readonly purpose: string;
  readonly atMs: number;
}

/** Counts a decision, and forgets what no window reaches any more. */
export function raiseCaps(
  caps: readonly CapCounter[],
  uses: readonly CapUse[],
  { purpose, atMs }: Counted,
): readonly CapCounter[] {
  const live: CapCounter[] = [];
  for (const counter of caps) {
    const kept = within(counter, atMs);
    if (kept !== undefined) live.push(kept);
  }
  for (const { key, windowMs } of uses) {
    const index = live.findIndex((counter) => counter.key === key && counter.purpose === purpose);
    if (index < 0) live.push({ key, purpose, windowMs, at: [atMs] });
    else live[index] = { key, purpose, windowMs, at: insert(live[index]!.at, atMs) };
  }
  return live.length === 0 ? NONE : live;
}

/** Takes one decision out of its counters again. */
export function releaseCaps(
  caps: readonly CapCounter[],
  keys: readonly string[],
  { purpose, atMs }: Counted,
): readonly CapCounter[] {
  if (keys.length === 0) return caps;
  const kept: CapCounter[] = [];
  for (const counter of caps) {
    const isIts = counter.purpose === purpose && keys.includes(counter.key);
    const place = isIts ? counter.at.indexOf(atMs) : -1;
    if (place < 0) kept.push(counter);
    else if (counter.at.length > 1) kept.push({ ...counter, at: counter.at.toSpliced(place, 1) });
  }
  return kept.length === 0 ? NONE : kept;
}

function within(counter: CapCounter, nowMs: number): CapCounter | undefined {
  const { key, purpose, windowMs, at } = counter;
  if (at[0]! > nowMs - windowMs) return counter;
  const kept = at.filter((t) => t > nowMs - windowMs);
  return kept.length === 0 ? undefined : { key, purpose, windowMs, at: kept };
}

function insert(at: readonly number[], atMs: number): readonly number[] {
  let place = at.length;
  while (place > 0 && at[place - 1]! > atMs) place--;
  return at.toSpliced(place, 0, atMs);
}
