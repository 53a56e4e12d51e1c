/**
 * The one place that samples. A slate is drawn position by position: the probability of an item at a position is
 * conditional on the items before it, and exactly that number is logged as its propensity.
 */
import { createHmac, type KeyObject } from 'node:crypto';
import { EngineError } from '../kernel/errors.js';
import { seededRandom, type Random } from '../kernel/random.js';

/** Where less of the base distribution remains, its relative sizes mean nothing and the policy is asked again. */
export const REMAINING_MIN = 1e-12;
/** The same for a distribution with a floor: taking the floor off again costs digits. */
export const REMAINING_MIN_FLOORED = 1e-9;

export interface Pin {
  /** Position in the slate, from 0. */
  readonly position: number;
  /** Index of the candidate. */
  readonly index: number;
}

export interface SlateDraw {
  /** Probability of each candidate, as `Policy.distribution` gave it (with the floor, if the policy has one). */
  readonly distribution: readonly number[];
  /** The exploration floor in it, [0, 1): every remaining candidate has at least floor/(remaining) at each position. */
  readonly floor: number;
  readonly k: number;
  readonly random: Random;
  /** Positions that are not sampled; each position and each index at most once. */
  readonly pins?: readonly Pin[];
  /** The policy's distribution over these candidates alone, in this order; asked where too little of it remains. */
  readonly reask: (indices: readonly number[]) => readonly number[];
}

export interface Drawn {
  readonly index: number;
  /** p(index | drawn before it); 1 where forced. */
  readonly propensity: number;
  readonly forced: boolean;
}

/**
 * Draws min(k, candidates) different items. Deterministic: the same distribution, floor, pins and generator give the
 * same items and, bit for bit, the same propensities.
 *
 * With remaining candidates S and base distribution b, an item's probability is (1 − floor)·b_i/Σ_S b + floor/|S|,
 * where b is the distribution without its floor. The floor is per position: renormalising the floored distribution
 * itself would leave nothing but the floor after the first item of a confident policy.
 */
export function drawSlate(draw: SlateDraw): Drawn[] {
  const count = Math.min(draw.k, draw.distribution.length);
  const pinned = pinsByPosition(draw.pins, count);
  const remaining = draw.distribution.map((_, index) => index);
  if (pinned !== undefined) for (const index of pinned.values()) remaining.splice(remaining.indexOf(index), 1);
  let base = baseOf(draw.distribution, draw.floor, remaining);
  const slate: Drawn[] = [];
  for (let position = 0; position < count; position++) {
    const pin = pinned?.get(position);
    if (pin !== undefined) {
      slate.push({ index: pin, propensity: 1, forced: true });
      continue;
    }
    let mass = sum(base);
    if (mass < (draw.floor > 0 ? REMAINING_MIN_FLOORED : REMAINING_MIN)) {
      const again = draw.reask(remaining);
      base = again.length === remaining.length ? baseOf(again, draw.floor) : [];
      mass = sum(base);
      if (!(mass > 0)) throw invalidDistribution('the policy gave no distribution over the remaining candidates');
    }
    const at = pick(base, mass, draw.floor, draw.random.next());
    slate.push({ index: remaining[at]!, propensity: conditional(base, mass, draw.floor, at), forced: false });
    remaining.splice(at, 1);
    base.splice(at, 1);
  }
  return slate;
}

/**
 * A generator that only the holder of the key can predict, and that is the same for ever for one decision. `purpose`
 * keeps draws apart that must be independent (the slate's, an experiment arm's).
 */
export function keyedRandom(key: KeyObject, purpose: string, decisionId: string): Random {
  const digest = createHmac('sha256', key).update(`${purpose}\0${decisionId}`).digest();
  // sfc32's fourth word is a counter; any start is good, and three words of key material seed the rest.
  const words = [digest.readInt32LE(0), digest.readInt32LE(4), digest.readInt32LE(8), digest.readInt32LE(12) | 1];
  const random = seededRandom(words);
  for (let i = 0; i < 6; i++) random.next();
  return random;
}

/** Throws Invariant `POLICY_DISTRIBUTION` unless the numbers are a distribution over `count` candidates. */
export function assertDistribution(distribution: readonly number[], count: number): void {
  if (distribution.length !== count)
    throw invalidDistribution(`it has ${distribution.length} entries for ${count} candidates`);
  let total = 0;
  for (let i = 0; i < count; i++) {
    const p = distribution[i]!;
    // Written so that NaN fails it too.
    if (!(p >= 0 && p <= 1 + 1e-9)) throw invalidDistribution(`entry ${i} is ${p}`);
    total += p;
  }
  if (!(Math.abs(total - 1) <= 1e-9)) throw invalidDistribution(`it sums to ${total}`);
}

function baseOf(distribution: readonly number[], floor: number, indices?: readonly number[]): number[] {
  const share = floor / distribution.length;
  const take = (p: number): number => (floor > 0 ? Math.max(0, p - share) : p);
  return indices === undefined ? distribution.map(take) : indices.map((index) => take(distribution[index]!));
}

function conditional(base: readonly number[], mass: number, floor: number, at: number): number {
  return floor > 0 ? ((1 - floor) * base[at]!) / mass + floor / base.length : base[at]! / mass;
}

/** Inverse transform over the conditionals; rounding at the end falls to the last item that can be drawn at all. */
function pick(base: readonly number[], mass: number, floor: number, u: number): number {
  let cumulative = 0;
  let last = -1;
  for (let at = 0; at < base.length; at++) {
    const p = conditional(base, mass, floor, at);
    if (p <= 0) continue;
    cumulative += p;
    last = at;
    if (u < cumulative) return at;
  }
  return last;
}

function pinsByPosition(pins: readonly Pin[] | undefined, count: number): Map<number, number> | undefined {
  if (pins === undefined || pins.length === 0) return undefined;
  const byPosition = new Map<number, number>();
  for (const { position, index } of pins) if (position < count) byPosition.set(position, index);
  return byPosition;
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}

const invalidDistribution = (why: string): EngineError =>
  new EngineError('Invariant', 'POLICY_DISTRIBUTION', `A policy gave an invalid distribution: ${why}.`);
