/**
 * What is believed of a linear score: x'θ_a with weights of each arm a, z'β with weights that all arms share, or the sum
 * of both (the hybrid model of Li, Chu, Langford and Schapire, WWW 2010, algorithm 2). Gaussian beliefs, exact but for
 * rounding where covariances are full: those of ridge regression. Learners update it, policies read it.
 *
 * A hybrid belief is kept as p(β)·Π_a p(θ_a | β): θ_a given β has mean c_a − M_a·β and covariance P_a. With w = z − M_a'x
 * the score is x'c_a + w'β, and an observation tells β what one of w'β with noise 1 + x'P_a·x would.
 */
import { priorCovariance, type Covariance, type CovarianceKind } from './covariance.js';

export interface ModelShape {
  /** Numbers in x; 0 where arms have no weights of their own. */
  readonly arm: number;
  /** Numbers in z; 0 where no weights are shared. */
  readonly shared: number;
  readonly covariance: CovarianceKind;
  /** λ: the prior of every weight is Gaussian around 0 with variance 1/λ, in units of the noise. */
  readonly precision: number;
}

export interface ModelLimits {
  /** Arms remembered; beyond it the one that was not learned from for longest is forgotten. */
  readonly armsMax: number;
  /** The share of what it knows beyond the prior that a belief forgets with each observation; 0 where hybrid. */
  readonly forget: number;
}

export interface SharedBelief {
  /** Mean of β. */
  readonly weights: Float64Array;
  readonly covariance: Covariance;
  /** Observations learned from. */
  count: number;
}

export interface ArmBelief extends SharedBelief {
  /** M_a, row-major [arm, shared]; empty where nothing is shared. `weights` are c_a. */
  readonly coupling: Float64Array;
}

/** What the model says of one candidate; filled in anew by each call. */
export interface Prediction {
  mean: number;
  /** Of the score given β, in units of the noise. */
  armVariance: number;
  /** What β's uncertainty adds to it. */
  sharedVariance: number;
}

export const newPrediction = (): Prediction => ({ mean: 0, armVariance: 0, sharedVariance: 0 });

/** A model as decisions read it. */
export interface BeliefReader {
  readonly shape: ModelShape;
  readonly shared: Readonly<SharedBelief>;
  readonly arms: { get(id: string): Readonly<ArmBelief> | undefined };
  /** See LinearModel. */
  predict(id: string, x: Float64Array, z: Float64Array, into: Prediction, residual?: Float64Array): void;
}

export class LinearModel implements BeliefReader {
  readonly shape: ModelShape;
  readonly #limits: ModelLimits;
  /** Longest untouched first. */
  readonly #arms: Map<string, ArmBelief>;
  readonly shared: SharedBelief;
  readonly #residual: Float64Array;
  readonly #armGain: Float64Array;
  readonly #sharedGain: Float64Array;
  readonly #unit: Float64Array;

  /** Without `saved` all is as the prior has it. The beliefs given become the model's own. */
  constructor(
    shape: ModelShape,
    limits: ModelLimits,
    saved?: { arms: Iterable<[id: string, ArmBelief]>; shared: SharedBelief | undefined },
  ) {
    this.shape = shape;
    this.#limits = limits;
    this.#arms = new Map(saved?.arms ?? []);
    this.shared = saved?.shared ?? beliefOf(shape, shape.shared);
    this.#residual = new Float64Array(shape.shared);
    this.#armGain = new Float64Array(shape.arm);
    this.#sharedGain = new Float64Array(shape.shared);
    this.#unit = new Float64Array(Math.max(shape.arm, shape.shared));
  }

  /** Longest untouched first. */
  get arms(): ReadonlyMap<string, Readonly<ArmBelief>> {
    return this.#arms;
  }

  /**
   * Predicts the score of arm `id`, whose vectors are x and z. Where `residual` is given, w is written there. An arm that
   * was never learned from is as the prior has it.
   */
  predict(id: string, x: Float64Array, z: Float64Array, into: Prediction, residual = this.#residual): void {
    const arm = this.shape.arm === 0 ? undefined : this.#arms.get(id);
    predictArm(this, arm, x, z, into, residual);
  }

