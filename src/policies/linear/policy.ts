/** Acts on a linear model: by its upper bound (LinUCB), or by Thompson sampling with computed probabilities. */
import type { PolicyRef, Reason } from '../../messages/decisions.js';
import { epsilonGreedy } from '../exploration.js';
import { unpackFloat64 } from '../packed.js';
import type { Policy } from '../policy.js';
import { learnedFamily, parametersOf, type PolicySource } from '../source.js';
import { CandidateView } from './candidate-view.js';
import { GaussianChoice } from './gaussian-choice.js';
import { sigmoid } from './link.js';
import { dot, type BeliefReader, type ModelShape } from './model.js';
import {
  linThompsonParametersSchema,
  linUcbParametersSchema,
  shapeOf,
  type LinearFeatures,
  type LinThompsonParameters,
  type LinUcbParameters,
} from './parameters.js';
import { linearReasons } from './reasons.js';
import { StoredModel, storeBeliefs, type StoredBeliefs } from './stored-model.js';

export const LIN_UCB_FAMILY = 'lin-ucb';
export const LIN_TS_FAMILY = 'lin-ts';
export const LOGISTIC_THOMPSON_FAMILY = 'logistic-thompson';

/** How scores become probabilities. */
export type LinearRule =
  | { readonly kind: 'ucb'; readonly alpha: number }
  /** `draws` are β's, one after the other; empty where nothing is shared. */
  | { readonly kind: 'thompson'; readonly scale: number; readonly draws: Float64Array };

export interface LinearPolicySetup {
  readonly ref: PolicyRef;
  readonly features: LinearFeatures;
  /** Only read. Where a learner goes on changing it, the policy is that of the moment it is asked in. */
  readonly model: BeliefReader;
  readonly rule: LinearRule;
  /** `logistic`: scores are log-odds, and what is told to people is the chance. */
  readonly link: 'identity' | 'logistic';
}

/** What the three families are compiled to. */
interface LinearForm {
  readonly features: LinearFeatures;
  readonly shape: ModelShape;
  readonly beliefs: StoredBeliefs;
  readonly rule: LinearRule;
}

/** Throws Configuration `POLICY_PARAMETERS`. Li, Chu, Langford, Schapire, WWW 2010. */
export const linUcbPolicy = learnedFamily((source) => {
  const parameters = parametersOf(linUcbParametersSchema, source);
  return formOf(parameters, { kind: 'ucb', alpha: parameters.alpha });
}, installer('identity'));

/** Throws Configuration `POLICY_PARAMETERS`. Agrawal, Goyal, ICML 2013. */
export const linTsPolicy = learnedFamily(thompsonForm, installer('identity'));

/** Throws Configuration `POLICY_PARAMETERS`. Chapelle, Li, NIPS 2011. */
export const logisticThompsonPolicy = learnedFamily(thompsonForm, installer('logistic'));

function thompsonForm(source: PolicySource): LinearForm {
  const parameters = parametersOf(linThompsonParametersSchema, source);
  const { scale, draws } = parameters;
  const drawn = draws === undefined ? new Float64Array(0) : unpackFloat64(draws);
  return formOf(parameters, { kind: 'thompson', scale, draws: drawn });
}

function formOf(parameters: LinUcbParameters | LinThompsonParameters, rule: LinearRule): LinearForm {
  const { features, beliefs } = parameters;
  return { features, shape: shapeOf(parameters), beliefs: storeBeliefs(beliefs), rule };
}

function installer(link: LinearPolicySetup['link']): (ref: PolicyRef, form: LinearForm) => Policy {
  return (ref, { features, shape, beliefs, rule }) =>
    linearPolicy({ ref, features, model: new StoredModel(shape, beliefs), rule, link });
}

/** The policy of a model. Candidates that it never learned from are as its prior has them. */
export function linearPolicy(setup: LinearPolicySetup): Policy {
  const { ref, model, rule, link } = setup;
  const view = new CandidateView(setup.model, setup.features);
  const choice = new GaussianChoice();

  return {
    ref,
    distribution(context, candidates) {
      view.look(context, candidates);
      if (rule.kind === 'ucb') return epsilonGreedy(view.bounds(rule.alpha), 0);
      const { scale, draws } = rule;
      // Without shared weights arms are independent; with them they are so given each draw of those.
      if (draws.length === 0) return choice.probabilities(view.means, view.deviations(scale), view.count);
      return overDraws(view, choice, scale, draws);
    },
    scores(context, candidates) {
      view.look(context, candidates);
      const means = [...view.means.subarray(0, view.count)];
      return link === 'logistic' ? means.map(sigmoid) : means;
    },
    explain(context, candidates, index): readonly Reason[] {
      view.look(context, candidates);
      const means = view.means.subarray(0, view.count);
      const width = rule.kind === 'ucb' ? rule.alpha : rule.scale;
      const { id } = candidates[index]!;
      return linearReasons({
        mean: means[index]!,
        expected: link === 'logistic' ? sigmoid(means[index]!) : means[index]!,
        link,
        uncertainty: width * Math.sqrt(view.armVariances[index]! + view.sharedVariances[index]!),
        contributions: view.contributions(context, candidates[index]!),
        trials: model.shape.arm === 0 ? model.shared.count : (model.arms.get(id)?.count ?? 0),
        best: means.every((mean) => mean <= means[index]!),
      });
    },
  };
}

/** The share of draws that each candidate wins; where arms have weights of their own, its mean chance over the draws. */
function overDraws(view: CandidateView, choice: GaussianChoice, scale: number, draws: Float64Array): number[] {
  const { count, shared } = view;
  const drawn = draws.length / shared;
  const total = new Array<number>(count).fill(0);
  const scores = new Float64Array(count);
  const deviations = view.hasArms ? view.armDeviations(scale) : undefined;
  for (let k = 0; k < drawn; k++) {
    const beta = draws.subarray(k * shared, (k + 1) * shared);
    for (let i = 0; i < count; i++) scores[i] = view.armMeans[i]! + dot(beta, view.residual(i));
    if (deviations === undefined) addWinners(scores, total);
    else for (const [i, p] of choice.probabilities(scores, deviations, count).entries()) total[i]! += p;
  }
  for (let i = 0; i < count; i++) total[i]! /= drawn;
  return total;
}

/** Adds 1 for the largest score, shared by those that have it. */
function addWinners(scores: Float64Array, to: number[]): void {
  let best = -Infinity;
  let tied = 0;
  for (const score of scores) {
    if (score > best) [best, tied] = [score, 1];
    else if (score === best) tied++;
  }
  for (let i = 0; i < scores.length; i++) if (scores[i] === best) to[i]! += 1 / tied;
}
