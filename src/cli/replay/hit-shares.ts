/** How good guidance was: the share of an hour's real pickups that fell into the k zones on top. */
import type { Guidance } from './guide.js';

export interface HitShare {
  readonly k: number;
  /** Shares in [0, 1] of all pickups of all scored hours. */
  readonly served: number;
  /** The same policy without chance: the zones of the longest slate by score. */
  readonly byScore: number;
  /** The k zones with the most pickups of all earlier hours. */
  readonly popularity: number;
  /** The k zones that had the most pickups in that very hour: no guidance can do better. */
  readonly best: number;
}

interface Hits {
  served: number;
  byScore: number;
  popularity: number;
  best: number;
}

/**
 * Hours are scored one after the other, each against what was known before it began. Hours without pickups have
 * nothing to hit, and the hour before which nothing was known has no popularity: neither counts.
 */
export class HitShares {
  private readonly seen = new Map<string, number>();
  private readonly hits: ReadonlyMap<number, Hits>;
  private hours = 0;
  private pickups = 0;

  constructor(ks: readonly number[]) {
    this.hits = new Map(ks.map((k) => [k, { served: 0, byScore: 0, popularity: 0, best: 0 }]));
  }

  get hoursScored(): number {
    return this.hours;
  }

  get pickupsScored(): number {
    return this.pickups;
  }

  /** Whether guidance for an hour with these pickups would be scored. */
  scores(byCell: ReadonlyMap<string, number>): boolean {
    return byCell.size > 0 && this.seen.size > 0;
  }

  /** Guidance for the hour, best zone first. Throws where `scores` says no; `observe` the hour afterwards. */
  score({ served, byScore }: Guidance, byCell: ReadonlyMap<string, number>): void {
    if (!this.scores(byCell)) throw new Error('An hour that cannot be scored.');
    const popularity = ranked(this.seen);
    const best = ranked(byCell);
    for (const [k, hits] of this.hits) {
      hits.served += hitsOf(served, k, byCell);
      hits.byScore += hitsOf(byScore, k, byCell);
      hits.popularity += hitsOf(popularity, k, byCell);
      hits.best += hitsOf(best, k, byCell);
    }
    this.hours++;
    for (const count of byCell.values()) this.pickups += count;
  }

  /** The hour has passed. */
  observe(byCell: ReadonlyMap<string, number>): void {
    for (const [cell, count] of byCell) this.seen.set(cell, (this.seen.get(cell) ?? 0) + count);
  }

  shares(): HitShare[] {
    const share = (hits: number): number => (this.pickups === 0 ? 0 : hits / this.pickups);
    return [...this.hits].map(([k, hits]) => ({
      k,
      served: share(hits.served),
      byScore: share(hits.byScore),
      popularity: share(hits.popularity),
      best: share(hits.best),
    }));
  }
}

/** Cells by count, most first; ties by cell, so that a rerun ranks alike. */
function ranked(counts: ReadonlyMap<string, number>): string[] {
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([cell]) => cell);
}

function hitsOf(cells: readonly string[], k: number, byCell: ReadonlyMap<string, number>): number {
  let hits = 0;
  // A slate has each zone once, and so counts each pickup at most once.
  for (let i = 0; i < k && i < cells.length; i++) hits += byCell.get(cells[i]!) ?? 0;
  return hits;
}
