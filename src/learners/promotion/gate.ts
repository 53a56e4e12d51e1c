/**
 * The gate of one learner: who is live (champion), who wants to be (challenger), who never changes (anchor), and whether
 * the evidence of decisions that nobody learned from is enough. Pure: experience goes in, verdicts come out.
 */
import { EngineError } from '../../kernel/errors.js';
import type { Experience, PolicyRef } from '../../messages/decisions.js';
import type { Artifact } from '../../policies/artifact.js';
import type { Policy } from '../../policies/policy.js';
import { policyOf, type PolicyFamilies } from '../../policies/registry/policy-of.js';
import type { SavedGate, SavedTrial } from './gate-state.js';
import { HeldOutSplit } from './holdout.js';
import type { GateSettings } from './settings.js';
import { alphaShare, Trial } from './trial.js';
import type { GateVerdict } from '../../messages/gate-verdict.js';

/** What a learner's view shows of its gate. */
export interface GateView {
  /** Versions by what they are; null where there is none. */
  readonly alias: {
    readonly champion: number | null;
    readonly challenger: number | null;
    readonly anchor: number | null;
  };
  /** Candidates so far, and how much of the error budget they have spent. */
  readonly candidates: number;
  readonly alphaSpent: number;
  /** The anchor by its policy too, which need not be the learner's; null where there is none. */
  readonly anchor: PolicyRef | null;
  readonly heldOut: number;
  /** Of the challenger as of now; null without one. */
  readonly current: GateVerdict | null;
  /** The last promotion or rejection. */
  readonly settled: GateVerdict | null;
}

/** An artifact, and the policy that was made of it and tried. */
export interface Candidate {
  readonly artifact: Artifact;
  readonly policy: Policy;
}

export class PromotionGate {
  readonly #settings: GateSettings;
  readonly #families: PolicyFamilies;
  readonly #split: HeldOutSplit;
  #candidates: number;
  #lastVersion: number;
  #heldOut: number;
  #champion: Candidate | null;
  #anchor: Candidate | null;
  #challenger: (Candidate & { readonly trial: Trial }) | null = null;
  #verdict: GateVerdict | null;
  #settled: GateVerdict | null;

  /** Throws InvalidRequest `ARTIFACT_*` or Configuration `POLICY_PARAMETERS` where a saved policy is not one any more. */
  constructor(settings: GateSettings, learner: string, families: PolicyFamilies, saved?: SavedGate) {
    this.#settings = settings;
    this.#families = families;
    this.#split = new HeldOutSplit(learner, settings.holdout);
    this.#candidates = saved?.candidates ?? 0;
    this.#lastVersion = saved?.lastVersion ?? 0;
    this.#heldOut = saved?.heldOut ?? 0;
    this.#champion = this.#held(saved?.champion ?? null);
    this.#anchor = sameAs(this.#champion, saved?.anchor) ?? this.#held(saved?.anchor ?? null);
    this.#verdict = saved?.verdict ?? null;
    this.#settled = saved?.settled ?? null;
    if (saved?.challenger) this.#open(this.#held(saved.challenger.artifact)!, saved.challenger.trial);
  }

  /** Whether the decision's experience is withheld from the learner. */
  holdsOut(decisionId: string): boolean {
    return this.#split.has(decisionId);
  }

