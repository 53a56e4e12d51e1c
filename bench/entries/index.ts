import type { Entry } from '../entry.js';
import { activation } from './activation.js';
import { appFlood } from './app-flood.js';
import { artifacts } from './artifacts.js';
import { campaigns } from './campaigns.js';
import { contextual } from './contextual.js';
import { decisions } from './decisions.js';
import { durableEcho } from './durable-echo.js';
import { eventLoop } from './event-loop.js';
import { eventsNats, eventsRest } from './events.js';
import { failover } from './failover.js';
import { fold } from './fold.js';
import { heatmap } from './heatmap.js';
import { journal } from './journal.js';
import { memory } from './memory.js';
import { policies } from './policies.js';
import { soak } from './soak.js';
import { stretches } from './stretches.js';
import { trainingLatency } from './training-latency.js';
import { userActor } from './user-actor.js';

/** In the order in which they run. */
export const ENTRIES: readonly Entry[] = [
  decisions,
  durableEcho,
  eventsRest,
  eventsNats,
  fold,
  journal,
  activation,
  memory,
  eventLoop,
  stretches,
  artifacts,
  trainingLatency,
  failover,
  appFlood,
  heatmap,
  policies,
  contextual,
  userActor,
  campaigns,
  soak,
];
