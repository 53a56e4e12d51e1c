/** Attune's own log: an experience a line, as on `attune.experience.<surface>`. */
import { isExcess, JSON_BOUNDS, parseBoundedText } from '../../../kernel/bounded-json.js';
import type { Experience } from '../../../messages/decisions.js';
import type { Combine } from '../../../messages/rewards.js';
import { parseExperience } from '../../experience-schema.js';
import { conditionalsOf } from '../conditionals.js';
import type { LineOutcome, LoggedAction, LoggedChoice, RewardRange } from '../logged.js';
import { isSame, slateRewards } from './slate-rewards.js';
import { checkedChoices, distributionOf, indexOf, malformed, propensityOf, rewardOf } from './checks.js';

/** A recomputed conditional that is further from the logged one was made otherwise, and is not taken for the logged one. */
const CONDITIONAL_TOLERANCE = 1e-6;

/**
 * Reads a line. Only complete experiences are evaluated; the others are skipped by their status. `combine` is the rule that
 * the surface combines signals by, where it is known. Throws InvalidRequest `LOG_*` for what is wrong.
 */
export function readAttune(line: string, range: RewardRange, combine?: Combine): LineOutcome {
  let body: unknown;
  try {
    body = parseBoundedText(line, JSON_BOUNDS.logLine);
  } catch (error) {
    if (isExcess(error)) throw error;
    throw malformed('The line is not JSON.');
  }
  namePropensity(body);
  const experience = parseExperience(body);
  if (experience === undefined) throw malformed('The line is not an experience.');
  if (experience.ending === 'withdrawn') return { skipped: 'withdrawn' };
  if (experience.status !== 'complete') return { skipped: experience.status };

  const { eligible, context, features, reward, subject, state, observation } = experience;
  const actions = eligible.map((id): LoggedAction => ({ id, features: features[id] ?? {} }));
  rewardOf(reward, range, 'reward');
  const choices = choicesOf(experience, range, combine);
  if (choices.length === 0) return { skipped: 'forced' };
  checkedChoices(actions, choices);
  return {
    decision: {
      kind: choices.length === 1 ? 'single' : 'list',
      id: experience.decisionId,
      context,
      actions,
      choices,
      reward: rewardOf(totalOf(choices, reward), range, 'reward'),
      weight: 1,
      asked: {
        surface: experience.surface,
        atMs: typeof experience.decidedAtMs === 'number' ? experience.decidedAtMs : 0,
        subject: subject ?? {},
        ...(state === undefined ? {} : { state }),
        ...(observation === undefined ? {} : { observation }),
      },
    },
  };
}

/** What was sampled earned together: the decision's reward as it was logged, but for rounding and what pinned items earned. */
function totalOf(choices: readonly LoggedChoice[], logged: number): number {
  const total = choices.reduce((sum, choice) => sum + choice.reward!, 0);
  return isSame(total, logged) ? logged : total;
}

/** The positions that were sampled, each with the item it took listed first. */
function choicesOf(experience: Experience, range: RewardRange, combine: Combine | undefined): LoggedChoice[] {
  const { slate, eligible } = experience;
  const base =
    experience.distribution.length === 0
      ? undefined
      : distributionOf(experience.distribution, eligible.length, 'distribution');
  const floor = experience.explorationFloor ?? 0;
  const placeOf = new Map(eligible.map((id, index) => [id, index]));
  const taken = new Set(slate.flatMap(({ id, forced }) => (forced && placeOf.has(id) ? [placeOf.get(id)!] : [])));
  for (const { id, reward } of experience.credits ?? []) rewardOf(reward, range, `credits.${id}`);
  const rewards = slateRewards(experience, combine);
  const choices: LoggedChoice[] = [];
  for (const [position, { id, propensity: logged, forced }] of slate.entries()) {
    if (forced) continue;
    const action = indexOf(placeOf.get(id), eligible.length, `slate[${position}].id`);
    const propensity = propensityOf(logged, `slate[${position}].propensity`);
    const remaining = eligible.map((_, i) => i).filter((i) => !taken.has(i));
    // What was chosen twice is no longer among the remaining.
    indexOf(remaining.indexOf(action), remaining.length, `slate[${position}].id`);
    const given = base === undefined ? undefined : conditionalsOf(base, floor, remaining);
    const others = remaining.filter((i) => i !== action);
    const agrees =
      given !== undefined && Math.abs(given[remaining.indexOf(action)]! - propensity) <= CONDITIONAL_TOLERANCE;
    choices.push({
      position,
      action,
      propensity,
      eligible: [action, ...others],
      reward: rewards.get(id)!,
      ...(agrees ? { distribution: [propensity, ...others.map((i) => given[remaining.indexOf(i)]!)] } : {}),
    });
    taken.add(action);
  }
  return choices;
}

/** A missing propensity has an error of its own, ahead of the schema's. */
function namePropensity(body: unknown): void {
  const slate = (body as { slate?: unknown } | null)?.slate;
  if (!Array.isArray(slate)) return;
  for (const [k, item] of slate.entries()) {
    const { forced, propensity } = (item ?? {}) as { forced?: unknown; propensity?: unknown };
    if (forced !== true) propensityOf(propensity, `slate[${k}].propensity`);
  }
}
