import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../../kernel/random.js';
import { Encoder } from './encoder.js';
import { fitRewardModel, type FitInput, type RewardModelKind } from './fit.js';
import { SparseRows } from './sparse-rows.js';

/** Rows of a constant and two features of the context. */
function inputOf(points: readonly (readonly [number, number, number])[]): FitInput & { encoder: Encoder } {
  const encoder = new Encoder();
  const rows = new SparseRows();
  for (const [x, y] of points) rows.push([encoder.context({ x, y }, {})]);
  return {
    encoder,
    rows,
    columns: encoder.columns,
    rewards: Float64Array.from(points.map(([, , reward]) => reward)),
    weights: new Float64Array(points.length).fill(1),
    includes: () => true,
  };
}

const at = (input: ReturnType<typeof inputOf>, kind: RewardModelKind, x: number, y: number): number => {
  const model = fitRewardModel(kind, input)!;
  return model.reward(model.share(input.encoder.context({ x, y }, {})));
};

describe('fitRewardModel', () => {
  const random = seededRandom(5);
  const points = Array.from({ length: 4000 }, () => [2 * random.next() - 1, 100 * random.next()] as const);

  it('ridge finds the line that made the rewards, on whatever scale', () => {
    const input = inputOf(points.map(([x, y]) => [x, y, 3 + 2 * x - 0.05 * y]));
    for (const [x, y] of [
      [0, 0],
      [1, 50],
      [-0.5, 90],
    ] as const)
      expect(at(input, 'ridge', x, y)).toBeCloseTo(3 + 2 * x - 0.05 * y, 2);
  });

  it('logistic finds the rates that made the clicks', () => {
    const rate = (x: number, y: number): number => 1 / (1 + Math.exp(-(-1 + 2 * x + 0.02 * y)));
    const input = inputOf(points.map(([x, y]) => [x, y, random.next() < rate(x, y) ? 1 : 0]));
    for (const [x, y] of [
      [0, 0],
      [1, 50],
      [-0.5, 90],
    ] as const)
      expect(Math.abs(at(input, 'logistic', x, y) - rate(x, y))).toBeLessThan(0.05);
  });

  it('logistic stands at the minimum of its penalised loss: predictions add up to the clicks', () => {
    const input = inputOf(points.slice(0, 200).map(([x, y], i) => [x, y, i % 3 === 0 ? 1 : 0]));
    const model = fitRewardModel('logistic', input)!;
    let sum = 0;
    for (const [x, y] of points.slice(0, 200)) sum += model.reward(model.share(input.encoder.context({ x, y }, {})));
    expect(sum).toBeCloseTo(67, 6);
  });

  it('stays finite where all rewards are the same, or classes part cleanly', () => {
    expect(
      at(
        inputOf([
          [1, 2, 1],
          [2, 1, 1],
          [3, 3, 1],
        ]),
        'logistic',
        1,
        2,
      ),
    ).toBeGreaterThan(0.9);
    expect(
      at(
        inputOf([
          [1, 0, 1],
          [-1, 0, 0],
        ]),
        'logistic',
        1,
        0,
      ),
    ).toBeGreaterThan(0.5);
  });

  it('gives no fit where there is nothing to learn from, or numbers overflow', () => {
    expect(fitRewardModel('ridge', { ...inputOf([[1, 1, 1]]), includes: () => false })).toBeUndefined();
    expect(
      fitRewardModel(
        'ridge',
        inputOf([
          [1e300, 1e300, 1],
          [1, 1, 1e308],
          [1e200, 2, 1e308],
        ]),
      ),
    ).toBeUndefined();
  });
});
