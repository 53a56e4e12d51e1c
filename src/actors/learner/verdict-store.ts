import type { GateVerdict } from '../../messages/gate-verdict.js';

/** Where the promotions and rejections of candidates are kept, beside the artifacts. */
export interface VerdictStore {
  /**
   * Keeps the verdict; recording the same candidate's again changes nothing. Rejects with StaleOwner `VERDICT_STALE_EPOCH`
   * once a later epoch has recorded for the policy.
   */
  record(verdict: GateVerdict, epoch: number): Promise<void>;
  /** The latest verdicts of a policy (VERDICTS_KEPT at least, where there were so many), oldest first. */
  of(policyId: string): Promise<readonly GateVerdict[]>;
}

export const VERDICTS_KEPT = 100;
