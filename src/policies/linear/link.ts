/** From a linear score to an expected reward, and from an outcome to what a Gaussian belief can learn from it. */
import type { LinearModel, Prediction } from './model.js';

export const sigmoid = (score: number): number =>
  score >= 0 ? 1 / (1 + Math.exp(-score)) : Math.exp(score) / (1 + Math.exp(score));

/** A curvature below this says nothing; it keeps the noise that it stands for finite. */
const CURVATURE_MIN = 1e-9;
const STEPS_MAX = 50;
const STEP_MIN = 1e-12;

/**
 * Online Laplace approximation of logistic regression (Chapelle and Li, NIPS 2011, algorithm 3, one observation at a
 * time): the posterior of a Gaussian belief after one outcome `y` in [0, 1] is taken to be Gaussian around its mode, with
 * the curvature there. The mode lies on the line m + Px·g, so that one equation in one unknown finds it exactly:
 * η = η₀ + x'Px·(y − σ(η)).
 */
export function learnLogistic(
  model: LinearModel,
  id: string,
  x: Float64Array,
  z: Float64Array,
  y: number,
  before: Prediction,
): void {
  const variance = before.armVariance + before.sharedVariance;
  const score = modeOf(before.mean, variance, y);
  const chance = sigmoid(score);
  const noise = 1 / Math.max(chance * (1 - chance), CURVATURE_MIN);
  // What a linear observation with this noise must have been to move the belief to that mode.
  model.learn(id, x, z, before.mean + (y - chance) * (noise + variance), noise);
}

/** The root of η − η₀ − q·(y − σ(η)), which rises in η; Newton's steps, halving the bracket where one would leave it. */
function modeOf(mean: number, variance: number, y: number): number {
  let low = mean + variance * (y - 1);
  let high = mean + variance * y;
  let score = mean;
  for (let step = 0; step < STEPS_MAX; step++) {
    const chance = sigmoid(score);
    const value = score - mean - variance * (y - chance);
    if (value > 0) high = score;
    else low = score;
    const next = score - value / (1 + variance * chance * (1 - chance));
    const inside = next > low && next < high ? next : (low + high) / 2;
    if (Math.abs(inside - score) <= STEP_MIN * (1 + Math.abs(score))) return inside;
    score = inside;
  }
  return score;
}
