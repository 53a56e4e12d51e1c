/** How values become probabilities, for every family that explores by a rule on them. */

/**
 * ε-greedy: ε/n for each, and 1 − ε shared by all that have the largest value. Values in any order, finite or Infinity;
 * ε in [0, 1]. The probabilities come in the order of the values.
 */
export function epsilonGreedy(values: readonly number[], epsilon: number): number[] {
  let best = -Infinity;
  let tied = 0;
  for (const value of values) {
    if (value > best) [best, tied] = [value, 1];
    else if (value === best) tied++;
  }
  return values.map((value) => epsilon / values.length + (value === best ? (1 - epsilon) / tied : 0));
}

/**
 * Boltzmann: p_i = exp(v_i/T) / Σ exp(v_j/T), from the distance to the largest value so that nothing overflows. Values
 * are finite; `temperature` is in their unit and above 0.
 */
export function softmax(values: readonly number[], temperature: number): number[] {
  let best = -Infinity;
  for (const value of values) if (value > best) best = value;
  const weights = values.map((value) => Math.exp((value - best) / temperature));
  let total = 0;
  for (const weight of weights) total += weight;
  for (let i = 0; i < weights.length; i++) weights[i] = weights[i]! / total;
  return weights;
}
