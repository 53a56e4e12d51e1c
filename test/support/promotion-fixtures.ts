/** Policies of fixed shares over three candidates, and what a policy that chooses evenly logs: for the gate's specs. */
import { seededRandom } from '../../src/kernel/random.js';
import type { Experience } from '../../src/messages/decisions.js';
import type { Policy } from '../../src/policies/policy.js';
import { experience } from './learning.js';

export const IDS = ['a', 'b', 'c'] as const;
export const EVEN = [1 / 3, 1 / 3, 1 / 3] as const;
/** Chance of a reward of 1, by candidate. */
export const REWARDS = [0.2, 0.5, 0.8] as const;

export const policyOf = (version: number, shares: readonly number[]): Policy => ({
  ref: { id: 'p', version },
  distribution: (_, candidates) => {
    const raw = candidates.map(({ id }) => shares[IDS.indexOf(id as 'a')]!);
    const total = raw.reduce((sum, x) => sum + x, 0);
    return raw.map((x) => x / total);
  },
  scores: (_, candidates) => candidates.map(() => 0),
  explain: () => [],
});

/** The mean reward of a policy of such shares. */
export const valueOf = (shares: readonly number[]): number =>
  shares.reduce((sum, share, i) => sum + share * REWARDS[i]!, 0);

/** Held-out experiences without end, whose rewards are `min` or `max`. */
export function* heldOut(seed: number, min = 0, max = 1): Generator<Experience, never> {
  const random = seededRandom(seed);
  for (let n = 0; ; n++) {
    const chosen = Math.floor(random.next() * IDS.length);
    const id = IDS[chosen]!;
    const reward = random.next() < REWARDS[chosen]! ? max : min;
    const log = { slate: [{ id, propensity: 1 / 3 }], eligible: IDS, distribution: EVEN, rewardedId: id };
    yield experience({ decisionId: `d${n}`, closedAtMs: n, reward, ...log });
  }
}
