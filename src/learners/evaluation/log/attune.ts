/** Attune's own log: an experience a line, as on `attune.experience.<surface>`. */
import { isExcess, JSON_BOUNDS, parseBoundedText } from '../../../kernel/bounded-json.js';
import type { Experience } from '../../../messages/decisions.js';
import { earnedBy } from '../../credit.js';
import { parseExperience } from '../../experience-schema.js';
import { conditionalsOf } from '../conditionals.js';
import type { LineOutcome, LoggedAction, LoggedChoice, RewardRange } from '../logged.js';
import { checkedChoices, distributionOf, indexOf, malformed, propensityOf, rewardOf } from './checks.js';

/** A recomputed conditional that is further from the logged one was made otherwise, and is not taken for the logged one. */
const CONDITIONAL_TOLERANCE = 1e-6;

/**
 * Reads a line. Only complete experiences are evaluated; the others are skipped by their status. Throws InvalidRequest
 * `LOG_*` for what is wrong.
 */
export function readAttune(line: string, range: RewardRange): LineOutcome {
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
  const choices = choicesOf(experience, range);
  if (choices.length === 0) return { skipped: 'forced' };
  checkedChoices(actions, choices);
  return {
    decision: {
      kind: choices.length === 1 ? 'single' : 'list',
      id: experience.decisionId,
      context,
      actions,
      choices,
      reward: choices.reduce((total, choice) => total + choice.reward!, 0),
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

/** The positions that were sampled, each with the item it took listed first. */
function choicesOf(experience: Experience, range: RewardRange): LoggedChoice[] {
  const { slate, eligible } = experience;
  const base =
    experience.distribution.length === 0
      ? undefined
      : distributionOf(experience.distribution, eligible.length, 'distribution');
  const floor = experience.explorationFloor ?? 0;
  const placeOf = new Map(eligible.map((id, index) => [id, index]));
  const taken = new Set(slate.flatMap(({ id, forced }) => (forced && placeOf.has(id) ? [placeOf.get(id)!] : [])));
  // What a slate earned together depends on all of its choices, and so belongs to the last of them.
  const last = slate.findLast(({ forced }) => !forced)?.id;
  const earned = (id: string): number =>
    experience.credit === 'slate' ? (id === last ? experience.reward : 0) : (earnedBy(id, slate, experience) ?? 0);
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
      reward: rewardOf(earned(id), range, `credits.${id}`),
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
