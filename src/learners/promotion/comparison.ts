/** A candidate against one reference policy: evidence either way, and how far apart they seem to be. */
import { z } from 'zod';
import {
  ConfidenceSequence,
  EProcess,
  savedConfidenceSequenceSchema,
  savedEProcessSchema,
} from '../evaluation/anytime/index.js';
import { pairedDifference, type PairedDifference, type PairedInput } from './paired-difference.js';
import type { GateSettings } from './settings.js';

export const savedComparisonSchema = z.strictObject({
  better: savedEProcessSchema,
  worse: savedEProcessSchema,
  difference: savedConfidenceSequenceSchema,
  unsupported: z.number().nonnegative(),
  clipped: z.number().int().nonnegative(),
});
export type SavedComparison = z.infer<typeof savedComparisonSchema>;

/** The numbers of a comparison, in the unit of the reward. */
export interface ComparisonReport {
  /** Version of the reference. */
  readonly version: number;
  /** Mean paired difference, at most that of the policies' values (see pairedDifference); null before the first decision. */
  readonly difference: number | null;
  /** Of that mean, at every look at once with chance 1 − alpha. */
  readonly interval: readonly [low: number, high: number];
  /** Valid at any time: of "not better than the reference", and of "not worse". */
  readonly pBetter: number;
  readonly pWorse: number;
  /** Natural logarithm of the e-value for "better", now and at its largest. */
  readonly evidence: number;
  readonly evidenceMax: number;
  readonly unsupported: number;
  readonly clippedShare: number;
}

export class Comparison {
  readonly #settings: GateSettings;
  readonly better: EProcess;
  readonly worse: EProcess;
  readonly #difference: ConfidenceSequence;
  #unsupported: number;
  #clipped: number;

  constructor(settings: GateSettings, saved?: SavedComparison) {
    const { weightMax, alpha } = settings;
    this.#settings = settings;
    this.better = new EProcess(weightMax + 1, saved?.better);
    this.worse = new EProcess(weightMax, saved?.worse);
    const bounds = { alpha, min: -(weightMax + 1), max: weightMax };
    this.#difference = new ConfidenceSequence(bounds, saved?.difference);
    this.#unsupported = saved?.unsupported ?? 0;
    this.#clipped = saved?.clipped ?? 0;
  }

  add(input: PairedInput, candidate: readonly number[], reference: readonly number[]): PairedDifference {
    const paired = pairedDifference(input, candidate, reference, this.#settings.weightMax);
    this.better.add(paired.value);
    this.worse.add(-paired.value);
    this.#difference.add(paired.value);
    this.#unsupported += paired.unsupported;
    if (paired.clipped) this.#clipped++;
    return paired;
  }

  /** Mean probability of what the reference does more often and could not be weighed. */
  get unsupported(): number {
    return this.#unsupported / Math.max(1, this.better.count);
  }

  report(version: number): ComparisonReport {
    const { min, max } = this.#settings.reward;
    const [low, high] = this.#difference.interval;
    const { mean } = this.#difference;
    return {
      version,
      difference: mean === null ? null : mean * (max - min),
      interval: [low * (max - min), high * (max - min)],
      pBetter: this.better.pValue,
      pWorse: this.worse.pValue,
      evidence: this.better.logValue,
      evidenceMax: this.better.logMax,
      unsupported: this.unsupported,
      clippedShare: this.#clipped / Math.max(1, this.better.count),
    };
  }

  save(): SavedComparison {
    return {
      better: this.better.save(),
      worse: this.worse.save(),
      difference: this.#difference.save(),
      unsupported: this.#unsupported,
      clipped: this.#clipped,
    };
  }
}
