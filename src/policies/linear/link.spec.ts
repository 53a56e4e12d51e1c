import { describe, expect, it } from '@jest/globals';
import { normals } from '../../../test/support/matrices.js';
import { seededRandom } from '../../kernel/random.js';
import { learnLogistic, sigmoid } from './link.js';
import { LinearModel, newPrediction } from './model.js';

const NONE = new Float64Array(0);
const modelOf = (arm: number, precision = 1) =>
  new LinearModel({ arm, shared: 0, covariance: 'full', precision }, { armsMax: 3, forget: 0 });

function learn(model: LinearModel, x: Float64Array, y: number): void {
  const before = newPrediction();
  model.predict('a', x, NONE, before);
  learnLogistic(model, 'a', x, NONE, y, before);
}

describe('learning log-odds', () => {
  it.each([1, 0, 0.3])('ends at the mode of the posterior after an outcome of %d, with the curvature there', (y) => {
    const random = seededRandom(3);
    const model = modelOf(3, 0.2);
    const x = normals(random, 3);
    learn(model, x, y);
    const weights = model.arms.get('a')!.weights;
    // There the gradient of the log posterior, x·(y − σ) − λθ, is 0.
    const chance = sigmoid(weights.reduce((sum, weight, i) => sum + weight * x[i]!, 0));
    for (let i = 0; i < 3; i++) expect(x[i]! * (y - chance) - 0.2 * weights[i]!).toBeCloseTo(0, 9);
    // Precision along x: λ|x|² + |x|⁴·σ(1 − σ), seen as the variance of x'θ.
    const square = x.reduce((sum, value) => sum + value * value, 0);
    const prior = square / 0.2;
    const after = newPrediction();
    model.predict('a', x, NONE, after);
    expect(after.armVariance).toBeCloseTo(1 / (1 / prior + chance * (1 - chance)), 9);
  });

  it('never overshoots, however surprising the outcome and wide the belief', () => {
    const model = modelOf(1, 1e-6);
    const x = Float64Array.of(100);
    for (let k = 0; k < 200; k++) learn(model, x, k % 2);
    const prediction = newPrediction();
    model.predict('a', x, NONE, prediction);
    expect(Math.abs(sigmoid(prediction.mean) - 0.5)).toBeLessThan(0.05);
    expect(prediction.armVariance).toBeGreaterThan(0);
    expect(Number.isFinite(prediction.armVariance)).toBe(true);
  });

  it('recovers the weights that the outcomes came from', () => {
    const random = seededRandom(8);
    const truth = [1.5, -1, 0.5];
    const model = modelOf(3);
    for (let k = 0; k < 8000; k++) {
      const x = normals(random, 3);
      learn(model, x, random.next() < sigmoid(x.reduce((sum, value, i) => sum + value * truth[i]!, 0)) ? 1 : 0);
    }
    model.arms.get('a')!.weights.forEach((weight, i) => expect(Math.abs(weight - truth[i]!)).toBeLessThan(0.15));
  });

  it('has chances without overflow', () => {
    expect(sigmoid(-1e300)).toBe(0);
    expect(sigmoid(1e300)).toBe(1);
    expect(sigmoid(0)).toBe(0.5);
  });
});
