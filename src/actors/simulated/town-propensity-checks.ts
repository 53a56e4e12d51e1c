/** Every logged propensity, computed again from the logged distribution. */
import type { DecisionBody } from '../../messages/decisions.js';
import { broken, type Violation } from './checks.js';
import { bodyOf, type TownReplay } from './town-records.js';

const TOLERANCE = 1e-9;
/** Where less of the base is left than this, the policy may have been asked again, which no log shows. */
const REMAINING_MIN = 1e-6;

export function checkPropensities(replays: readonly TownReplay[]): Violation[] {
  return replays
    .flatMap(({ records }) => records)
    .filter(({ cls }) => cls === 'decision')
    .flatMap((record) => {
      const body = bodyOf(record);
      const wrong = wrongDistribution(body) ?? wrongSlate(body);
      return wrong === undefined ? [] : [broken('propensities-exact', `${body.id}: ${wrong}`)];
    });
}

function wrongDistribution({ eligible, distribution, explorationFloor = 0 }: DecisionBody): string | undefined {
  if (distribution.length !== eligible.length)
    return `${distribution.length} probabilities for ${eligible.length} candidates`;
  if (distribution.length === 0) return undefined;
  const total = distribution.reduce((sum, p) => sum + p, 0);
  if (!(Math.abs(total - 1) <= TOLERANCE)) return `its distribution sums to ${total}`;
  const least = explorationFloor / distribution.length;
  const low = distribution.find((p) => !(p >= least - TOLERANCE));
  return low === undefined ? undefined : `a probability of ${low} under its floor of ${least}`;
}

/** (1 − floor)·b_i/Σ_S b + floor/|S| at each position, where b is the distribution without its floor. */
function wrongSlate({ slate, eligible, distribution, explorationFloor: floor = 0 }: DecisionBody): string | undefined {
  const base = distribution.map((p) => p - floor / distribution.length);
  const left = new Set(eligible.keys());
  for (const [position, { id, propensity, forced }] of slate.entries()) {
    const at = eligible.indexOf(id);
    if (!left.has(at)) return `${id} at ${position} was not to be had any more`;
    const mass = [...left].reduce((sum, index) => sum + base[index]!, 0);
    if (mass < REMAINING_MIN) return undefined;
    const wanted = forced ? 1 : ((1 - floor) * base[at]!) / mass + floor / left.size;
    if (!(Math.abs(propensity - wanted) <= TOLERANCE)) return `${id} at ${position} has ${propensity}, not ${wanted}`;
    left.delete(at);
  }
  return undefined;
}
