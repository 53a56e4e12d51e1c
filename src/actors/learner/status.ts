import type { LearnerMode } from './learner.machine.js';

/** The answer to `attune.learner.<id>.view`, and a row of the host's status. */
export interface LearnerStatus {
  readonly id: string;
  readonly kind: string;
  readonly surface: string;
  readonly policy: string;
  /** `standby`: another host holds the lease. */
  readonly mode: LearnerMode | 'standby';
  readonly epoch: number | null;
  /** The version that is live, and when it was published (milliseconds since the epoch). */
  readonly version: number | null;
  readonly lastPublishMs: number | null;
  /** Experiences of its surface so far, and those it learned from. */
  readonly experiences: number;
  readonly learned: number;
  readonly rewardMean: number | null;
  readonly lossMean: number | null;
  readonly explorationShare: number | null;
  /** How long the live version has been without something that was learned since; 0 where it has everything. */
  readonly stalenessMs: number;
  /** Last sequence of the experience stream learned from, and how many behind it are known to wait. */
  readonly position: number;
  readonly lag: number;
  /** Messages left out: counted before, out of chain, unreadable. */
  readonly skipped: { readonly past: number; readonly ahead: number; readonly malformed: number };
  /** Why it is, or last was, degraded. */
  readonly reason: string | null;
  /** Failures since the last publication. */
  readonly failures: number;
}
