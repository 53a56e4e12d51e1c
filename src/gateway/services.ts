/** The gateway's parts, put together once from its ports. */
import type { LearnerStatus } from '../actors/learner/status.js';
import { BoundedActors, BoundedIngress } from './admission.js';
import { authenticator, type Caller, type Credentials } from './auth/api-keys.js';
import { hostGuard, type Provenance } from './auth/host-guard.js';
import { RateLimit } from './auth/rate-limit.js';
import { RequestLimits } from './auth/request-limits.js';
import { DecisionLookup } from './decide/decision-lookup.js';
import { Decider } from './decide/decider.js';
import { Rewards } from './decide/rewards.js';
import type { GatewayDeps } from './deps.js';
import { Ingest } from './events/ingest.js';
import { GatewayMetrics } from './metrics.js';
import { gatewayOptionsSchema, type GatewayOptions } from './options.js';

export class GatewayServices {
  readonly options: GatewayOptions;
  readonly metrics: GatewayMetrics;
  readonly actors: BoundedActors;
  readonly decider: Decider;
  readonly ingest: Ingest;
  readonly lookup: DecisionLookup;
  readonly rewards: Rewards;
  /** The caller, or Unauthenticated. */
  readonly authenticate: (headers: Credentials) => Caller;
  /** The app that a caller's requests are. */
  readonly appOf: (caller: Caller) => string;
  /** Throws Forbidden; undefined where any host will do. */
  readonly guardHost: ((headers: Provenance) => void) | undefined;
  readonly limits: RequestLimits;

  constructor(readonly deps: GatewayDeps) {
    const options = (this.options = gatewayOptionsSchema.parse(deps.options ?? {}));
    const { clock } = deps;
    const actors = (this.actors = new BoundedActors(
      deps.actors,
      options.requestsInFlightMax,
      options.apps.map(({ name }) => name),
    ));
    const ingress = new BoundedIngress(deps.ingress, options.eventsInFlightMax, options.apps, clock);
    const queues = {
      collect: () => ({
        gateway_requests: actors.inFlight,
        gateway_events: ingress.inFlight,
        ...deps.queues?.collect(),
      }),
    };
    const metrics = (this.metrics = new GatewayMetrics(
      queues,
      () => this.learners(),
      () => deps.faults?.list(options.deadlineMs) ?? Promise.resolve([]),
      () => deps.unreadable?.counts() ?? {},
    ));
    const { perUser, ...perRequest } = options.rateLimit;
    const userLimit = perUser === 0 ? undefined : new RateLimit(perUser, 'user', clock);
    this.limits = new RequestLimits({ ...perRequest, clock });
    this.guardHost = options.allowedHosts && hostGuard(options.allowedHosts);
    this.authenticate = authenticator(options.apiKeys);
    const apps = new Map(options.apiKeys.map(({ name, app }) => [name, app]));
    this.appOf = ({ key }) => (key === undefined ? undefined : apps.get(key)) ?? options.apps[0]!.name;
    this.decider = new Decider({
      actors,
      fallback: deps.fallback,
      clock,
      metrics,
      perUser: userLimit,
      surfaces: deps.surfaces,
      deadlineMs: options.deadlineMs,
    });
    this.ingest = new Ingest({
      ingress,
      clock,
      metrics,
      perUser: userLimit,
      actors,
      deadlineMs: options.deadlineMs,
      rules: {
        events: deps.settings.events,
        h3Resolution: deps.settings.h3Resolution,
        recordBytesMax: options.recordBytesMax,
      },
    });
    this.lookup = new DecisionLookup(actors, deps.facts, options.deadlineMs);
    this.rewards = new Rewards(this.lookup, ingress, clock, deps.settings.events.pastMaxMs);
  }

  /** As they say of themselves; none where this gateway knows of no learner. */
  learners(): Promise<readonly LearnerStatus[]> {
    return this.deps.learners?.list(this.options.deadlineMs) ?? Promise.resolve([]);
  }
}
