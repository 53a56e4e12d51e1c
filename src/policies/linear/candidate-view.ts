import type { Candidate } from '../../messages/decisions.js';
import { FeatureEncoder, sourcesOfDecision } from '../features/encoder.js';
import type { DecisionContext } from '../policy.js';
import { dot, newPrediction, type BeliefReader } from './model.js';
import type { LinearFeatures } from './parameters.js';

/** What a model says of the candidates of one decision, in working memory that is used again for the next. */
export class CandidateView {
  readonly #model: BeliefReader;
  readonly #arm: FeatureEncoder | undefined;
  readonly #shared: FeatureEncoder | undefined;
  readonly #x: Float64Array;
  readonly #z: Float64Array;
  readonly #prediction = newPrediction();
  #residuals: Float64Array[] = [];
  #deviations = new Float64Array(0);
  /** The next four hold one number a candidate, and more where an earlier decision had more of them. */
  means = new Float64Array(0);
  /** What is left of the mean without β. */
  armMeans = new Float64Array(0);
  armVariances = new Float64Array(0);
  sharedVariances = new Float64Array(0);
  /** Candidates. */
  count = 0;

  constructor(model: BeliefReader, { arm, shared }: LinearFeatures) {
    this.#model = model;
    this.#arm = arm && new FeatureEncoder(arm);
    this.#shared = shared && new FeatureEncoder(shared);
    this.#x = new Float64Array(this.#arm?.size ?? 0);
    this.#z = new Float64Array(this.#shared?.size ?? 0);
  }

  /** Numbers in z. */
  get shared(): number {
    return this.#z.length;
  }

  get hasArms(): boolean {
    return this.#x.length > 0;
  }

  /** w of a candidate. */
  residual(i: number): Float64Array {
    return this.#residuals[i]!;
  }

  look(context: DecisionContext, candidates: readonly Candidate[]): void {
    const model = this.#model;
    const prediction = this.#prediction;
    this.#resize(candidates.length);
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i]!;
      this.#encode(context, candidate, i === 0);
      const residual = this.#residuals[i]!;
      model.predict(candidate.id, this.#x, this.#z, prediction, residual);
      this.means[i] = prediction.mean;
      this.armMeans[i] = this.shared === 0 ? prediction.mean : prediction.mean - dot(model.shared.weights, residual);
      this.armVariances[i] = prediction.armVariance;
      this.sharedVariances[i] = prediction.sharedVariance;
    }
  }

  bounds(alpha: number): number[] {
    const bounds = new Array<number>(this.count);
    for (let i = 0; i < this.count; i++)
      bounds[i] = this.means[i]! + alpha * Math.sqrt(this.armVariances[i]! + this.sharedVariances[i]!);
    return bounds;
  }

  deviations(scale: number): Float64Array {
    for (let i = 0; i < this.count; i++)
      this.#deviations[i] = scale * Math.sqrt(this.armVariances[i]! + this.sharedVariances[i]!);
    return this.#deviations;
  }

  /** Given β. */
  armDeviations(scale: number): Float64Array {
    for (let i = 0; i < this.count; i++) this.#deviations[i] = scale * Math.sqrt(this.armVariances[i]!);
    return this.#deviations;
  }

  /** Each term of the score with its name; they add up to the candidate's mean. */
  contributions(context: DecisionContext, candidate: Candidate): { name: string; value: number }[] {
    const model = this.#model;
    const beta = model.shared.weights;
    this.#encode(context, candidate, true);
    const arm = model.arms.get(candidate.id);
    const found: { name: string; value: number }[] = [];
    for (let i = 0; arm !== undefined && i < this.#x.length; i++) {
      let weight = arm.weights[i]!;
      for (let j = 0; j < beta.length; j++) weight -= arm.coupling[i * beta.length + j]! * beta[j]!;
      found.push({ name: this.#arm!.nameOf(i), value: weight * this.#x[i]! });
    }
    for (let j = 0; j < this.#z.length; j++)
      found.push({ name: this.#shared!.nameOf(j), value: beta[j]! * this.#z[j]! });
    return found;
  }

  #encode(context: DecisionContext, candidate: Candidate, first: boolean): void {
    const arm = this.#arm;
    const shared = this.#shared;
    if (!first && arm?.perCandidate !== true && shared?.perCandidate !== true) return;
    const sources = sourcesOfDecision(context, candidate);
    if (first) {
      arm?.encode(sources, this.#x);
      shared?.encode(sources, this.#z);
    } else {
      arm?.encodeNext(sources, this.#x);
      shared?.encodeNext(sources, this.#z);
    }
  }

  #resize(count: number): void {
    this.count = count;
    if (count <= this.#residuals.length) return;
    this.means = new Float64Array(count);
    this.armMeans = new Float64Array(count);
    this.armVariances = new Float64Array(count);
    this.sharedVariances = new Float64Array(count);
    this.#deviations = new Float64Array(count);
    this.#residuals = Array.from({ length: count }, () => new Float64Array(this.shared));
  }
}
