/** Reward models that never predict a decision they were fitted on (Chernozhukov et al. 2018). */
import type { LoggedChoice, LoggedDecision } from '../logged.js';
import { Column } from '../rounds.js';
import { Encoder, NO_ROW, type SparseRow } from './encoder.js';
import { fitRewardModel, type RewardModel, type RewardModelKind } from './fit.js';
import { SparseRows } from './sparse-rows.js';

/** `auto`: logistic where all rewards are 0 or 1, ridge otherwise. */
export type RewardModelChoice = RewardModelKind | 'auto' | 'none';

export class CrossFit {
  kind: RewardModelKind = 'ridge';
  readonly #choice: RewardModelChoice;
  readonly #folds: number;
  readonly #encoder = new Encoder();
  readonly #rows = new SparseRows();
  readonly #rewards = new Column();
  readonly #weights = new Column();
  readonly #foldOf = new Column();
  #binary = true;
  #withoutDistribution = 0;
  #context: SparseRow = NO_ROW;
  #decision: LoggedDecision | undefined;
  #models: readonly RewardModel[] = [];

  constructor(choice: RewardModelChoice, folds: number) {
    this.#choice = choice;
    this.#folds = folds;
  }

  /** The decision whose choices are added next. */
  begin(decision: LoggedDecision): void {
    this.#decision = decision;
    if (this.#choice !== 'none') this.#context = this.#encoder.context(decision.context, decision.asked?.subject ?? {});
  }

  add({ position, action }: LoggedChoice, reward: number, fold: number, weight: number, known: boolean): void {
    if (!known) this.#withoutDistribution++;
    if (this.#choice === 'none' || Number.isNaN(reward)) return;
    const chosen = this.#encoder.action(this.#decision!.actions[action]!);
    this.#rows.push([this.#context, this.#encoder.position(position), chosen]);
    this.#rewards.push(reward);
    this.#weights.push(weight);
    this.#foldOf.push(fold);
    if (reward !== 0 && reward !== 1) this.#binary = false;
  }

  /** Fits a model for each fold, on the others. Gives the reason where there can be none. */
  fit(): string | undefined {
    if (this.#choice === 'none') return 'no reward model was asked for';
    if (this.#withoutDistribution > 0) return 'the policy’s distribution over all actions is not known';
    if (this.#choice === 'logistic' && !this.#binary) return 'a logistic model takes rewards of 0 and 1 only';
    this.kind = this.#choice === 'auto' ? (this.#binary ? 'logistic' : 'ridge') : this.#choice;
    this.#encoder.frozen = true;
    const models: RewardModel[] = [];
    for (let fold = 0; fold < this.#folds; fold++) {
      const foldOf = this.#foldOf.values;
      const model = fitRewardModel(this.kind, {
        rows: this.#rows,
        columns: this.#encoder.columns,
        rewards: this.#rewards.values,
        weights: this.#weights.values,
        includes: (row) => foldOf[row] !== fold,
      });
      if (model === undefined) return 'the reward model could not be fitted';
      models.push(model);
    }
    this.#models = models;
    return undefined;
  }

  /** Predictions for a decision of the given fold: by position, then by index of action. */
  predictor(decision: LoggedDecision, fold: number): (position: number) => (action: number) => number {
    const model = this.#models[fold]!;
    const context = model.share(this.#encoder.context(decision.context, decision.asked?.subject ?? {}));
    const shares = new Map<number, number>();
    const shareOf = (action: number): number => {
      let share = shares.get(action);
      if (share === undefined)
        shares.set(action, (share = model.share(this.#encoder.action(decision.actions[action]!))));
      return share;
    };
    return (position) => {
      const base = context + model.share(this.#encoder.position(position));
      return (action) => model.reward(base + shareOf(action));
    };
  }
}
