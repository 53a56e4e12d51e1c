/** Reads a log twice: once to weigh it and to fit the reward model, once more to ask the model of every action. */
import { invalidRequest } from '../../kernel/errors.js';
import { seededRandom } from '../../kernel/random.js';
import type { LoggedChoice, LoggedDecision } from './logged.js';
import { CrossFit, type RewardModelChoice } from './reward-model/cross-fit.js';
import { Column, type Rounds } from './rounds.js';
import type { TargetChoice, TargetPolicy } from './target.js';

/** What is kept of a log is numbers, some 200 bytes a choice; more choices than these are refused. */
export const CHOICES_TOTAL_MAX = 5_000_000;

export interface WeighOptions {
  readonly target: TargetPolicy;
  /** Only choices at this position, from 0. */
  readonly position?: number;
  readonly model: RewardModelChoice;
  /** Parts the log is cut into: each is predicted by a model that did not see it. */
  readonly folds: number;
  readonly seed: number;
  /** Told after each decision: 0 while weighing, 1 while predicting. */
  readonly progress?: (pass: 0 | 1) => void;
}

export interface WeighedLog {
  readonly rounds: Rounds;
  /** Which model was fitted; why none, where there is none. */
  readonly model: { readonly kind: string } | { readonly missing: string };
  /** Decisions without a choice at the asked-for position. */
  readonly without: number;
  /** Share of the target's probability on actions that the log gave none; undefined where no distribution was logged. */
  readonly unsupported: number | undefined;
  /** Share of the target's probability on actions never chosen in the log; undefined without a model. */
  readonly unseen: number | undefined;
  /** Share of choices of which the target knew nothing. */
  readonly guessed: number;
}

type Read = () => AsyncIterable<LoggedDecision> | Iterable<LoggedDecision>;

/** `read` must give the same decisions both times. Throws InvalidRequest `LOG_EMPTY`, `LOG_TOO_LARGE`, `LOG_MIXED`. */
export async function weighLog(read: Read, options: WeighOptions): Promise<WeighedLog> {
  const columns = {
    stands: new Column(),
    total: new Column(),
    ends: new Column(),
    weight: new Column(),
    reward: new Column(),
    position: new Column(),
  };
  const fit = new CrossFit(options.model, options.folds);
  const random = seededRandom(options.seed);
  const seen = new Set<string>();
  let [positions, without, choices, guessed] = [0, 0, 0, 0];
  let [withReward, wholeOnly] = [false, false];
  const support = new Share();
  for await (const decision of read()) {
    const used = usedOf(decision, options.position);
    // Drawn for every decision, so that a fold does not depend on what is filtered.
    const fold = Math.floor(random.next() * options.folds);
    options.progress?.(0);
    if (used.length === 0) {
      without++;
      continue;
    }
    if ((choices += used.length) > CHOICES_TOTAL_MAX)
      throw invalidRequest('LOG_TOO_LARGE', `A log may have ${CHOICES_TOTAL_MAX} choices.`, 'log');
    const targets = targetOf(options, decision);
    fit.begin(decision);
    for (const [at, { choice, index }] of used.entries()) {
      const target = targets[index]!;
      positions = Math.max(positions, choice.position + 1);
      if (target.guessed === true) guessed++;
      columns.weight.push(target.chosen / choice.propensity);
      columns.reward.push(choice.reward ?? NaN);
      columns.position.push(choice.position);
      if (choice.reward === undefined) wholeOnly = true;
      else withReward = true;
      seen.add(decision.actions[choice.action]!.id);
      support.addUnsupported(choice, target);
      fit.add(choice, rewardToGo(used, at), fold, decision.weight, target.distribution !== undefined);
    }
    columns.stands.push(decision.weight);
    columns.total.push(options.position === undefined ? decision.reward : (used[0]!.choice.reward ?? decision.reward));
    columns.ends.push(columns.weight.length);
  }
  const decisions = columns.stands.length;
  if (decisions === 0) throw invalidRequest('LOG_EMPTY', 'The log has no decision that can be evaluated.', 'log');
  if (withReward && wholeOnly)
    throw invalidRequest(
      'LOG_MIXED',
      'Some decisions have a reward for each position and some only a whole one.',
      'log',
    );
  const { stands, total, ends, weight, reward, position } = columns;
  const base = {
    decisions,
    positions,
    stands: stands.values,
    total: total.values,
    ends: ends.values,
    weight: weight.values,
    reward: reward.values,
    position: position.values,
  };
  const missing = wholeOnly ? 'rewards are of whole slates only' : fit.fit();
  const predicted = missing === undefined ? await predict(read, options, fit, seen) : undefined;
  const shares = { without, unsupported: support.share, guessed: guessed / choices };
  if (predicted === undefined) return { rounds: base, model: { missing: missing! }, unseen: undefined, ...shares };
  return {
    rounds: { ...base, model: { chosen: predicted.chosen, value: predicted.value } },
    model: { kind: fit.kind },
    unseen: predicted.unseen,
    ...shares,
  };
}

