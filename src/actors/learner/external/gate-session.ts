/** The gate of a learner in another process with its place in the stream: what runs in the gate's thread. */
import { LEARNED_FAMILIES } from '../../../policies/registry/learned-families.js';
import { PromotionGate, type GateSettings } from '../../../learners/promotion/index.js';
import type { Experience } from '../../../messages/decisions.js';
import type { Artifact } from '../../../policies/artifact.js';
import { fitSurface, type SurfaceShape } from '../../../surfaces/policy-fit.js';
import type { Publication } from '../../artifacts/opener.js';
import { candidateOf } from '../../artifacts/opening.js';
import { takeGateStep } from '../gate-step.js';
import { labelOf, type CheckpointMeta, type GateAnswer, type GateProgress, type GateStep } from '../trainer.js';
import { decodeGateCheckpoint, encodeGateCheckpoint, GATE_KIND } from './checkpoint.js';

export interface GateSpec {
  readonly learner: string;
  readonly surface: string;
  readonly gate: GateSettings;
  /** What a candidate must fit; not looked at where it is left out. */
  readonly fits?: SurfaceShape;
}

/** What a learner hands in to be put on trial. */
export interface Proposal {
  readonly publication: Publication;
  readonly lineage: Pick<Artifact['lineage'], 'experiences' | 'sequence'>;
}

export interface GateStart {
  readonly progress: GateProgress;
  /** How far the evidence goes. */
  readonly cursor: string | null;
}

/** Where such a gate runs: one session at a time, the last that was begun. */
export interface GateRunner {
  /**
   * Begins a session, and is the end of the one before. Rejects as PromotionGate throws, and with Invariant `CHECKPOINT_*` for a
   * checkpoint that is none of this gate.
   */
  begin(spec: GateSpec, checkpoint: Uint8Array | undefined): Promise<RunningGate>;
  /** Idempotent. */
  stop(): Promise<void>;
}

/** A session. Calls reject with Invariant `LEARNER_STOPPED` once it is over. */
export interface RunningGate {
  readonly started: GateStart;
  /** It answers no more: what it held is in the last checkpoint, or in the stream behind that. */
  readonly isOver: boolean;
  /** Held-out experiences in stream order. */
  judge(experiences: readonly Experience[]): Promise<GateProgress>;
  /** See Gated; a step `propose` brings what is proposed. */
  gate(step: GateStep, proposal?: Proposal): Promise<GateAnswer<GateProgress>>;
  save(meta: CheckpointMeta, cursor: string | null): Promise<Uint8Array>;
  end(): void;
}

export class GateSession {
  readonly #spec: GateSpec;
  readonly #gate: PromotionGate;
  readonly #cursor: string | null;

  constructor(spec: GateSpec, checkpoint: Uint8Array | undefined) {
    const { learner, surface, gate } = spec;
    const saved = checkpoint === undefined ? undefined : decodeGateCheckpoint(checkpoint, learner, surface);
    this.#spec = spec;
    this.#gate = new PromotionGate(gate, learner, LEARNED_FAMILIES, saved?.gate);
    this.#cursor = saved?.cursor ?? null;
  }

  get started(): GateStart {
    return { progress: this.#progress, cursor: this.#cursor };
  }

  judge(experiences: readonly Experience[]): GateProgress {
    for (const experience of experiences) this.#gate.judge(experience);
    return this.#progress;
  }

  gate(step: GateStep, proposal?: Proposal): GateAnswer<GateProgress> {
    const { fits, learner } = this.#spec;
    const after = takeGateStep(this.#gate, step, (meta) => {
      const { publication, lineage } = proposal!;
      return candidateOf(publication, labelOf(meta, learner, lineage), fits && fitSurface(fits));
    });
    return { progress: this.#progress, ...after };
  }

  save({ v, epoch, savedAtMs }: CheckpointMeta, cursor: string | null): Uint8Array {
    const { learner, surface } = this.#spec;
    const gate = this.#gate.save();
    return encodeGateCheckpoint({ v, learner, kind: GATE_KIND, surface, epoch, savedAtMs, cursor, gate });
  }

  get #progress(): GateProgress {
    return { gate: this.#gate.view() };
  }
}
