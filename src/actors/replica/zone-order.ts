/**
 * Zones by recent pickups, kept in order. What has changed waits until somebody asks or there is much of it, and is then
 * merged into what is in order already: asking never sorts all of them.
 */
import { byPickups, type ZoneFacts } from '../../messages/zones.js';

/** So many changes are merged without anybody asking. */
const CHANGES_MAX = 512;

export class ZoneOrder {
  private ordered: readonly ZoneFacts[] = [];
  private readonly changed = new Set<string>();

  /** `current` gives what is known of a cell now; undefined where it has been forgotten. */
  constructor(private readonly current: (cell: string) => ZoneFacts | undefined) {}

  /** The zone of this cell is new, another one than it was, or forgotten. */
  touch(cell: string): void {
    this.changed.add(cell);
    if (this.changed.size >= CHANGES_MAX) this.merge();
  }

  first(limit: number): readonly ZoneFacts[] {
    if (this.changed.size > 0) this.merge();
    return this.ordered.slice(0, limit);
  }

  private merge(): void {
    const fresh = [...this.changed].flatMap((cell) => this.current(cell) ?? []).sort(byPickups);
    const merged: ZoneFacts[] = [];
    let next = 0;
    for (const facts of this.ordered) {
      if (this.changed.has(facts.cell)) continue;
      while (next < fresh.length && byPickups(fresh[next]!, facts) < 0) merged.push(fresh[next++]!);
      merged.push(facts);
    }
    while (next < fresh.length) merged.push(fresh[next++]!);
    this.ordered = merged;
    this.changed.clear();
  }
}
