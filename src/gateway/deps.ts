/** Everything the gateway is made of. */
import type { Clock } from '../kernel/clock.js';
import type { Logger } from '../kernel/logger.js';
import type { UnreadableBook } from '../kernel/read-json.js';
import type { FoldSettings } from '../messages/settings.js';
import type { OrderedZones } from '../messages/zones.js';
import type { PolicyRollbacks } from '../policies/registry/artifact-store.js';
import type { GatewayOptionsInput } from './options.js';
import type {
  ActorClient,
  DeadLetters,
  EventIngress,
  FaultDirectory,
  FactsReader,
  FallbackDecider,
  LearnerDirectory,
  QueueGauges,
  StatusSource,
} from './ports.js';

export interface GatewayDeps {
  readonly actors: ActorClient;
  readonly ingress: EventIngress;
  readonly fallback: FallbackDecider;
  readonly status: StatusSource;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Takes the audit lines; the logger where left out. */
  readonly audit?: Logger;
  /** Skew bounds of events and the resolution of zone cells. */
  readonly settings: Pick<FoldSettings, 'events' | 'h3Resolution'>;
  /** Known surfaces; where given, an unknown one is refused before any actor is asked. */
  readonly surfaces?: { has(surface: string): boolean };
  /** Left out where the store is off. */
  readonly facts?: FactsReader;
  readonly zones?: OrderedZones;
  readonly deadLetters?: DeadLetters;
  readonly learners?: LearnerDirectory;
  readonly queues?: QueueGauges;
  readonly faults?: FaultDirectory;
  /** What this process could not read and passed over. */
  readonly unreadable?: Pick<UnreadableBook, 'counts'>;
  readonly policies?: PolicyRollbacks;
  readonly options?: GatewayOptionsInput;
}
