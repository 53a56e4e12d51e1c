/** Bounded concurrency: what is over the limit is refused at once instead of queued. */
import { EngineError } from '../kernel/errors.js';
import type { ActorClient, EventIngress } from './ports.js';

/** How much is under way, and the limit. */
export interface Gate {
  readonly inFlight: number;
}

const overloaded = (what: string, limit: number): EngineError =>
  new EngineError('Overloaded', 'OVERLOADED', `More than ${limit} ${what} are under way.`, { retryAfterMs: 1000 });

/** An ActorClient that rejects with Overloaded `OVERLOADED` above `limit` requests at once. */
export class BoundedActors implements ActorClient, Gate {
  inFlight = 0;

  constructor(
    private readonly inner: ActorClient,
    private readonly limit: number,
  ) {}

  async request(...args: Parameters<ActorClient['request']>): Promise<unknown> {
    if (this.inFlight >= this.limit) throw overloaded('requests', this.limit);
    this.inFlight++;
    try {
      return await this.inner.request(...args);
    } finally {
      this.inFlight--;
    }
  }
}

/** An EventIngress that takes a batch only where all of it fits under `limit`: nothing is half-taken. */
export class BoundedIngress implements EventIngress, Gate {
  inFlight = 0;

  constructor(
    private readonly inner: EventIngress,
    private readonly limit: number,
  ) {}

  async publish(...[events]: Parameters<EventIngress['publish']>): ReturnType<EventIngress['publish']> {
    // A single batch is always let through when nothing else is under way, however the limit is set.
    if (this.inFlight > 0 && this.inFlight + events.length > this.limit) throw overloaded('events', this.limit);
    this.inFlight += events.length;
    try {
      return await this.inner.publish(events);
    } finally {
      this.inFlight -= events.length;
    }
  }
}
