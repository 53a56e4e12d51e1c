/** Acts on the action values of a network: greedily but for a share of exploration, or softly. */
import { EngineError } from '../../kernel/errors.js';
import type { Candidate, PolicyRef, Reason } from '../../messages/decisions.js';
import { epsilonGreedy, softmax } from '../exploration.js';
import type { DecisionContext, Policy } from '../policy.js';
import { rounded } from '../rounded.js';
import { learnedFamily, parametersOf } from '../source.js';
import { Network, type Layers } from './network.js';
import { mlpQParametersSchema, scaleObservation, unpackLayers, type MlpQParameters } from './parameters.js';

export const MLP_Q_FAMILY = 'mlp-q';

/** Terms of the observation that an explanation names. */
const TERMS_TOLD_MAX = 3;

/**
 * Throws Configuration `POLICY_PARAMETERS`. The policy itself throws InvalidRequest `POLICY_OBSERVATION` where the surface
 * gives no observation of its length, or numbers that are not finite: the surface's fallback chain then answers.
 *
 * Candidates that are none of its actions get their share of ε and no more (with softmax: nothing; the surface's
 * exploration floor is added elsewhere). Where it knows none of the candidates all are equally likely.
 */
export const mlpQPolicy = learnedFamily((source): MlpForm => {
  const { layers, ...rest } = parametersOf(mlpQParametersSchema, source);
  return { ...rest, layers: unpackLayers(layers) };
}, policyOfForm);

/** Actions and terms are few (MLP_WIDTH_MAX): they cross as they are. */
interface MlpForm extends Omit<MlpQParameters, 'layers'> {
  readonly layers: Layers;
}

function policyOfForm(ref: PolicyRef, { actions, observation: about, exploration, counts, layers }: MlpForm): Policy {
  const network = new Network(layers);
  const indexOf = new Map(actions.map((id, index) => [id, index] as const));
  const input = new Float32Array(network.inputs);

  const observed = (context: DecisionContext): Float32Array => {
    const { observation } = context;
    if (observation?.length !== input.length) throw unfit(ref, input.length, observation?.length);
    scaleObservation(observation, about.scaling, input);
    if (!input.every(Number.isFinite)) throw unfit(ref, input.length, observation.length);
    return input;
  };
  /** The value of each candidate; NaN for those it does not know. */
  const known = (context: DecisionContext, candidates: readonly Candidate[]): number[] => {
    const values = network.forward(observed(context));
    if (!values.every(Number.isFinite)) throw unfit(ref, input.length, input.length);
    return candidates.map(({ id }) => {
      const index = indexOf.get(id);
      return index === undefined ? Number.NaN : values[index]!;
    });
  };

  return {
    ref,
    observationSize: input.length,
    distribution: (context, candidates) => distributionOf(known(context, candidates), exploration),
    scores: (context, candidates) => withStandIn(known(context, candidates)),
    explain(context, candidates, index) {
      const values = known(context, candidates);
      const action = indexOf.get(candidates[index]!.id);
      if (action === undefined)
        return [{ code: 'untried', text: 'It is new here and gets a chance.', contribution: 0 }];
      const value = values[index]!;
      const trials = counts?.[action];
      return [
        { code: 'value', text: `It is worth ${rounded(value)} in a situation like this one.`, contribution: value },
        ...termReasons(network.contributions(observed(context), action), about.terms),
        ...(trials === undefined
          ? []
          : [{ code: 'trials', text: `Tried ${trials} times so far.`, contribution: trials }]),
        values.every((other) => !(other > value))
          ? { code: 'exploitation', text: 'Nothing else promises more.' }
          : { code: 'exploration', text: 'Shown now and then to find out how good it is.' },
      ];
    },
  };
}

/** Probabilities from values of which some are NaN, that is, not known. */
function distributionOf(values: readonly number[], exploration: MlpQParameters['exploration']): number[] {
  const known = values.filter((value) => !Number.isNaN(value));
  if (known.length === 0) return values.map(() => 1 / values.length);
  // What is not known never is the best, so that ε alone reaches it.
  if (exploration.kind === 'epsilon-greedy')
    return epsilonGreedy(
      values.map((value) => (Number.isNaN(value) ? -Infinity : value)),
      exploration.epsilon,
    );
  const shares = softmax(known, exploration.temperature);
  let at = 0;
  return values.map((value) => (Number.isNaN(value) ? 0 : shares[at++]!));
}

/** Every candidate must have a score: the mean of the known ones stands for one that is not known. */
function withStandIn(values: readonly number[]): number[] {
  const known = values.filter((value) => !Number.isNaN(value));
  const mean = known.length === 0 ? 0 : known.reduce((sum, value) => sum + value, 0) / known.length;
  return values.map((value) => (Number.isNaN(value) ? mean : value));
}

/** The terms that move the value most, largest first; equal ones in their order. */
function termReasons(contributions: Float32Array, terms: readonly string[] | undefined): Reason[] {
  const order = [...contributions.keys()]
    .filter((i) => contributions[i] !== 0)
    .sort((i, j) => Math.abs(contributions[j]!) - Math.abs(contributions[i]!) || i - j);
  return order.slice(0, TERMS_TOLD_MAX).map((i) => ({
    code: `observation.${terms?.[i] ?? i}`,
    text: `${terms?.[i] ?? `Term ${i}`} ${contributions[i]! > 0 ? 'speaks for it' : 'speaks against it'}.`,
    contribution: contributions[i]!,
  }));
}

const unfit = ({ id }: PolicyRef, needed: number, given: number | undefined): EngineError =>
  new EngineError(
    'InvalidRequest',
    'POLICY_OBSERVATION',
    `Policy ${id} needs an observation of ${needed} numbers, finite and of moderate size; it has ${given ?? 'none'}.`,
    { field: 'observation' },
  );
