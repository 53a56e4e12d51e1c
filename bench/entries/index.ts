import type { Entry } from '../entry.js';
import { decisions } from './decisions.js';

/** In the order in which they run. */
export const ENTRIES: readonly Entry[] = [decisions];
