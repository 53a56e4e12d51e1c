/** Riders and drivers, and what they are like. */
import type { Random } from '../kernel/random.js';
import { between, chance, pickWeighted } from './random-draws.js';

export const SEGMENTS = ['commuter', 'student', 'visitor'] as const;
export type Segment = (typeof SEGMENTS)[number];

const SEGMENT_SHARES: readonly number[] = [0.45, 0.3, 0.25];

export interface Rider {
  readonly id: string;
  readonly segment: Segment;
  /** Utility lost for each 100 metres on foot. */
  readonly walkAversion: number;
  /** Riders who ask often are drawn more often. */
  readonly activity: number;
  /** A share of people never grants consent: they get what is good for anybody. */
  readonly consents: boolean;
}

export interface Driver {
  readonly id: string;
  /** Probability of following a suggestion. */
  readonly trust: number;
  /** Index of the zone the driver stands in; undefined while off duty. */
  zone: number | undefined;
}

const ACTIVITY: Readonly<Record<Segment, readonly [low: number, high: number]>> = {
  commuter: [2, 4],
  student: [1, 2],
  visitor: [0.3, 1],
};

const WALK_AVERSION: Readonly<Record<Segment, readonly [low: number, high: number]>> = {
  commuter: [0.4, 0.8],
  student: [0.1, 0.3],
  visitor: [0.2, 0.6],
};

export function makeRiders(random: Random, count: number, consentShare: number): Rider[] {
  return Array.from({ length: count }, (_, i) => {
    const segment = SEGMENTS[pickWeighted(random, SEGMENT_SHARES)]!;
    return {
      id: `rider-${i}`,
      segment,
      walkAversion: between(random, ...WALK_AVERSION[segment]),
      activity: between(random, ...ACTIVITY[segment]),
      consents: chance(random, consentShare),
    };
  });
}

export const makeDrivers = (random: Random, count: number): Driver[] =>
  Array.from({ length: count }, (_, i) => ({ id: `driver-${i}`, trust: between(random, 0.2, 0.95), zone: undefined }));
