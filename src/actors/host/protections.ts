/**
 * The protections that the simulator takes away one at a time, to prove that it would notice. Everything else runs
 * with all of them.
 */
export interface Protections {
  /** Owner-written records of older terms are void. */
  readonly barrier: boolean;
  /** Outputs apply only in chain order. */
  readonly watermark: boolean;
  /** Pending decisions count against caps and budgets. */
  readonly overlay: boolean;
  /** Snapshots and checkpoints are set by their owner only, and only over what it knows to be stored. */
  readonly cas: boolean;
  /** A timer record counts only for the generation it was armed in. */
  readonly timerGeneration: boolean;
  /** Records are folded by the rules of the barrier before them, not by the newest that the host knows. */
  readonly semantics: boolean;
}

export const ALL_PROTECTIONS: Protections = {
  barrier: true,
  watermark: true,
  overlay: true,
  cas: true,
  timerGeneration: true,
  semantics: true,
};
