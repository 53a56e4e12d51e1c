/** A candidate against one reference policy: evidence either way, and how far apart they seem to be. */
import { z } from 'zod';
import {
  ConfidenceSequence,
  EProcess,
  savedConfidenceSequenceSchema,
  savedEProcessSchema,
} from '../evaluation/anytime/index.js';
import { pairedDifference, type PairedInput, type PairedLimits } from './paired-difference.js';
import type { PolicyRef } from '../../messages/decisions.js';
import type { GateSettings } from './settings.js';

export const savedComparisonSchema = z.strictObject({
  better: savedEProcessSchema,
  worse: savedEProcessSchema,
  /** Of the paired difference, and of the one with the parts exchanged. */
  gain: savedConfidenceSequenceSchema,
  loss: savedConfidenceSequenceSchema,
  unsupported: z.number().nonnegative(),
  clipped: z.number().int().nonnegative(),
});
export type SavedComparison = z.infer<typeof savedComparisonSchema>;

/** The numbers of a comparison, in the unit of the reward. */
export interface ComparisonReport {
  /** The reference. */
  readonly policyId: string;
  readonly version: number;
  /** Mean paired difference, at most that of the policies' values (see pairedDifference); null before the first decision. */
  readonly difference: number | null;
  /** Covers the difference of the policies' values at every look at once, with a chance of 1 − alpha. */
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
  readonly #limits: PairedLimits;
  readonly #span: number;
  readonly better: EProcess;
  readonly worse: EProcess;
  readonly #gain: ConfidenceSequence;
  readonly #loss: ConfidenceSequence;
  #unsupported: number;
  #clipped: number;

  constructor({ weightMax, lossMax, alpha, reward }: GateSettings, saved?: SavedComparison) {
    this.#limits = { weight: weightMax, loss: lossMax };
    this.#span = reward.max - reward.min;
    this.better = new EProcess(lossMax + 1, saved?.better);
    this.worse = new EProcess(lossMax + 1, saved?.worse);
    const oneSided = { alpha: alpha / 2, min: -(lossMax + 1), max: weightMax, side: 'lower' } as const;
    this.#gain = new ConfidenceSequence(oneSided, saved?.gain);
    this.#loss = new ConfidenceSequence(oneSided, saved?.loss);
    this.#unsupported = saved?.unsupported ?? 0;
    this.#clipped = saved?.clipped ?? 0;
  }

  add(input: PairedInput, candidate: readonly number[], reference: readonly number[]): void {
    const gain = pairedDifference(input, candidate, reference, this.#limits);
    // Not the same with its sign turned: each is cut to the disadvantage of the one it speaks for.
    const loss = pairedDifference(input, reference, candidate, this.#limits);
    this.better.add(gain.value);
    this.worse.add(loss.value);
    this.#gain.add(gain.value);
    this.#loss.add(loss.value);
    this.#unsupported += gain.unsupported;
    if (gain.clipped) this.#clipped++;
  }

  /** Mean probability of what the reference does more often and could not be weighed. */
  get unsupported(): number {
    return this.#unsupported / Math.max(1, this.better.count);
  }

  report({ id: policyId, version }: PolicyRef): ComparisonReport {
    const span = this.#span;
    const { mean } = this.#gain;
    // No two values are further apart than the rewards.
    const low = Math.max(-1, this.#gain.interval[0]);
    const high = Math.min(1, -this.#loss.interval[0]);
    return {
      policyId,
      version,
      difference: mean === null ? null : mean * span,
      interval: [low * span, high * span],
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
      gain: this.#gain.save(),
      loss: this.#loss.save(),
      unsupported: this.#unsupported,
      clipped: this.#clipped,
    };
  }
}
