/** What a decision earned, and what each choice of its slate added: by the rule that its surface combines signals by. */
import { invalidRequest, type EngineError } from '../../../kernel/errors.js';
import type { Credits, Experience } from '../../../messages/decisions.js';
import { combineRewards, type Combine } from '../../../messages/rewards.js';
import { earnedBy } from '../../credit.js';

/** Sums of the same numbers in another order differ by so much of them. */
const ROUNDING = 1e-9;

export const isSame = (a: number, b: number): boolean =>
  Math.abs(a - b) <= ROUNDING * Math.max(1, Math.abs(a), Math.abs(b));

/**
 * By item that was sampled, in the slate's order: what the slate earned with it and those above, less what it earned with
 * those above alone. Together that is the decision's reward, but for what pinned items earned. What a slate earned together
 * falls to its last choice. The log does not say the rule: where it is not given, that is taken which explains the line.
 * Throws InvalidRequest `LOG_CONTRADICTION` where none does.
 */
export function slateRewards(experience: Experience, given: Combine | undefined): ReadonlyMap<string, number> {
  const { slate, reward, rewardedId, credits, credit } = experience;
  checkNamed(experience);
  const chosen = slate.filter(({ forced }) => !forced).map(({ id }) => id);
  if (credit === 'slate') {
    const other = credits?.find((one) => !isSame(one.reward, reward));
    if (other) throw contradiction(`credits.${other.id}`, `${other.reward}, and the slate earned ${reward} together`);
    return new Map(chosen.map((id, at) => [id, at === chosen.length - 1 ? reward : 0]));
  }
  if (credits === undefined) return new Map(chosen.map((id) => [id, earnedBy(id, slate, experience) ?? 0]));
  const combine = ruleOf(credits, experience, given);
  if (combine === 'last') return new Map(chosen.map((id) => [id, id === rewardedId ? reward : 0]));
  return added(chosen, credits, reward, combine);
}

function added(chosen: readonly string[], credits: Credits, reward: number, combine: Combine): Map<string, number> {
  const isAll = credits.every(({ id }) => chosen.includes(id));
  const isCut = sumOf(credits) > reward;
  const rewards = new Map<string, number>();
  let before = 0;
  let soFar: number | null = null;
  for (const [at, id] of chosen.entries()) {
    const own = credits.find((one) => one.id === id)?.reward;
    if (own !== undefined) soFar = combineRewards(soFar, own, combine);
    // A sum is cut at the bounds of what the surface pays, its parts as well.
    const bounded = isCut ? Math.min(soFar ?? 0, reward) : (soFar ?? 0);
    const now = isAll && at === chosen.length - 1 ? reward : bounded;
    rewards.set(id, now - before);
    before = now;
  }
  return rewards;
}

function ruleOf(credits: Credits, { reward, rewardedId }: Experience, given: Combine | undefined): Combine {
  const all = credits.map((one) => one.reward);
  const [least, most, sum] = [Math.min(...all), Math.max(...all), sumOf(credits)];
  const ofRewarded = credits.find(({ id }) => id === rewardedId)?.reward;
  const isSum = isSame(reward, sum);
  // Items are kept within what the surface pays, each for itself, and then the whole is.
  const isCutSum =
    (reward >= least && reward <= most) || (reward > most && reward <= sum) || (reward < least && reward >= sum);
  const explains: Readonly<Record<Combine, boolean>> = {
    max: isSame(reward, most),
    sum: isSum || isCutSum,
    last: ofRewarded !== undefined && isSame(reward, ofRewarded),
  };
  if (given !== undefined) {
    if (explains[given]) return given;
    throw contradiction('reward', `${reward}, and the credits ${all.join(', ')} do not combine to it by '${given}'`);
  }
  if (isSum) return 'sum';
  const rule = (['max', 'last', 'sum'] as const).find((one) => explains[one]);
  if (rule !== undefined) return rule;
  throw contradiction('reward', `${reward}, and the credits ${all.join(', ')} combine to it in no way`);
}

/** What was credited stands in the slate, each item once. */
function checkNamed({ slate, credits = [] }: Experience): void {
  const has = (id: string): boolean => slate.some((item) => item.id === id);
  const stranger = credits.find(({ id }, at) => !has(id) || credits.findIndex((one) => one.id === id) !== at);
  if (stranger !== undefined)
    throw contradiction(`credits.${stranger.id}`, `'${stranger.id}' is not in the slate, or is credited twice`);
}

const sumOf = (credits: Credits): number => credits.reduce((sum, { reward }) => sum + reward, 0);

const contradiction = (field: string, what: string): EngineError =>
  invalidRequest('LOG_CONTRADICTION', `${field}: ${what}.`, field);
