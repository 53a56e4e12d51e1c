/** Knows when all that was sent has arrived: folded by its zone, and in the replica that decisions are made from. */
import { sleep, type Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import type { ApiClient } from '../api-client.js';
import type { Pickup } from './timetable.js';

/** Cells asked about in one request: their names must fit into a URL. */
const CELLS_PER_REQUEST = 200;
const VIEWS_AT_ONCE = 16;
const POLL_MS = 8;
/** Without any progress for so long, something is lost or ignored. */
const STALL_MS = 30_000;
const ZONES_NAMED_MAX = 5;

type Zones = Pick<ApiClient, 'zone' | 'replicatedZones'>;

/**
 * A zone's `pickupsTotal` is exact: everything has arrived once every zone touched counts what it counted before the
 * replay, plus what was accepted for it since.
 */
export class ZoneWatch {
  private readonly expected = new Map<string, number>();
  private readonly lagging = new Set<string>();

  private constructor(
    private readonly api: Zones,
    private readonly clock: Clock,
    private readonly before: ReadonlyMap<string, number>,
  ) {}

  /** Asks every cell what it has counted so far. */
  static async over(cells: readonly string[], api: Zones, clock: Clock): Promise<ZoneWatch> {
    return new ZoneWatch(api, clock, await countsOf(cells, api));
  }

  /** Pickups that the watched zones had counted before the replay. */
  get countedBefore(): number {
    return sumOf(this.before.values());
  }

  /** These were accepted, and are on their way. */
  accepted(pickups: readonly Pickup[]): void {
    for (const { cell } of pickups) {
      this.expected.set(cell, (this.expected.get(cell) ?? this.before.get(cell) ?? 0) + 1);
      this.lagging.add(cell);
    }
  }

  /** Resolves once nothing is on its way. Rejects with Dependency `REPLAY_STALLED` naming zones. */
  async caughtUp(): Promise<void> {
    let [arrived, heardMs] = [-1, this.clock.monotonicMs()];
    while (this.lagging.size > 0) {
      const now = await this.poll();
      if (now !== arrived) [arrived, heardMs] = [now, this.clock.monotonicMs()];
      else if (this.clock.monotonicMs() - heardMs > STALL_MS) throw this.stalled();
      if (this.lagging.size > 0) await sleep(this.clock, POLL_MS);
    }
  }

  /** Pickups that each watched zone has counted since the replay began, by its own account. */
  async countedSince(): Promise<Map<string, number>> {
    const counts = await countsOf([...this.before.keys()], this.api);
    for (const [cell, count] of counts) counts.set(cell, count - this.before.get(cell)!);
    return counts;
  }

  /** Asks about what lags, and takes off what has arrived. The number only tells progress from none. */
  private async poll(): Promise<number> {
    const cells = [...this.lagging];
    let counted = 0;
    for (let i = 0; i < cells.length; i += CELLS_PER_REQUEST) {
      for (const zone of await this.api.replicatedZones(cells.slice(i, i + CELLS_PER_REQUEST))) {
        counted += zone.pickupsTotal;
        if (zone.pickupsTotal >= this.expected.get(zone.cell)!) this.lagging.delete(zone.cell);
      }
    }
    return counted - this.lagging.size;
  }

  private stalled(): EngineError {
    const some = [...this.lagging].slice(0, ZONES_NAMED_MAX).join(', ');
    return new EngineError(
      'Dependency',
      'REPLAY_STALLED',
      `${this.lagging.size} zones have not counted all accepted pickups for ${STALL_MS / 1000} s, among them ${some}.`,
    );
  }
}

async function countsOf(cells: readonly string[], api: Zones): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (let i = 0; i < cells.length; i += VIEWS_AT_ONCE) {
    const views = await Promise.all(cells.slice(i, i + VIEWS_AT_ONCE).map((cell) => api.zone(cell)));
    views.forEach(({ pickupsTotal }, j) => counts.set(cells[i + j]!, pickupsTotal));
  }
  return counts;
}

const sumOf = (numbers: Iterable<number>): number => {
  let sum = 0;
  for (const number of numbers) sum += number;
  return sum;
};