  /**
   * Learns that arm `id` gave `target`, with noise of variance `noise` (above 0). All numbers finite; x and z as for
   * `predict`.
   */
  learn(id: string, x: Float64Array, z: Float64Array, target: number, noise: number): void {
    const { shape } = this;
    const residual = this.#residual;
    let rest = target;
    let spread = noise;
    residual.set(z);
    if (shape.arm > 0) {
      const arm = this.#touched(id);
      if (this.#limits.forget > 0) this.#forget(arm, this.#armGain);
      rest -= dot(arm.weights, x);
      subtractCoupled(arm.coupling, x, residual);
      spread = arm.covariance.observe(x, noise, this.#armGain);
      addScaled(arm.weights, this.#armGain, rest / spread);
      addOuter(arm.coupling, this.#armGain, residual, 1 / spread);
      arm.count++;
    }
    if (shape.shared > 0) {
      const { shared } = this;
      if (this.#limits.forget > 0) this.#forget(shared, this.#sharedGain);
      const error = rest - dot(shared.weights, residual);
      const total = shared.covariance.observe(residual, spread, this.#sharedGain);
      addScaled(shared.weights, this.#sharedGain, error / total);
      shared.count++;
    }
  }

  #touched(id: string): ArmBelief {
    let arm = this.#arms.get(id);
    if (arm === undefined) {
      const { shape } = this;
      arm = { ...beliefOf(shape, shape.arm), coupling: new Float64Array(shape.arm * shape.shared) };
      if (this.#arms.size >= this.#limits.armsMax) this.#arms.delete(this.#arms.keys().next().value!);
    } else this.#arms.delete(id);
    this.#arms.set(id, arm);
    return arm;
  }

  /**
   * Discounts what is known, and gives one weight, in turn, back what its prior has lost since its last turn: without
   * that, weights of which nothing new is heard would end up with no prior at all, and their variances would explode.
   */
  #forget({ weights, covariance, count }: SharedBelief, gain: Float64Array): void {
    const keep = 1 - this.#limits.forget;
    const { size } = covariance;
    covariance.widen(1 / keep);
    const unit = this.#unit.subarray(0, size);
    const turn = count % size;
    unit.fill(0);
    unit[turn] = 1;
    const noise = 1 / (this.shape.precision * (1 - keep ** size));
    const total = covariance.observe(unit, noise, gain);
    addScaled(weights, gain, -weights[turn]! / total);
  }
}

/** `predict` of what is believed of one arm; undefined where the arm is as the prior has it. */
export function predictArm(
  { shape, shared }: Pick<BeliefReader, 'shape' | 'shared'>,
  arm: Readonly<ArmBelief> | undefined,
  x: Float64Array,
  z: Float64Array,
  into: Prediction,
  residual: Float64Array,
): void {
  into.mean = 0;
  into.armVariance = 0;
  into.sharedVariance = 0;
  if (arm !== undefined) {
    into.mean = dot(arm.weights, x);
    into.armVariance = arm.covariance.variance(x);
  } else if (shape.arm > 0) into.armVariance = dot(x, x) / shape.precision;
  if (shape.shared === 0) return;
  residual.set(z);
  if (arm !== undefined) subtractCoupled(arm.coupling, x, residual);
  into.mean += dot(shared.weights, residual);
  into.sharedVariance = shared.covariance.variance(residual);
}

function beliefOf(shape: ModelShape, size: number): SharedBelief {
  return {
    weights: new Float64Array(size),
    covariance: priorCovariance(shape.covariance, size, shape.precision),
    count: 0,
  };
}

/** a'b over the length of `a`. */
export function dot(a: Float64Array, b: Float64Array): number {
  let s0 = 0;
  let s1 = 0;
  let i = 0;
  for (; i + 1 < a.length; i += 2) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
  }
  return i < a.length ? s0 + s1 + a[i]! * b[i]! : s0 + s1;
}

function addScaled(to: Float64Array, direction: Float64Array, length: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += length * direction[i]!;
}

/** Takes M'x off; nothing where there is no M. */
function subtractCoupled(coupling: Float64Array, x: Float64Array, from: Float64Array): void {
  if (coupling.length === 0) return;
  const width = from.length;
  for (let i = 0; i < x.length; i++) {
    const xi = x[i]!;
    if (xi === 0) continue;
    for (let j = 0; j < width; j++) from[j]! -= coupling[i * width + j]! * xi;
  }
}

/** M + scale·u·w'; nothing where there is no M. */
function addOuter(coupling: Float64Array, u: Float64Array, w: Float64Array, scale: number): void {
  if (coupling.length === 0) return;
  for (let i = 0; i < u.length; i++) {
    const ui = scale * u[i]!;
    for (let j = 0; j < w.length; j++) coupling[i * w.length + j]! += ui * w[j]!;
  }
}