async function predict(
  read: Read,
  options: WeighOptions,
  fit: CrossFit,
  seen: ReadonlySet<string>,
): Promise<{ chosen: Float64Array; value: Float64Array; unseen: number | undefined }> {
  const [chosen, value] = [new Column(), new Column()];
  const random = seededRandom(options.seed);
  const unseen = new Share();
  for await (const decision of read()) {
    const used = usedOf(decision, options.position);
    const fold = Math.floor(random.next() * options.folds);
    options.progress?.(1);
    if (used.length === 0) continue;
    const targets = targetOf(options, decision);
    const predictor = fit.predictor(decision, fold);
    for (const { choice, index } of used) {
      const distribution = targets[index]!.distribution!;
      const predictAt = predictor(choice.position);
      let mean = 0;
      choice.eligible.forEach((action, i) => {
        const p = distribution[i]!;
        if (p > 0) mean += p * predictAt(action);
        unseen.add(p, !seen.has(decision.actions[action]!.id));
      });
      chosen.push(predictAt(choice.action));
      value.push(mean);
    }
  }
  return { chosen: chosen.values, value: value.values, unseen: unseen.share };
}

interface Used {
  readonly choice: LoggedChoice;
  /** Among the decision's choices. */
  readonly index: number;
}

function usedOf({ choices }: LoggedDecision, position: number | undefined): readonly Used[] {
  const used = choices.map((choice, index) => ({ choice, index }));
  return position === undefined ? used : used.filter(({ choice }) => choice.position === position);
}

/** What is still to come from a choice on, itself included: what a reward model of slates learns. */
function rewardToGo(used: readonly Used[], at: number): number {
  let sum = 0;
  for (let k = at; k < used.length; k++) sum += used[k]!.choice.reward ?? NaN;
  return sum;
}

function targetOf({ target }: WeighOptions, decision: LoggedDecision): readonly TargetChoice[] {
  const targets = target.of(decision);
  for (const { chosen } of targets)
    if (!(chosen >= 0 && chosen <= 1 + 1e-6))
      throw invalidRequest('TARGET_PROBABILITY', `Policy ${target.name} gave the probability ${chosen}.`, 'policy');
  return targets;
}

/** A share of probability. */
class Share {
  #all = 0;
  #part = 0;

  get share(): number | undefined {
    return this.#all === 0 ? undefined : this.#part / this.#all;
  }

  add(p: number, counts: boolean): void {
    this.#all += p;
    if (counts) this.#part += p;
  }

  addUnsupported({ distribution }: LoggedChoice, target: TargetChoice): void {
    if (distribution === undefined || target.distribution === undefined) return;
    target.distribution.forEach((p, i) => this.add(p, distribution[i] === 0));
  }
}
