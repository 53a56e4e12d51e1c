import { describe, expect, it } from '@jest/globals';
import { inverted, normals, quadratic, times, type Matrix } from '../../../test/support/matrices.js';
import { seededRandom } from '../../kernel/random.js';
import { LinearModel, newPrediction, type ModelShape } from './model.js';

const NONE = new Float64Array(0);
const limits = { armsMax: 10, forget: 0 };
const shape = (part: Partial<ModelShape>): ModelShape => ({
  arm: 0,
  shared: 0,
  covariance: 'full',
  precision: 0.5,
  ...part,
});
const predicted = (model: LinearModel, id: string, x: Float64Array, z: Float64Array) => {
  const prediction = newPrediction();
  model.predict(id, x, z, prediction);
  return prediction;
};

/** Ridge regression of everything at once: weights of all arms, one after the other, and then the shared ones. */
class JointRidge {
  readonly #precision: Matrix;
  readonly #moment: number[];

  constructor(
    private readonly ids: readonly string[],
    private readonly arm: number,
    private readonly shared: number,
    lambda: number,
  ) {
    const size = ids.length * arm + shared;
    this.#precision = Array.from({ length: size }, (_, i) =>
      Array.from({ length: size }, (_, j) => (i === j ? lambda : 0)),
    );
    this.#moment = new Array<number>(size).fill(0);
  }

  row(id: string, x: Float64Array, z: Float64Array): number[] {
    const row = new Array<number>(this.#moment.length).fill(0);
    for (let i = 0; i < this.arm; i++) row[this.ids.indexOf(id) * this.arm + i] = x[i]!;
    for (let j = 0; j < this.shared; j++) row[this.ids.length * this.arm + j] = z[j]!;
    return row;
  }

  learn(row: readonly number[], target: number, noise: number): void {
    for (const [i, left] of row.entries()) {
      this.#moment[i]! += (left * target) / noise;
      for (const [j, right] of row.entries()) this.#precision[i]![j]! += (left * right) / noise;
    }
  }

  solve(): { weights: number[]; covariance: Matrix } {
    const covariance = inverted(this.#precision);
    return { weights: times(covariance, this.#moment), covariance };
  }
}

describe('a linear model', () => {
  it.each([
    ['disjoint', 3, 0],
    ['shared', 0, 4],
    ['hybrid', 3, 4],
  ])('with %s weights is ridge regression of all observations at once', (_, arm, shared) => {
    const random = seededRandom(arm + shared);
    const ids = ['a', 'b', 'c'];
    const model = new LinearModel(shape({ arm, shared }), limits);
    const ridge = new JointRidge(ids, arm, shared, 0.5);
    for (let k = 0; k < 60; k++) {
      // Nothing is ever learned of c itself.
      const id = ids[k % 2]!;
      const [x, z] = [normals(random, arm), normals(random, shared)];
      const [target, noise] = [normals(random, 1)[0]!, 0.5 + random.next()];
      model.learn(id, x, z, target, noise);
      ridge.learn(ridge.row(id, x, z), target, noise);
    }
    const { weights, covariance } = ridge.solve();
    for (const id of ids) {
      const [x, z] = [normals(random, arm), normals(random, shared)];
      const row = ridge.row(id, x, z);
      const { mean, armVariance, sharedVariance } = predicted(model, id, x, z);
      expect(mean).toBeCloseTo(
        row.reduce((sum, value, i) => sum + value * weights[i]!, 0),
        9,
      );
      expect(armVariance + sharedVariance).toBeCloseTo(quadratic(covariance, row), 9);
    }
  });

  it('is as accurate after very many observations', () => {
    const random = seededRandom(9);
    const model = new LinearModel(shape({ arm: 6, precision: 1 }), limits);
    const ridge = new JointRidge(['a'], 6, 0, 1);
    const x = new Float64Array(6);
    for (let k = 0; k < 20_000; k++) {
      for (let i = 0; i < 6; i++) x[i] = random.next() * (i === 0 ? 100 : 0.1);
      const target = random.next();
      model.learn('a', x, NONE, target, 1);
      ridge.learn([...x], target, 1);
    }
    const { weights, covariance } = ridge.solve();
    const { mean, armVariance } = predicted(model, 'a', x, NONE);
    expect(mean).toBeCloseTo(
      weights.reduce((sum, weight, i) => sum + weight * x[i]!, 0),
      9,
    );
    expect(armVariance / quadratic(covariance, x)).toBeCloseTo(1, 8);
  });

  it('forgets the arm that was not learned from for longest when there are too many', () => {
    const model = new LinearModel(shape({ arm: 1 }), { armsMax: 2, forget: 0 });
    const one = Float64Array.of(1);
    for (const id of ['a', 'b', 'a', 'c']) model.learn(id, one, NONE, 1, 1);
    expect([...model.arms.keys()]).toEqual(['a', 'c']);
    expect(predicted(model, 'b', one, NONE)).toEqual({ mean: 0, armVariance: 2, sharedVariance: 0 });
  });

  it('takes hostile ids for what they are: ids', () => {
    const model = new LinearModel(shape({ arm: 1 }), limits);
    expect(predicted(model, '__proto__', Float64Array.of(1), NONE).mean).toBe(0);
    model.learn('__proto__', Float64Array.of(1), NONE, 1, 1);
    expect(predicted(model, '__proto__', Float64Array.of(1), NONE).mean).toBeGreaterThan(0);
    expect(predicted(model, 'constructor', Float64Array.of(1), NONE).mean).toBe(0);
  });

  describe('that forgets', () => {
    const drifting = (forget: number): number => {
      const model = new LinearModel(shape({ arm: 2 }), { armsMax: 1, forget });
      const random = seededRandom(1);
      const x = new Float64Array(2);
      for (let k = 0; k < 2000; k++) {
        x.set(normals(random, 2));
        model.learn('a', x, NONE, k < 1000 ? x[0]! : -x[0]!, 1);
      }
      return model.arms.get('a')!.weights[0]!;
    };

    it('follows a world that has changed', () => {
      expect(drifting(0)).toBeGreaterThan(-0.2);
      expect(drifting(0.02)).toBeLessThan(-0.9);
    });

    it('keeps its prior for weights of which nothing is heard any more', () => {
      const model = new LinearModel(shape({ arm: 3, precision: 1 }), { armsMax: 1, forget: 0.05 });
      for (let k = 0; k < 5000; k++) model.learn('a', Float64Array.of(1, 0, 0), NONE, 1, 1);
      const of = (...x: number[]) => predicted(model, 'a', Float64Array.from(x), NONE).armVariance;
      // λ is given back in turns: between two of them a part of it is missing, never more than three steps' worth.
      for (const variance of [of(0, 1, 0), of(0, 0, 1)]) {
        expect(variance).toBeGreaterThan(0.85);
        expect(variance).toBeLessThan(1.2);
      }
      // Where it hears something, it knows what the last 1/forget observations say.
      expect(of(1, 0, 0)).toBeGreaterThan(1 / 25);
      expect(of(1, 0, 0)).toBeLessThan(1 / 15);
    });
  });
});