  /** The version that the next candidate may have: no two have the same one, and none that was ever live. */
  get nextVersion(): number {
    return Math.max(this.#lastVersion, this.#champion?.artifact.policy.version ?? 0) + 1;
  }

  get championVersion(): number | null {
    return this.#champion?.artifact.policy.version ?? null;
  }

  /** The artifact that is on trial, or that has been promoted and is not live yet. */
  get challenger(): Artifact | null {
    return this.#challenger?.artifact ?? null;
  }

  /** A promotion or a rejection that is to be acted upon: see `settle`. */
  get verdict(): GateVerdict | null {
    return this.#verdict;
  }

  /**
   * What is live by now, published without this gate: the first version ever, which becomes the anchor as well, or one that
   * somebody else put there. A challenger that was on trial against another one is rejected (`live-changed`): evidence
   * against a policy that is no longer live is none.
   */
  adopt(artifact: Artifact): void {
    if (this.#champion?.artifact.checksum === artifact.checksum) return;
    if (this.#verdict?.outcome === 'rejected') this.#settled = this.#verdict;
    else if (this.#challenger !== null) {
      const text = `Version ${artifact.policy.version} was made live by somebody else.`;
      this.#settled = { ...this.#challenger.trial.verdict(), outcome: 'rejected', reason: 'live-changed', text };
    }
    this.#challenger = null;
    this.#verdict = null;
    this.#champion = this.#held(artifact);
    this.#anchor ??= this.#champion;
    this.#lastVersion = Math.max(this.#lastVersion, artifact.policy.version);
  }

  /**
   * Candidates from now on have to beat this one beside the live policy. Throws Invariant `GATE_OCCUPIED` while one is on
   * trial: evidence against one anchor says nothing about another; and as the constructor does for what is no policy.
   */
  anchorOn(artifact: Artifact): void {
    if (this.#anchor?.artifact.checksum === artifact.checksum) return;
    if (this.#challenger !== null) throw occupied();
    this.#anchor = sameAs(this.#champion, artifact) ?? this.#held(artifact);
  }

  /**
   * Puts a candidate on trial, which spends its share of the error budget. It is judged by what is held out from now on, and
   * by nothing before. Throws Invariant `GATE_OCCUPIED` while another one is, `GATE_WITHOUT_CHAMPION` before `adopt`, and
   * as the constructor does for an artifact that is no policy. Who has the policy hands it over.
   */
  propose(artifact: Artifact, policy: Policy = policyOf(artifact, this.#families)): void {
    if (this.#challenger !== null) throw occupied();
    if (this.#champion === null)
      throw new EngineError('Invariant', 'GATE_WITHOUT_CHAMPION', 'Nothing is live to be challenged.');
    this.#open({ artifact, policy }, undefined, this.#candidates + 1);
    this.#candidates++;
    this.#lastVersion = Math.max(this.#lastVersion, artifact.policy.version);
  }

  /** A held-out experience, in stream order. Once there is a verdict nothing more is judged until it is settled. */
  judge(experience: Experience): void {
    if (experience.status === 'corrected') return;
    this.#heldOut++;
    if (this.#challenger === null || this.#verdict !== null) return;
    const { trial } = this.#challenger;
    trial.add(experience);
    const verdict = trial.verdict();
    if (verdict.outcome !== 'undecided') this.#verdict = verdict;
  }

  /** The verdict has been acted upon: a promoted challenger is live now, a rejected one is forgotten. */
  settle(): void {
    if (this.#verdict === null || this.#challenger === null)
      throw new EngineError('Invariant', 'GATE_WITHOUT_VERDICT', 'There is no verdict to settle.');
    if (this.#verdict.outcome === 'promoted') {
      const { artifact, policy } = this.#challenger;
      this.#champion = { artifact, policy };
    }
    this.#settled = this.#verdict;
    this.#verdict = null;
    this.#challenger = null;
  }

  view(): GateView {
    return {
      alias: {
        champion: this.championVersion,
        challenger: this.#challenger?.artifact.policy.version ?? null,
        anchor: this.#anchor?.artifact.policy.version ?? null,
      },
      candidates: this.#candidates,
      alphaSpent: spent(this.#settings.alpha, this.#candidates),
      anchor: this.#anchor?.artifact.policy ?? null,
      heldOut: this.#heldOut,
      current: this.#verdict ?? this.#challenger?.trial.verdict() ?? null,
      settled: this.#settled,
    };
  }

  save(): SavedGate {
    const { artifact, trial } = this.#challenger ?? {};
    return {
      candidates: this.#candidates,
      lastVersion: this.#lastVersion,
      heldOut: this.#heldOut,
      champion: this.#champion?.artifact ?? null,
      anchor: this.#anchor?.artifact ?? null,
      challenger: artifact === undefined || trial === undefined ? null : { artifact, trial: trial.save() },
      verdict: this.#verdict,
      settled: this.#settled,
    };
  }

  #open({ artifact, policy }: Candidate, saved?: SavedTrial, number = this.#candidates): void {
    const contestants = { challenger: policy, live: this.#champion!.policy, anchor: this.#anchor!.policy };
    this.#challenger = { artifact, policy, trial: new Trial(this.#settings, number, contestants, saved) };
  }

  #held(artifact: Artifact | null): Candidate | null {
    return artifact === null ? null : { artifact, policy: policyOf(artifact, this.#families) };
  }
}

const occupied = (): EngineError => new EngineError('Invariant', 'GATE_OCCUPIED', 'There is a challenger already.');

/** One policy object for one artifact: the trial then asks it only once. */
const sameAs = (held: Candidate | null, artifact: Artifact | null | undefined): Candidate | null =>
  held !== null && artifact?.checksum === held.artifact.checksum ? held : null;

function spent(alpha: number, candidates: number): number {
  let sum = 0;
  for (let k = 1; k <= candidates; k++) sum += alphaShare(alpha, k);
  return sum;
}
