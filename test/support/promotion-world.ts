/** Candidates of known worth before a real gate: how often the wrong ones pass, how soon the right ones do. */
import betaQuantile from '@stdlib/stats-base-dists-beta-quantile';
import { PromotionGate, type GateSettings } from '../../src/learners/promotion/index.js';
import { seededRandom } from '../../src/kernel/random.js';
import type { Experience } from '../../src/messages/decisions.js';
import { sealArtifact, type Artifact } from '../../src/policies/artifact.js';
import type { PolicyFamilies } from '../../src/policies/registry/policy-of.js';
import { experience } from './learning.js';

/** Exploration floor of the surface: what every policy is served with. */
const FLOOR = 0.2;
const ARMS = ['a', 'b', 'c', 'd', 'e'];

/** Chances of a reward of 1, by arm. The first two are worth the same. */
export interface World {
  readonly chances: readonly number[];
  readonly live: readonly number[];
  readonly anchor?: readonly number[];
}

/** A family that does the same always: what a policy is worth is then known exactly. */
const FAMILIES: PolicyFamilies = {
  fixed: ({ policy, parameters }) => ({
    ref: policy,
    distribution: (_, candidates) => {
      const raw = candidates.map(({ id }) => (parameters as number[])[ARMS.indexOf(id)] ?? 1);
      const total = raw.reduce((sum, x) => sum + x, 0);
      return raw.map((x) => x / total);
    },
    scores: (_, candidates) => candidates.map(() => 0),
    explain: () => [],
  }),
};

const served = (shares: readonly number[]): number[] => shares.map((p) => (1 - FLOOR) * p + FLOOR / shares.length);

/** The exact mean reward of a policy as it is served. */
export const worthOf = (shares: readonly number[], { chances }: World): number =>
  served(shares).reduce((sum, p, arm) => sum + p * chances[arm]!, 0);

function artifact(version: number, shares: readonly number[]): Artifact {
  const lineage = { learner: 'l', experiences: 0, sequence: 0, createdAtMs: 0 };
  return sealArtifact({ schema: 1, family: 'fixed', policy: { id: 'p', version }, parameters: shares, lineage });
}

export interface Lifetime {
  readonly promoted: number;
  /** Of each candidate, in order. */
  readonly verdicts: readonly { readonly outcome: string; readonly reason: string; readonly decisions: number }[];
}

/** One learner's gate, looked at after every decision of the live policy; each candidate after the verdict on the last. */
export function judgeAll(
  settings: GateSettings,
  world: World,
  candidates: readonly (readonly number[])[],
  seed: number,
): Lifetime {
  const random = seededRandom(seed);
  const gate = new PromotionGate(settings, 'l', FAMILIES);
  if (world.anchor) gate.adopt(artifact(1, world.anchor));
  gate.adopt(artifact(2, world.live));
  const propensities = served(world.live);
  const draw = (): Experience => {
    let left = random.next();
    let arm = 0;
    while (arm < ARMS.length - 1 && (left -= propensities[arm]!) >= 0) arm++;
    const id = ARMS[arm]!;
    const slate = [{ id, propensity: propensities[arm]! }];
    const reward = random.next() < world.chances[arm]! ? 1 : 0;
    const log = { slate, eligible: ARMS, distribution: propensities, explorationFloor: FLOOR };
    return experience({ decisionId: 'd', ...log, reward, rewardedId: id });
  };
  const verdicts: Lifetime['verdicts'][number][] = [];
  for (const candidate of candidates) {
    gate.propose(artifact(gate.nextVersion, candidate));
    while (gate.verdict === null) gate.judge(draw());
    verdicts.push(gate.verdict);
    // A wrong one that passes is counted, and the live policy stays what the world says.
    if (gate.verdict.outcome === 'promoted') break;
    gate.settle();
  }
  return { promoted: verdicts.filter(({ outcome }) => outcome === 'promoted').length, verdicts };
}

/** Upper end of the one-sided Clopper-Pearson interval for `count` of `total`, at 95 %. */
export const clopperPearsonUpper = (count: number, total: number): number =>
  count >= total ? 1 : betaQuantile(0.95, count + 1, total - count);

const CHANCES = [0.3, 0.3, 0.2, 0.1, 0.4];

/** Candidates that do something else than the live policy, and are worth exactly the same. */
export const EQUAL: { readonly world: World; readonly candidate: readonly number[] } = {
  world: { chances: CHANCES, live: [0.6, 0.1, 0.1, 0.1, 0.1] },
  candidate: [0.1, 0.6, 0.1, 0.1, 0.1],
};

/** A candidate that is worth `effect` more than the live one: probability moved from the worst arm to the best. */
export function betterBy(effect: number): { readonly world: World; readonly candidate: readonly number[] } {
  const live = [0.1, 0.1, 0.3, 0.4, 0.1];
  const moved = effect / ((1 - FLOOR) * (CHANCES[4]! - CHANCES[3]!));
  return {
    world: { chances: CHANCES, live },
    candidate: live.map((p, i) => (i === 3 ? p - moved : i === 4 ? p + moved : p)),
  };
}

/** The live policy is worse than the anchor, and the candidate is between them. */
export const RATCHET: { readonly world: World; readonly candidate: readonly number[] } = {
  world: { chances: CHANCES, live: [0, 0, 0, 1, 0], anchor: [0.1, 0.1, 0.1, 0.1, 0.6] },
  candidate: [0.2, 0.2, 0.2, 0.2, 0.2],
};
