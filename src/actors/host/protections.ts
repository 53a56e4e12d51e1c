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
  /** A keeper renews the leases of a host that makes progress, and of no other. */
  readonly renewOnProgress: boolean;
  /** A lease that has run out is over: only a new tenure, with a barrier of its own, acquires again. */
  readonly neverReacquire: boolean;
  /** The lease is looked at before every request, and before every answer that is not an own folded record. */
  readonly leaseBeforeAnswer: boolean;
  /** The lease is looked at before whatever is stored, deleted, fired or broadcast. */
  readonly leaseBeforeWrite: boolean;
  /** An event whose id its actor has folded does not count again. */
  readonly repeats: boolean;
  /** An event of which that is not known any more is refused. */
  readonly eventFloor: boolean;
  /** Consent and duty are ordered by the times that their senders gave, not by those of their arrival. */
  readonly ownTimes: boolean;
  /** A dead letter tried again counts once, by its innermost original. */
  readonly redrive: boolean;
  /** A request that names a place in the journal waits until it is folded. */
  readonly after: boolean;
  /** A journal that fills takes no events, and is trimmed as far as may be. */
  readonly intake: boolean;
  /** An answer does not wait until what other apps have piled up before it is folded, where that makes no difference. */
  readonly foresight: boolean;
}

export const ALL_PROTECTIONS: Protections = {
  barrier: true,
  watermark: true,
  overlay: true,
  cas: true,
  timerGeneration: true,
  semantics: true,
  renewOnProgress: true,
  neverReacquire: true,
  leaseBeforeAnswer: true,
  leaseBeforeWrite: true,
  repeats: true,
  eventFloor: true,
  ownTimes: true,
  redrive: true,
  after: true,
  intake: true,
  foresight: true,
};
