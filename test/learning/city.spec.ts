/** The city is one that can be learned: the engine's own learners, in a loop with it, beat its baselines. */
import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../src/kernel/random.js';
import { loadPlugin, parseLearnerConfig } from '../../src/learners/plugin-registry.js';
import { CITY_CAMPAIGNS, OFFERS_BY_COST } from '../../src/simulator/campaigns.js';
import { City, type CityAsk } from '../../src/simulator/city.js';
import { DEMO_LEARNERS } from '../../src/cli/demo/settings.js';
import { experience } from '../support/learning.js';
import { drawFrom } from './draw.js';
import { candidatesOf, contextOf, policyFrom } from './closed-loop.js';

const BATCH = 100;
const STATE = 'all';

/** Mean expected reward of what was served and of the baseline, in the first and the last fifth of the run. */
async function learn(surface: 'rider.pickup' | 'promo.discount', steps: number, seed: number) {
  const { kind, config } = DEMO_LEARNERS.find((one) => one.surface === surface)!;
  const plugin = await loadPlugin(kind);
  const learner = plugin.create(parseLearnerConfig(plugin, config), { random: seededRandom(seed), surface });
  const city = new City({ seed, riders: 200, drivers: 5, consentShare: 1, h3Resolution: 8 });
  const random = seededRandom(seed + 1);
  const results: { served: number; baseline: number }[] = [];
  let policy = policyFrom(learner);
  let batch = [];
  while (results.length < steps) {
    const ask = city.step((results.length / 100) % 24);
    if (ask.surface !== surface) continue;
    const ids = idsOf(ask);
    const distribution = policy.distribution(contextOf(STATE), candidatesOf(ids));
    const index = drawFrom(distribution, random.next());
    const id = ids[index]!;
    const { reward, expected } = city.react(ask, [id]);
    results.push(expected!);
    const slate = [{ id, propensity: distribution[index]! }];
    batch.push(
      experience({ surface, slate, eligible: ids, distribution, reward, rewardedId: id, state: STATE, next: null }),
    );
    if (batch.length < BATCH) continue;
    await learner.update(batch, new AbortController().signal);
    policy = policyFrom(learner);
    batch = [];
  }
  const fifth = Math.floor(steps / 5);
  return { first: meansOf(results.slice(0, fifth)), last: meansOf(results.slice(-fifth)) };
}

const idsOf = (ask: CityAsk): string[] =>
  'candidates' in ask ? ask.candidates.map(({ id }) => id) : [...OFFERS_BY_COST];

function meansOf(results: readonly { served: number; baseline: number }[]) {
  const mean = (of: (one: { served: number; baseline: number }) => number): number =>
    results.reduce((sum, one) => sum + of(one), 0) / results.length;
  return { served: mean((one) => one.served), baseline: mean((one) => one.baseline) };
}

describe('the city', () => {
  it.each([1, 2])('teaches Thompson sampling better pickup points than the nearest (seed %i)', async (seed) => {
    const { first, last } = await learn('rider.pickup', 6_000, seed);
    expect(last.served).toBeGreaterThan(first.served);
    expect(last.served).toBeGreaterThan(last.baseline * 1.1);
  });

  it.each([1, 2])('teaches Q-learning better offers than the cheapest (seed %i)', async (seed) => {
    const { last } = await learn('promo.discount', 2_500, seed);
    expect(last.served).toBeGreaterThan(last.baseline * 2);
  });

  it('has budgets that pay for each of their offers', () => {
    for (const { definition } of CITY_CAMPAIGNS) {
      for (const { costCents } of definition.offers) expect(definition.budgetCents).toBeGreaterThan(costCents * 1000);
    }
  });
});
