/**
 * Carries out what a learner's gate says. Verdicts follow from the stream alone, so after a crash the same verdict is
 * reached again from the checkpoint, and each of these steps does nothing the second time: record the verdict, make the
 * promoted artifact live, settle, checkpoint.
 */
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import type { GateSettings } from '../../learners/promotion/index.js';
import type { GateVerdict } from '../../messages/gate-verdict.js';
import type { ArtifactStore } from '../../policies/registry/artifact-store.js';
import type { Gated, GateProgress, SessionProgress } from './trainer.js';
import type { VerdictStore } from './verdict-store.js';

export interface GateKeeperOptions {
  readonly policy: string;
  readonly anchor: GateSettings['anchor'];
  readonly epoch: number;
  readonly artifacts: ArtifactStore;
  readonly verdicts: VerdictStore;
  readonly clock: Clock;
}

/** A promotion or rejection that waits to be carried out. */
export function pendingVerdict({ gate }: GateProgress): GateVerdict | undefined {
  const current = gate?.current;
  return current && current.outcome !== 'undecided' ? current : undefined;
}

export class GateKeeper<Progress extends GateProgress = SessionProgress> {
  readonly #options: GateKeeperOptions;

  constructor(options: GateKeeperOptions) {
    this.#options = options;
  }

  /** Tells the gate what is live, where that is not what it made live itself. Rejects with NotFound `ARTIFACT_MISSING`. */
  async align(trainer: Gated<Progress>, progress: Progress): Promise<Progress> {
    const { artifacts, verdicts, policy, epoch } = this.#options;
    const entry = await artifacts.entry(policy);
    if (entry === undefined || entry.version === progress.gate?.alias.champion) return progress;
    const { challenger } = await trainer.gate({ step: 'look' });
    // A promotion that was cut off after it had gone live: its verdict comes again, or is pending.
    if (challenger?.checksum === entry.checksum) return progress;
    const artifact = await this.#stored(policy, entry.version);
    const after = (await trainer.gate({ step: 'adopt', artifact })).progress;
    const settled = after.gate?.settled;
    if (settled && settled.candidate !== progress.gate?.settled?.candidate) await verdicts.record(settled, epoch);
    return after;
  }

  /** Puts what was learned on trial, against what is live now. Rejects with NotFound `ARTIFACT_MISSING`. */
  async propose(trainer: Gated<Progress>, before: Progress): Promise<Progress> {
    const { policy: policyId, clock } = this.#options;
    const progress = await this.align(trainer, before);
    await this.#anchor(trainer, progress);
    return (await trainer.gate({ step: 'propose', policyId, createdAtMs: clock.nowMs() })).progress;
  }

  /** The gate keeps its anchor's artifact, so that it need be stored only when it is first taken. */
  async #anchor(trainer: Gated<Progress>, { gate }: Progress): Promise<void> {
    const { anchor } = this.#options;
    if (anchor === 'first' || (gate?.anchor?.id === anchor.policy && gate.anchor.version === anchor.version)) return;
    await trainer.gate({ step: 'anchor', artifact: await this.#stored(anchor.policy, anchor.version) });
  }

  async #stored(policy: string, version: number): Promise<Uint8Array> {
    const artifact = await this.#options.artifacts.load(policy, version);
    if (artifact !== undefined) return artifact;
    throw new EngineError('NotFound', 'ARTIFACT_MISSING', `Version ${version} of ${policy} is not stored.`);
  }

  /** Carries out the pending verdict. It falls away where somebody else has changed what is live. */
  async settle(trainer: Gated<Progress>, before: Progress): Promise<Progress> {
    const { artifacts, verdicts, policy, epoch } = this.#options;
    const progress = await this.align(trainer, before);
    const verdict = pendingVerdict(progress);
    if (verdict === undefined) return progress;
    await verdicts.record(verdict, epoch);
    if (verdict.outcome === 'promoted') {
      const artifact = (await trainer.gate({ step: 'fetch' })).artifact!;
      const entry = await artifacts.entry(policy);
      if (entry?.checksum !== artifact.head.checksum) await artifacts.publish(artifact, epoch);
    }
    // Where an operator holds the policy, what is live is still what it was.
    return await this.align(trainer, (await trainer.gate({ step: 'settle' })).progress);
  }
}
