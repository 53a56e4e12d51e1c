/** How far the facts sink has come, as hosts that trim journals know it: they may not reach the database. */
import { z } from 'zod';
import type { KeyValue, Stored } from '../actors/host/ports.js';
import type { UnreadableBook } from '../kernel/read-json.js';
import type { Logger } from '../kernel/logger.js';

/** In the bucket of the cluster's constants. */
export const FLOOR_KEY = 'facts-floor';
export const FLOOR_EVERY_MS = 10_000;
const WARN_EVERY_MS = 60_000;

/** Beside the partitions: how far the experience stream of that identity is sunk. */
export const experienceKey = (identity: string): string => `experience.${identity}`;

const floorSchema = z.record(z.string(), z.number().int().nonnegative());

/**
 * Up to where journals may be trimmed for the facts' sake: the sink's announced position. Where facts are expected,
 * nothing is trimmed before a sink was heard of, and it is said aloud again and again; where they are not, and none was
 * ever announced, nothing waits for one.
 */
export class FactsFloor {
  private floor: Readonly<Record<string, number>> | undefined;
  private hasLooked = false;
  private saidAtMs = -Infinity;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly constants: Pick<KeyValue, 'get'>,
    private readonly isExpected: boolean,
    private readonly unreadable: UnreadableBook,
    private readonly log: Pick<Logger, 'warn'>,
  ) {
    void this.refresh();
    this.timer = setInterval(() => void this.refresh(), FLOOR_EVERY_MS);
  }

  of(partition: number): number {
    return this.ofSource(String(partition));
  }

  /** The same for the experience stream of that identity. */
  ofExperience(identity: string): number {
    return this.ofSource(experienceKey(identity));
  }

  private ofSource(source: string): number {
    // Until it is known whether there is a sink, nothing may be trimmed.
    if (!this.hasLooked) return 0;
    if (this.floor === undefined) return this.isExpected ? 0 : Infinity;
    return this.floor[source] ?? 0;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Never rejects. */
  async refresh(): Promise<void> {
    let stored: Stored | undefined;
    try {
      stored = await this.constants.get(FLOOR_KEY);
    } catch {
      return;
    }
    if (stored) {
      const floor = this.unreadable.read('facts-floor', FLOOR_KEY, stored.value, floorSchema);
      // What cannot be read says nothing: the last floor that could stands, and without one nothing is trimmed.
      if (floor === undefined)
        return this.say('the facts floor cannot be read; journals are not trimmed past the last');
      this.floor = floor;
    } else if (this.isExpected) {
      this.say('no facts sink was ever announced: journals keep everything (storage.facts in the configuration)');
    }
    this.hasLooked = true;
  }

  private say(what: string): void {
    if (performance.now() - this.saidAtMs < WARN_EVERY_MS) return;
    this.saidAtMs = performance.now();
    this.log.warn(what);
  }
}
