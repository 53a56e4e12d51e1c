/** What families that go by an arm's mean share: their parameters, values and reasons. */
import { z } from 'zod';
import type { Candidate, Reason } from '../../messages/decisions.js';
import type { DecisionContext } from '../policy.js';
import { rounded } from '../rounded.js';
import { levelsShape, packLevels, SegmentedArms, type Levels, type PackedLevels } from './segments.js';
import { pooled, REWARD_MAX, STATISTICS_BOUNDS, NO_STATISTICS, type Statistics } from './statistics.js';

/** Fewer trials than this are none: what forgetting has left of them. */
export const TRIALS_MIN = 1e-9;

export const armParametersShape = {
  ...levelsShape<Statistics>(STATISTICS_BOUNDS),
  /** Imagined trials: `weight` of them that paid `mean` each. An arm that was never tried has this mean. */
  prior: z
    .strictObject({ mean: z.number().min(-REWARD_MAX).max(REWARD_MAX), weight: z.number().min(0).max(1e9) })
    .default({ mean: 0, weight: 0 }),
};

interface ArmParameters extends Levels<Statistics> {
  readonly prior: { readonly mean: number; readonly weight: number };
}

/** What such a family is compiled to, beside what is its own. */
export interface ArmForm {
  readonly levels: PackedLevels;
  readonly prior: ArmParameters['prior'];
}

export const packArms = (parameters: ArmParameters): ArmForm => ({
  levels: packLevels(parameters, STATISTICS_BOUNDS.length),
  prior: parameters.prior,
});

/** An arm as a decision sees it. */
export interface ArmValue {
  /** Mean reward, the prior's imagined trials included. */
  readonly mean: number;
  /** Trials, the imagined ones included. */
  readonly weight: number;
  /** Trials without them. */
  readonly trials: number;
}

/** Looks arms up in the segment of a decision. The values come in candidate order. */
export function armValues({
  levels,
  prior,
}: ArmForm): (context: DecisionContext, candidates: readonly Candidate[]) => ArmValue[] {
  const arms = new SegmentedArms<Statistics>(levels, (whole, own, weight) =>
    // An arm that only its segment remembers was forgotten as a whole; then what there is counts once.
    whole === own ? whole : pooled(whole, own ?? NO_STATISTICS, weight),
  );
  return (context, candidates) => {
    const view = arms.at(context);
    return candidates.map(({ id }) => valueOf(view.of(id) ?? NO_STATISTICS, prior));
  };
}

function valueOf([n, average]: Readonly<Statistics>, prior: ArmParameters['prior']): ArmValue {
  const trials = n < TRIALS_MIN ? 0 : n;
  const weight = prior.weight + trials;
  return {
    mean: weight === 0 ? prior.mean : (prior.weight * prior.mean + trials * average) / weight,
    weight,
    trials,
  };
}

/** Why the arm at `index` stands where it stands, by means; `bonus` is what its uncertainty adds to it, if anything. */
export function armReasons(
  values: readonly Pick<ArmValue, 'mean' | 'trials'>[],
  index: number,
  bonus?: number,
): Reason[] {
  const { mean, trials } = values[index]!;
  const best = values.every((other) => other.mean <= mean);
  const reasons: Reason[] = [
    trials === 0
      ? { code: 'untried', text: 'It is new here and gets a chance.', contribution: mean }
      : { code: 'mean', text: `It earned ${rounded(mean)} on average.`, contribution: mean },
  ];
  if (bonus !== undefined && Number.isFinite(bonus))
    reasons.push({ code: 'uncertainty', text: 'It may be better than it has shown so far.', contribution: bonus });
  reasons.push(
    { code: 'trials', text: `Tried about ${Math.round(trials)} times.`, contribution: trials },
    best
      ? { code: 'exploitation', text: 'Nothing else has done better so far.' }
      : { code: 'exploration', text: 'Shown now and then to find out how good it is.' },
  );
  return reasons;
}
