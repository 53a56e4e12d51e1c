import { describe, expect, it } from '@jest/globals';
import { getResolution } from 'h3-js';
import { candidateSchema } from '../messages/decisions.js';
import { campaignDefinitionSchema } from '../messages/campaigns.js';
import { CITY_CAMPAIGNS, OFFERS_BY_COST, OFFER_ACCEPTANCE } from './campaigns.js';
import { City, type CityAsk, type CityOptions } from './city.js';
import { bestReward, READ_ON, slateReward } from './truth.js';
import { DEMAND_BY_HOUR, demandAt } from './zones.js';

const options: CityOptions = { seed: 7, riders: 200, drivers: 20, consentShare: 0.9, h3Resolution: 8 };

/** Lives through `steps` asks, each answered with what `slateFor` serves. */
function live(city: City, steps: number, slateFor: (ask: CityAsk) => string[]) {
  return Array.from({ length: steps }, (_, i) => {
    const ask = city.step((i / 20) % 24);
    return { ask, reaction: city.react(ask, slateFor(ask)) };
  });
}

const anything = (ask: CityAsk): string[] =>
  'candidates' in ask ? [ask.candidates[0]!.id] : ask.surface === 'promo.discount' ? [OFFERS_BY_COST[2]!] : [];

describe('City', () => {
  it('is the same for the same seed and answers, and another for another seed', () => {
    const lived = (seed: number) => JSON.stringify(live(new City({ ...options, seed }), 300, anything));
    expect(lived(7)).toBe(lived(7));
    expect(lived(7)).not.toBe(lived(8));
  });

  it('asks what the API takes', () => {
    for (const { ask } of live(new City(options), 300, anything)) {
      if (!('candidates' in ask)) continue;
      expect(ask.candidates.map((candidate) => candidateSchema.parse(candidate).id)).toHaveLength(6);
      expect(getResolution(ask.zone.cell)).toBe(8);
    }
    for (const { definition } of CITY_CAMPAIGNS) campaignDefinitionSchema.parse(definition);
    expect(Object.keys(OFFER_ACCEPTANCE).sort()).toEqual([...OFFERS_BY_COST].sort());
  });

  it('has people who consent, in about the share asked for', () => {
    const { riders } = new City({ ...options, riders: 2000 });
    const share = riders.filter(({ consents }) => consents).length / riders.length;
    expect(Math.abs(share - 0.9)).toBeLessThan(0.03);
  });

  it('reacts as its own truth has it: realised rewards meet the expected ones', () => {
    const lives = live(new City(options), 20_000, anything).filter(({ ask }) => ask.surface !== 'driver.heatmap');
    const expected = lives.reduce((sum, { reaction }) => sum + (reaction.expected?.served ?? 0), 0) / lives.length;
    const realised = lives.reduce((sum, { reaction }) => sum + reaction.reward, 0) / lives.length;
    // Five standard errors of a share over 18,000 trials.
    expect(Math.abs(expected - realised)).toBeLessThan(5 * Math.sqrt(0.25 / lives.length));
  });

  it('never serves better than best', () => {
    for (const { reaction } of live(new City(options), 2_000, anything)) {
      const { expected } = reaction;
      if (expected) expect(expected.best).toBeGreaterThanOrEqual(Math.max(expected.served, expected.baseline) - 1e-12);
    }
  });

  it('expects nothing of an empty slate of offers, and says nothing of it', () => {
    const city = new City(options);
    let ask = city.step(0);
    while (ask.surface !== 'promo.discount') ask = city.step(0);
    expect(city.react(ask, [])).toEqual({ events: [], reward: 0, expected: undefined });
  });

  it('measures against what was eligible', () => {
    const city = new City(options);
    let ask = city.step(0);
    while (ask.surface !== 'promo.discount') ask = city.step(0);
    const { segment } = ask.rider;
    const [cheapest, second] = OFFERS_BY_COST;
    const { expected } = city.react(ask, [second!], OFFERS_BY_COST.slice(2));
    expect(expected!.baseline).toBe(OFFER_ACCEPTANCE[cheapest!]![segment]);
    expect(expected!.served).toBe(OFFER_ACCEPTANCE[second!]![segment]);
    expect(expected!.best).toBe(Math.max(expected!.baseline, expected!.served));
  });

  it('moves its drivers along: none goes off duty who is not on, none comes on who is', () => {
    const city = new City(options);
    const onDuty = new Set<string>();
    const top = (ask: CityAsk): string[] => (ask.surface === 'driver.heatmap' ? [city.zones[3]!.cell] : anything(ask));
    let followed = 0;
    for (const { ask, reaction } of live(city, 5_000, top)) {
      if (ask.surface !== 'driver.heatmap') continue;
      for (const { type } of reaction.events) {
        if (type === 'driver.online') {
          expect(onDuty.has(ask.driver.id)).toBe(false);
          onDuty.add(ask.driver.id);
        } else if (type !== 'accept' && type !== 'reward') expect(onDuty.has(ask.driver.id)).toBe(true);
        if (type === 'driver.offline') onDuty.delete(ask.driver.id);
        if (type === 'accept') followed++;
      }
    }
    expect(followed).toBeGreaterThan(0);
  });
});

describe('demand', () => {
  it('has 24 hours for each rhythm', () => {
    for (const hours of Object.values(DEMAND_BY_HOUR)) expect(hours).toHaveLength(24);
    const [zone] = new City(options).zones;
    expect(demandAt(zone!, 23.9)).toBe(zone!.size * DEMAND_BY_HOUR[zone!.rhythm][23]!);
  });
});

describe('slateReward', () => {
  it('is the probability that a reader accepts anything', () => {
    expect(slateReward([])).toBe(0);
    expect(slateReward([0.5])).toBe(0.5);
    expect(slateReward([0.5, 0.2])).toBeCloseTo(0.5 + 0.5 * READ_ON * 0.2, 12);
    expect(bestReward([0.2, 0.5, 0.1], 2)).toBeCloseTo(slateReward([0.5, 0.2]), 12);
  });
});
