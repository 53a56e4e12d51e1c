import { describe, expect, it } from '@jest/globals';
import { inverted, normals, quadratic, type Matrix } from '../../../test/support/matrices.js';
import { seededRandom } from '../../kernel/random.js';
import { DiagonalCovariance, FullCovariance, priorCovariance, tiesOf, VARIANCE_MIN } from './covariance.js';

const full = (size: number, precision: number): FullCovariance =>
  priorCovariance('full', size, precision) as FullCovariance;

/** λI + Σ xx'/noise. */
function precisionOf(size: number, lambda: number, xs: readonly Float64Array[], noise: number): Matrix {
  const matrix = Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => (i === j ? lambda : 0)));
  for (const x of xs)
    for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) matrix[i]![j]! += (x[i]! * x[j]!) / noise;
  return matrix;
}

describe('a full covariance', () => {
  // Sizes that are and are not multiples of the four columns that are read at a time.
  it.each([1, 2, 3, 4, 5, 7, 8, 13])('is the inverse of what was observed, with %d weights', (size) => {
    const random = seededRandom(size);
    const covariance = full(size, 0.5);
    const xs = Array.from({ length: 3 * size }, () => normals(random, size));
    const gain = new Float64Array(size);
    for (const x of xs) covariance.observe(x, 2, gain);
    const exact = inverted(precisionOf(size, 0.5, xs, 2));
    for (let k = 0; k < 5; k++) {
      const x = normals(random, size);
      expect(covariance.variance(x)).toBeCloseTo(quadratic(exact, x), 10);
    }
  });

  it('gives the gain Px and the total variance of an observation, as before it', () => {
    const random = seededRandom(3);
    const covariance = full(4, 1);
    const gain = new Float64Array(4);
    for (let k = 0; k < 6; k++) covariance.observe(normals(random, 4), 1, gain);
    const x = normals(random, 4);
    const unit = (i: number): Float64Array => Float64Array.from({ length: 4 }, (_, j) => (i === j ? 1 : 0));
    const before = covariance.variance(x);
    // e'Px from three quadratic forms.
    const expected = [0, 1, 2, 3].map((i) => {
      const both = x.map((value, j) => value + unit(i)[j]!);
      return (covariance.variance(both) - before - covariance.variance(unit(i))) / 2;
    });
    expect(covariance.observe(x, 0.7, gain)).toBeCloseTo(before + 0.7, 12);
    for (let i = 0; i < 4; i++) expect(gain[i]).toBeCloseTo(expected[i]!, 10);
  });

  it('stays positive and accurate where observations hardly differ and noise is tiny', () => {
    const random = seededRandom(5);
    const size = 8;
    const covariance = full(size, 1);
    const gain = new Float64Array(size);
    const base = normals(random, size);
    const xs: Float64Array[] = [];
    for (let k = 0; k < 5000; k++) {
      const x = base.map((value) => 1e3 * (value + 1e-6 * (random.next() - 0.5)));
      xs.push(x);
      covariance.observe(x, 1e-3, gain);
    }
    expect(covariance.variances.every((variance) => variance >= VARIANCE_MIN)).toBe(true);
    // What is known best: about 1e-3 / (5000·|x|²).
    const known = covariance.variance(xs[0]!);
    expect(known).toBeGreaterThan(0);
    expect(known).toBeLessThan(1e-6);
    // Across it nearly nothing is known but the prior.
    const across = Float64Array.from(base);
    const length = base.reduce((sum, value) => sum + value * value, 0);
    across.fill(0);
    [across[0], across[1]] = [base[1]! / Math.sqrt(length), -base[0]! / Math.sqrt(length)];
    expect(covariance.variance(across)).toBeGreaterThan(0.01);
  });

  it('spreads draws as it says', () => {
    const random = seededRandom(7);
    const covariance = full(5, 1);
    const gain = new Float64Array(5);
    for (let k = 0; k < 7; k++) covariance.observe(normals(random, 5), 0.5, gain);
    const x = normals(random, 5);
    const into = new Float64Array(5);
    // x'W z has variance x'WW'x: the squares of x'W e_i add up to it.
    let sum = 0;
    for (let i = 0; i < 5; i++) {
      covariance.spread(
        Float64Array.from({ length: 5 }, (_, j) => (i === j ? 1 : 0)),
        into,
      );
      sum += x.reduce((total, value, j) => total + value * into[j]!, 0) ** 2;
    }
    expect(sum).toBeCloseTo(covariance.variance(x), 12);
  });

  it('never widens without bounds', () => {
    const covariance = full(3, 1);
    for (let k = 0; k < 200; k++) covariance.widen(2);
    expect(covariance.variance(Float64Array.of(1, 1, 1))).toBeLessThanOrEqual(3e12);
  });
});

describe('a diagonal covariance', () => {
  it('is exact where observations are of one weight each, and knows no ties', () => {
    const diagonal = priorCovariance('diagonal', 2, 4);
    expect(diagonal).toBeInstanceOf(DiagonalCovariance);
    const gain = new Float64Array(2);
    diagonal.observe(Float64Array.of(3, 0), 0.5, gain);
    expect(diagonal.variance(Float64Array.of(1, 0))).toBeCloseTo(1 / (4 + 9 / 0.5), 12);
    expect(diagonal.variance(Float64Array.of(0, 1))).toBe(0.25);
    expect(diagonal.ties.length).toBe(0);
    expect(tiesOf(5)).toBe(10);
  });
});
