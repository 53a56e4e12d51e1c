import type { Entry } from '../entry.js';
import { decisions } from './decisions.js';
import { eventsNats, eventsRest } from './events.js';
import { fold } from './fold.js';

/** In the order in which they run. */
export const ENTRIES: readonly Entry[] = [decisions, eventsRest, eventsNats, fold];
