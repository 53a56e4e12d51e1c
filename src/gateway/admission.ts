/** Bounded concurrency, each app its part of it: what is over the limit is refused at once instead of queued. */
import type { Clock } from '../kernel/clock.js';
import { EngineError } from '../kernel/errors.js';
import { RateLimit } from './auth/rate-limit.js';
import type { ActorClient, EventIngress } from './ports.js';

/** How much is under way, and the limit. */
export interface Gate {
  readonly inFlight: number;
}

/** What an app may send a second; 0: no limit. */
export interface AppBounds {
  readonly name: string;
  readonly eventsPerSecondMax: number;
  readonly eventBytesPerSecondMax: number;
}

/** Half of the room is divided among the apps and kept for each; the other half is whoever's comes first. */
const KEPT = 0.5;

/** Room for `limit` things under way, of which each app always finds its part. */
class SharedRoom implements Gate {
  inFlight = 0;
  private readonly byApp: Map<string, number>;
  private readonly kept: number;

  constructor(
    private readonly limit: number,
    private readonly what: string,
    apps: readonly string[],
  ) {
    this.byApp = new Map(apps.map((app) => [app, 0]));
    this.kept = Math.floor((KEPT * limit) / Math.max(1, apps.length));
  }

  /** Throws Overloaded `OVERLOADED`. What is larger than the limit is let through when nothing else is under way. */
  enter(app: string, count: number): void {
    let spoken = 0;
    for (const [other, used] of this.byApp) if (other !== app) spoken += Math.max(0, this.kept - used);
    if (this.inFlight > 0 && this.inFlight + spoken + count > this.limit) {
      throw new EngineError('Overloaded', 'OVERLOADED', `More than ${this.limit} ${this.what} are under way.`, {
        retryAfterMs: 1000,
      });
    }
    this.add(app, count);
  }

  leave(app: string, count: number): void {
    this.add(app, -count);
  }

  private add(app: string, count: number): void {
    this.inFlight += count;
    this.byApp.set(app, (this.byApp.get(app) ?? 0) + count);
  }
}

/** An ActorClient that rejects with Overloaded `OVERLOADED` above `limit` requests at once. */
export class BoundedActors implements ActorClient, Gate {
  private readonly room: SharedRoom;

  constructor(
    private readonly inner: ActorClient,
    limit: number,
    apps: readonly string[],
  ) {
    this.room = new SharedRoom(limit, 'requests', apps);
  }

  get inFlight(): number {
    return this.room.inFlight;
  }

  async request(...args: Parameters<ActorClient['request']>): Promise<unknown> {
    const { app } = args[4];
    this.room.enter(app, 1);
    try {
      return await this.inner.request(...args);
    } finally {
      this.room.leave(app, 1);
    }
  }
}

/**
 * An EventIngress that takes a batch only where all of it fits under `limit` and under its app's bounds: nothing is
 * half-taken. Rejects with Overloaded `OVERLOADED` or `RATE_LIMITED`.
 */
export class BoundedIngress implements EventIngress, Gate {
  private readonly room: SharedRoom;
  private readonly rates = new Map<string, { readonly events?: RateLimit; readonly bytes?: RateLimit }>();

  constructor(
    private readonly inner: EventIngress,
    limit: number,
    apps: readonly AppBounds[],
    clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.room = new SharedRoom(
      limit,
      'events',
      apps.map(({ name }) => name),
    );
    for (const { name, eventsPerSecondMax, eventBytesPerSecondMax } of apps) {
      this.rates.set(name, {
        ...(eventsPerSecondMax > 0 ? { events: new RateLimit(eventsPerSecondMax, 'app', clock) } : {}),
        ...(eventBytesPerSecondMax > 0 ? { bytes: new RateLimit(eventBytesPerSecondMax, 'app', clock) } : {}),
      });
    }
  }

  get inFlight(): number {
    return this.room.inFlight;
  }

  /** The events are of one app. */
  async publish(...[events]: Parameters<EventIngress['publish']>): ReturnType<EventIngress['publish']> {
    const app = events[0]?.app ?? '';
    const rates = this.rates.get(app);
    rates?.events?.take(app, events.length);
    rates?.bytes?.take(
      app,
      events.reduce((bytes, { payload }) => bytes + payload.length, 0),
    );
    this.room.enter(app, events.length);
    try {
      return await this.inner.publish(events);
    } finally {
      this.room.leave(app, events.length);
    }
  }
}
