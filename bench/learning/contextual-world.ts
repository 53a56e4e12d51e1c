/** Synthetic worlds of contextual bandits whose truth is known, so that regret can be computed. */
import { seededRandom, type SeededRandom } from '../../src/kernel/random.js';
import { fillNormals } from '../../src/learners/linear/draws.js';
import { candidateSchema, type Candidate } from '../../src/messages/decisions.js';

export type WorldKind = 'linear' | 'logistic';

export interface Situation {
  /** What a request would say: x0 … x(d−1). */
  readonly context: Readonly<Record<string, number>>;
  /** Expected reward of each candidate, in their order. */
  readonly expected: Float64Array;
}

/** Standard deviation of a reward in the linear world, whose scores have deviation 1. */
const NOISE = 0.5;
/** In the logistic world the log-odds are SHIFT + SLOPE·score. */
const SLOPE = 2;
const SHIFT = -1;

/**
 * Arm a is worth x'θ_a, or pays 1 with a chance whose log-odds are linear in it. The numbers of θ_a are standard normal,
 * those of x normal with variance 1/d, so that scores are of one size whatever d.
 */
export class ContextualWorld {
  readonly candidates: readonly Candidate[];
  readonly names: readonly string[];
  readonly #kind: WorldKind;
  readonly #random: SeededRandom;
  readonly #weights: readonly Float64Array[];
  readonly #x: Float64Array;
  readonly #normal = new Float64Array(1);

  constructor(kind: WorldKind, { size, arms, seed }: { size: number; arms: number; seed: number }) {
    this.#kind = kind;
    this.#random = seededRandom(seed);
    this.candidates = Array.from({ length: arms }, (_, i) => candidateSchema.parse({ id: `arm-${i}` }));
    this.names = Array.from({ length: size }, (_, i) => `x${i}`);
    this.#weights = this.candidates.map(() => {
      const weights = new Float64Array(size);
      fillNormals(this.#random, weights);
      return weights;
    });
    this.#x = new Float64Array(size);
  }

  /** The next context, drawn anew. */
  next(): Situation {
    fillNormals(this.#random, this.#x);
    const scale = 1 / Math.sqrt(this.#x.length);
    const context: Record<string, number> = {};
    for (let i = 0; i < this.#x.length; i++) context[this.names[i]!] = this.#x[i]! *= scale;
    const expected = Float64Array.from(this.#weights, (weights) => this.#worth(weights));
    return { context, expected };
  }

  /** What the candidate at `index` pays this time. */
  reward({ expected }: Situation, index: number): number {
    const worth = expected[index]!;
    if (this.#kind === 'logistic') return this.#random.next() < worth ? 1 : 0;
    fillNormals(this.#random, this.#normal);
    return worth + NOISE * this.#normal[0]!;
  }

  #worth(weights: Float64Array): number {
    let score = 0;
    for (let i = 0; i < weights.length; i++) score += weights[i]! * this.#x[i]!;
    return this.#kind === 'linear' ? score : 1 / (1 + Math.exp(-SHIFT - SLOPE * score));
  }
}
