import type { GateView } from '../../learners/promotion/index.js';
import type { Hold } from '../../policies/registry/artifact-store.js';
import type { LearnerMode } from './learner.machine.js';
import type { PublishVerdict } from './publish-rule.js';

/** The answer to `attune.learner.<id>.view`, and a row of the host's status. */
export interface LearnerStatus {
  readonly id: string;
  readonly kind: string;
  readonly surface: string;
  readonly policy: string;
  /** `standby`: another host holds the lease. */
  readonly mode: LearnerMode | 'standby';
  readonly epoch: number | null;
  /** What it computes with, as in `TensorFlow.js, wasm`; null before it is known, and where it does not say. */
  readonly runtime: string | null;
  /** The version that is live, and when it was published (milliseconds since the epoch). */
  readonly version: number | null;
  readonly lastPublishMs: number | null;
  /** Experiences of its surface so far, and those it learned from. */
  readonly experiences: number;
  readonly learned: number;
  /** Corrections of its surface's experience so far, whether or not it takes them. */
  readonly corrections: number;
  /** Moving means over about the last hundred experiences: their reward, and the learner's own loss. */
  readonly rewardMean: number | null;
  readonly lossMean: number | null;
  /** By how much what was shown earned less than always showing the best action would have: see ActionLedger. */
  readonly regretProxy: number | null;
  /** Share of the last decisions that showed something else first than the policy's favourite. */
  readonly explorationShare: number | null;
  readonly coverage: {
    /** Share of the actions eligible lately that had been tried by then. */
    readonly actions: number | null;
    /** Distinct states met, up to STATES_MAX; 0 where the surface has none. */
    readonly states: number;
  };
  /** How long the live version has been without something that was learned since; 0 where it has everything. */
  readonly stalenessMs: number;
  /** Experiences that were learned since, which the live version does not have. */
  readonly unpublished: number;
  /** What was last judged of publishing, and why; null before that. */
  readonly publishing: PublishVerdict | null;
  /** Who holds the policy at what is live, as of the last publication or start: publications are candidates; null where nobody. */
  readonly held: Hold | null;
  /** Who is live, on trial and the anchor, and the evidence; null for a learner without a gate. */
  readonly gate: GateView | null;
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

/** Of a learner of which nothing is known here. */
export const blankStatus = (named: Pick<LearnerStatus, 'id' | 'kind' | 'surface' | 'policy'>): LearnerStatus => ({
  id: named.id,
  kind: named.kind,
  surface: named.surface,
  policy: named.policy,
  mode: 'standby',
  epoch: null,
  runtime: null,
  version: null,
  lastPublishMs: null,
  experiences: 0,
  learned: 0,
  corrections: 0,
  rewardMean: null,
  lossMean: null,
  regretProxy: null,
  explorationShare: null,
  coverage: { actions: null, states: 0 },
  stalenessMs: 0,
  unpublished: 0,
  publishing: null,
  held: null,
  gate: null,
  position: 0,
  lag: 0,
  skipped: { past: 0, ahead: 0, malformed: 0 },
  reason: null,
  failures: 0,
});
