/**
 * What is not known of a vector of weights: the covariance of a Gaussian belief, learned from one observation at a time.
 * `x` is a vector of `size` numbers; an observation is x'θ plus noise of the given variance.
 */

export interface Covariance {
  readonly size: number;
  /** x'Px: how little is known of x'θ. Never negative. */
  variance(x: Float64Array): number;
  /**
   * Takes an observation in. Writes Px of the belief before it into `gain`, and gives noise + x'Px: the best estimate of
   * θ moves by gain·(observed − x'θ)/(noise + x'Px).
   */
  observe(x: Float64Array, noise: number, gain: Float64Array): number;
  /** Multiplies P by a factor of at least 1: that share of what was known is forgotten. */
  widen(factor: number): void;
  /** Writes Wz into `into`, where P = WW': standard normal z give a draw around 0. */
  spread(z: Float64Array, into: Float64Array): void;
  /** All its numbers: variances, one a weight and above 0, and what ties them, where there is such. */
  readonly variances: Float64Array;
  readonly ties: Float64Array;
}

/** How many ties a full covariance of `size` weights has. */
export const tiesOf = (size: number): number => (size * (size - 1)) / 2;

/**
 * P = U·D·U' with U unit upper triangular, updated by Bierman's rule (Factorization Methods for Discrete Sequential
 * Estimation, 1977): as cheap as Sherman and Morrison's, symmetric and positive definite whatever the rounding, so
 * nothing ever needs to be inverted anew.
 */
export class FullCovariance implements Covariance {
  readonly size: number;
  /** D. */
  readonly variances: Float64Array;
  /** Columns of U above the diagonal, one after the other: U_ij at j(j − 1)/2 + i. */
  readonly ties: Float64Array;

  constructor(variances: Float64Array, ties: Float64Array) {
    this.size = variances.length;
    this.variances = variances;
    this.ties = ties;
  }

  variance(x: Float64Array): number {
    const { size, variances, ties } = this;
    let at = 0;
    let sum = 0;
    let j = 0;
    // Four columns at a time: x is read once for all, and no sum has to wait for itself at every step.
    for (; j + 3 < size; j += 4) {
      const second = at + j;
      const third = second + j + 1;
      const fourth = third + j + 2;
      let f0 = x[j]!;
      let f1 = x[j + 1]!;
      let f2 = x[j + 2]!;
      let f3 = x[j + 3]!;
      f3 += ties[fourth + j]! * f0 + ties[fourth + j + 1]! * f1 + ties[fourth + j + 2]! * f2;
      f2 += ties[third + j]! * f0 + ties[third + j + 1]! * f1;
      f1 += ties[second + j]! * f0;
      for (let i = 0; i < j; i++) {
        const xi = x[i]!;
        f0 += ties[at + i]! * xi;
        f1 += ties[second + i]! * xi;
        f2 += ties[third + i]! * xi;
        f3 += ties[fourth + i]! * xi;
      }
      sum += variances[j]! * f0 * f0 + variances[j + 1]! * f1 * f1;
      sum += variances[j + 2]! * f2 * f2 + variances[j + 3]! * f3 * f3;
      at = fourth + j + 3;
    }
    for (; j < size; j++) {
      let f = x[j]!;
      for (let i = 0; i < j; i++) f += ties[at + i]! * x[i]!;
      sum += variances[j]! * f * f;
      at += j;
    }
    return sum;
  }

  observe(x: Float64Array, noise: number, gain: Float64Array): number {
    const { size, variances, ties } = this;
    let total = noise;
    let at = 0;
    for (let j = 0; j < size; j++) {
      let f = x[j]!;
      for (let i = 0; i < j; i++) f += ties[at + i]! * x[i]!;
      const g = variances[j]! * f;
      const before = total;
      total += f * g;
      variances[j] = Math.max(variances[j]! * (before / total), VARIANCE_MIN);
      const back = -f / before;
      for (let i = 0; i < j; i++) {
        const tie = ties[at + i]!;
        ties[at + i] = tie + back * gain[i]!;
        gain[i]! += g * tie;
      }
      gain[j] = g;
      at += j;
    }
    return total;
  }

  widen(factor: number): void {
    widenAll(this.variances, factor);
  }

  spread(z: Float64Array, into: Float64Array): void {
    const { size, variances, ties } = this;
    let at = 0;
    for (let j = 0; j < size; j++) {
      const w = Math.sqrt(variances[j]!) * z[j]!;
      into[j] = w;
      for (let i = 0; i < j; i++) into[i]! += ties[at + i]! * w;
      at += j;
    }
  }
}

/** Only the variances are kept: what Chapelle and Li (2011) do where there are too many weights for their ties. */
export class DiagonalCovariance implements Covariance {
  readonly size: number;
  readonly variances: Float64Array;
  readonly ties = new Float64Array(0);

  constructor(variances: Float64Array) {
    this.size = variances.length;
    this.variances = variances;
  }

  variance(x: Float64Array): number {
    const { size, variances } = this;
    let sum = 0;
    for (let i = 0; i < size; i++) sum += variances[i]! * x[i]! * x[i]!;
    return sum;
  }

  observe(x: Float64Array, noise: number, gain: Float64Array): number {
    const { size, variances } = this;
    let total = noise;
    for (let i = 0; i < size; i++) {
      const g = variances[i]! * x[i]!;
      gain[i] = g;
      total += g * x[i]!;
      variances[i] = Math.max(variances[i]! / (1 + (g * x[i]!) / noise), VARIANCE_MIN);
    }
    return total;
  }

  widen(factor: number): void {
    widenAll(this.variances, factor);
  }

  spread(z: Float64Array, into: Float64Array): void {
    for (let i = 0; i < this.size; i++) into[i] = Math.sqrt(this.variances[i]!) * z[i]!;
  }
}

/** Bounds of what a variance may be, so that neither certainty nor forgetting ends in 0 or Infinity. */
export const VARIANCE_MIN = 1e-30;
export const VARIANCE_MAX = 1e12;

function widenAll(variances: Float64Array, factor: number): void {
  for (let i = 0; i < variances.length; i++) variances[i] = Math.min(variances[i]! * factor, VARIANCE_MAX);
}

export type CovarianceKind = 'full' | 'diagonal';

/** P = I/precision. */
export function priorCovariance(kind: CovarianceKind, size: number, precision: number): Covariance {
  const variances = new Float64Array(size).fill(1 / precision);
  return kind === 'full'
    ? new FullCovariance(variances, new Float64Array(tiesOf(size)))
    : new DiagonalCovariance(variances);
}
