/** Whether a policy can decide on a surface at all: tried out on the surface's own context before it is made live. */
import { EngineError } from '../kernel/errors.js';
import type { Candidate } from '../messages/decisions.js';
import { UTC } from '../messages/settings.js';
import type { Artifact } from '../policies/artifact.js';
import { Q_TABLE_FAMILY } from '../policies/q-table/policy.js';
import type { DecisionContext, Policy } from '../policies/policy.js';
import { assertDistribution } from '../policies/sampling.js';
import { compileObservation, type ObservationTerm } from './observation-terms.js';
import { compileState, type StateTerm } from './state-terms.js';
import type { Surface } from './surface.js';

type Parameters = Readonly<Record<string, unknown>>;

/** What of a surface says whether a policy fits it. */
export type FitSurface = Pick<
  Surface,
  'id' | 'policy' | 'subjectKinds' | 'log' | 'stateTerms' | 'stateOf' | 'observer'
>;

/** The same as plain data, which crosses threads. */
export interface SurfaceShape {
  readonly id: string;
  readonly policy: string;
  readonly subjectKinds: Surface['subjectKinds'];
  readonly log: Surface['log'];
  readonly state: readonly StateTerm[] | undefined;
  readonly observation: readonly ObservationTerm[] | undefined;
}

export const surfaceShape = (surface: Surface): SurfaceShape => {
  const { id, policy, subjectKinds, log, stateTerms, observationTerms } = surface;
  return { id, policy, subjectKinds, log, state: stateTerms, observation: observationTerms };
};

export const fitSurface = ({ state, observation, ...surface }: SurfaceShape): FitSurface => ({
  ...surface,
  stateTerms: state,
  stateOf: state && compileState(state),
  observer: observation && compileObservation(observation),
});

/**
 * Throws InvalidRequest `ARTIFACT_UNFIT` naming what the surface does not have or has otherwise: an observation of another
 * length, states it never is in, features of subjects that it does not log; or if the policy cannot answer there.
 */
export function assertFits(artifact: Artifact, policy: Policy, surface: FitSurface): void {
  const parameters = (artifact.parameters ?? {}) as Parameters;
  const length = surface.observer?.names.length ?? 0;
  const needed = policy.observationSize ?? 0;
  if (needed > 0 && needed !== length)
    throw unfit(
      surface,
      `it needs an observation of ${needed} numbers, and the surface's has ${length}`,
      'observation',
    );
  if (artifact.family === Q_TABLE_FAMILY) checkStates(parameters['q'], surface);
  checkFeatures(parameters['features'], surface);
  tryOut(policy, surface);
}

/** The same for every surface whose live policy it is. */
export const fitsWhereItServes =
  (surfaces: ReadonlyMap<string, FitSurface>) =>
  (artifact: Artifact, policy: Policy): void => {
    for (const surface of surfaces.values())
      if (surface.policy === policy.ref.id) assertFits(artifact, policy, surface);
  };

function checkStates(q: unknown, surface: FitSurface): void {
  for (const state of Object.keys((q ?? {}) as object)) {
    if (surface.stateTerms === undefined)
      throw unfit(surface, 'it goes by states, and the surface has none', 'parameters.q');
    if (!isStateOf(state, surface.stateTerms))
      throw unfit(surface, `the surface is never in the state ${JSON.stringify(state.slice(0, 128))}`, 'parameters.q');
  }
}

/** As `compileState` writes it: `hour=2|new=0`. */
function isStateOf(state: string, terms: readonly StateTerm[]): boolean {
  let rest = state;
  for (const [i, term] of terms.entries()) {
    const prefix = `${i === 0 ? '' : '|'}${term.name}=`;
    if (!rest.startsWith(prefix)) return false;
    rest = rest.slice(prefix.length);
    // The longest first: a value of a context may have any text in it.
    const value = valuesOf(term).find(
      (one) => rest.startsWith(one) && (rest.length === one.length || rest[one.length] === '|'),
    );
    if (value === undefined) return false;
    rest = rest.slice(value.length);
  }
  return rest === '';
}

function valuesOf(term: StateTerm): readonly string[] {
  const values =
    term.from === 'context-value'
      ? [...term.values.map(String), '*']
      : Array.from({ length: term.edges.length + 1 }, (_, i) => String(i));
  return [...values, '-'].sort((a, b) => b.length - a.length);
}

interface Term {
  readonly from?: unknown;
  readonly name?: unknown;
}

/** Of linear models: what they look up must be there to be looked up, and to have been learned from. */
function checkFeatures(features: unknown, surface: FitSurface): void {
  const { subject } = surface.log;
  for (const [part, spec] of Object.entries(
    (features ?? {}) as Record<string, { terms?: readonly Term[] } | undefined>,
  ))
    for (const [i, { from, name }] of (spec?.terms ?? []).entries()) {
      if (from !== 'subject' || subject?.includes(String(name)) === true) continue;
      const message = `the surface does not log the subject's feature ${JSON.stringify(name)} (log.subject)`;
      throw unfit(surface, message, `parameters.features.${part}.terms.${i}`);
    }
}

const CANDIDATES: readonly Candidate[] = ['probe-a', 'probe-b'].map((id) => ({ id, features: {}, nonPersonal: true }));

function tryOut(policy: Policy, surface: FitSurface): void {
  const known = { features: {}, context: {}, nowMs: 0, timeZone: UTC };
  const state = surface.stateOf?.(known);
  const observation = surface.observer?.observe(known);
  const context: DecisionContext = {
    surface: surface.id,
    subjectKind: surface.subjectKinds[0]!,
    personalized: false,
    context: {},
    features: {},
    nowMs: 0,
    ...(state === undefined ? undefined : { state }),
    ...(observation === undefined ? undefined : { observation }),
  };
  try {
    assertDistribution(policy.distribution(context, CANDIDATES), CANDIDATES.length);
    const scores = policy.scores(context, CANDIDATES);
    const bad = scores.find((score) => !Number.isFinite(score));
    if (bad !== undefined || scores.length !== CANDIDATES.length) throw new Error(`a score is ${bad}`);
    CANDIDATES.forEach((_, index) => policy.explain(context, CANDIDATES, index));
  } catch (error) {
    throw unfit(
      surface,
      `it cannot answer there: ${error instanceof Error ? error.message : String(error)}`,
      'parameters',
    );
  }
}

const unfit = ({ id }: FitSurface, why: string, field: string): EngineError =>
  new EngineError('InvalidRequest', 'ARTIFACT_UNFIT', `The artifact does not fit the surface ${id}: ${why}.`, {
    field,
  });
