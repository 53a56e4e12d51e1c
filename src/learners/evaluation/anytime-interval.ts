/**
 * An interval for the value of a policy that holds however often and whenever it is looked at. Confidence sequences need
 * bounded observations, so weights are clipped; what clipping takes away only widens the interval: with a reward in
 * [a, b], min(w, M)·(r − a) is at most w·(r − a), whose mean is value − a, and min(w, M)·(b − r) at most w·(b − r), whose
 * mean is b − value. So both bounds hold for the value itself, whatever M was chosen in advance.
 */
import { ConfidenceSequence } from './anytime/index.js';
import type { Interval } from './bootstrap.js';
import type { RewardRange } from './logged.js';
import type { Rounds } from './rounds.js';

export interface AnytimeOptions {
  /** M, at least 1. Chosen before the log is seen. */
  readonly clip: number;
  /** Both ends finite. */
  readonly range: RewardRange;
  readonly level: number;
}

/** `rounds` must have one choice a decision, each standing for itself alone. */
export function anytimeInterval(rounds: Rounds, { clip, range: { min, max }, level }: AnytimeOptions): Interval {
  const options = { alpha: (1 - level) / 2, min: 0, max: clip * (max - min), side: 'lower' } as const;
  const [above, below] = [new ConfidenceSequence(options), new ConfidenceSequence(options)];
  for (let d = 0; d < rounds.decisions; d++) {
    const w = Math.min(rounds.weight[d]!, clip);
    above.add(w * (rounds.reward[d]! - min));
    below.add(w * (max - rounds.reward[d]!));
  }
  return { low: min + above.interval[0], high: max - below.interval[0] };
}
