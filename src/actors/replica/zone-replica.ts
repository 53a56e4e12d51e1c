import type { Clock } from '../../kernel/clock.js';
import { silentLogger, type Logger } from '../../kernel/logger.js';
import type { OrderedZones, ZoneFacts } from '../../messages/zones.js';
import { ZoneOrder } from './zone-order.js';

/** Zones a replica keeps; beyond it the one that changed longest ago is forgotten. */
export const ZONES_MAX = 20_000;

/** The zones this process knows, as last broadcast. Fed by `NatsZoneFeed`, or by hand in tests. */
export class ZoneReplica implements OrderedZones {
  /** In the order of their last change. */
  private readonly zones = new Map<string, ZoneFacts>();
  private readonly order = new ZoneOrder((cell) => this.zones.get(cell));
  private heardAtMs: number | undefined;
  private readonly works: Iterator<void, void>[] = [];

  /** `turn` calls back once the event loop has looked at what came in. */
  constructor(
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    private readonly zonesMax = ZONES_MAX,
    private readonly log: Pick<Logger, 'error'> = silentLogger,
    private readonly turn: (step: () => void) => void = setImmediate,
  ) {}

  get size(): number {
    return this.zones.size;
  }

  get(cell: string): ZoneFacts | undefined {
    return this.zones.get(cell);
  }

  all(): Iterable<ZoneFacts> {
    return this.zones.values();
  }

  busiest(limit: number): readonly ZoneFacts[] {
    return this.order.first(limit);
  }

  staleMs(): number {
    return this.heardAtMs === undefined ? Infinity : this.clock.monotonicMs() - this.heardAtMs;
  }

  /** Takes the facts unless it knows newer ones of the same cell; says whether it did. */
  apply(facts: ZoneFacts): boolean {
    const known = this.zones.get(facts.cell);
    if (known && known.sequence >= facts.sequence) return false;
    this.zones.delete(facts.cell);
    this.zones.set(facts.cell, facts);
    this.order.touch(facts.cell);
    if (this.zones.size > this.zonesMax) {
      const [oldest] = this.zones.keys();
      this.zones.delete(oldest!);
      this.order.touch(oldest!);
    }
    return true;
  }

  /** One step a turn of the event loop, one piece of work after the other. */
  later(work: Iterator<void, void>): void {
    this.works.push(work);
    if (this.works.length === 1) this.turn(() => this.step());
  }

  private step(): void {
    const [work] = this.works;
    let isDone = true;
    try {
      isDone = work!.next().done === true;
    } catch (error) {
      this.log.error('zones could not be ranked', { error });
    }
    if (isDone) this.works.shift();
    if (this.works.length > 0) this.turn(() => this.step());
  }

  /** The state stream is alive and this replica has all of it. */
  heard(): void {
    this.heardAtMs = this.clock.monotonicMs();
  }
}
