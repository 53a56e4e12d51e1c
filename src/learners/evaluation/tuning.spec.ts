import { expect, it } from '@jest/globals';
import type { Rounds } from './rounds.js';
import { tunedLambda, tunedTau } from './tuning.js';

/** A tenth of the weights is 9, the others 1/9; rewards are 0.25 and 0.75 by turns, predicted with the given error. */
function roundsOf(error: number): Rounds {
  const count = 2000;
  const of = (value: (i: number) => number): Float64Array => Float64Array.from({ length: count }, (_, i) => value(i));
  return {
    decisions: count,
    positions: 1,
    stands: of(() => 1),
    total: of(() => 0),
    ends: of((i) => i + 1),
    weight: of((i) => (i % 10 === 0 ? 9 : 1 / 9)),
    reward: of((i) => (Math.floor(i / 10) % 2 === 0 ? 0.25 : 0.75)),
    position: of(() => 0),
    model: { chosen: of(() => 0.5 + error), value: of(() => 0.5 + error) },
  };
}

it('trusts a model that is right, and not one that is far off', () => {
  expect(tunedTau(roundsOf(0))).toBeLessThan(9);
  expect(tunedLambda(roundsOf(0))).toBeLessThan(100);
  // Without the large weights an error of 2 would stay nearly whole.
  expect(tunedTau(roundsOf(2))).toBe(9);
  expect(tunedLambda(roundsOf(2))).toBeGreaterThan(1000);
});
