import { createHash } from 'node:crypto';

/**
 * Which decisions a learner never learns from: the same ones for ever, whoever asks, and `share` of all in the long run.
 * By the SHA-256 of the learner's id and the decision's, so that nothing else that is drawn by decision goes with it.
 */
export class HeldOutSplit {
  readonly #learner: string;
  readonly #below: number;

  /** `share` in [0, 1]. */
  constructor(learner: string, share: number) {
    this.#learner = learner;
    this.#below = share * 2 ** 32;
  }

  has(decisionId: string): boolean {
    const digest = createHash('sha256').update(`held-out\0${this.#learner}\0${decisionId}`).digest();
    return digest.readUInt32LE(0) < this.#below;
  }
}
