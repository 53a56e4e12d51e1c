/** A log, weighed by a target policy: what estimators add up, in numbers only. */

/** A numeric column that grows. */
export class Column {
  #values = new Float64Array(256);
  #used = 0;

  push(value: number): void {
    if (this.#used === this.#values.length) {
      const grown = new Float64Array(this.#used * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#used++] = value;
  }

  get length(): number {
    return this.#used;
  }

  /** As of now; later pushes may not show in it. */
  get values(): Float64Array {
    return this.#values.subarray(0, this.#used);
  }
}

/** Decisions in order, and their choices behind one another. */
export interface Rounds {
  readonly decisions: number;
  /** The largest position of a choice that was used, plus 1. */
  readonly positions: number;
  /** By decision: how many it stands for. */
  readonly stands: Float64Array;
  /** By decision: its whole reward. */
  readonly total: Float64Array;
  /** By decision: where its choices end; they begin where the ones before end. */
  readonly ends: Float64Array;
  /** By choice: target's over logged probability. */
  readonly weight: Float64Array;
  /** By choice: its own reward; NaN where only the whole has one. */
  readonly reward: Float64Array;
  readonly position: Float64Array;
  /** By choice: the reward model's prediction for what was chosen, and its mean under the target; absent with no model. */
  readonly model?: { readonly chosen: Float64Array; readonly value: Float64Array };
}

export const firstChoice = (rounds: Rounds, decision: number): number =>
  decision === 0 ? 0 : rounds.ends[decision - 1]!;
