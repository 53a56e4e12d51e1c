import { describe, expect, it } from '@jest/globals';
import { EVEN, heldOut, IDS, valueOf } from '../../../test/support/promotion-fixtures.js';
import { EProcess } from '../evaluation/anytime/index.js';
import { Comparison, savedComparisonSchema } from './comparison.js';
import { pairedDifference, type PairedInput } from './paired-difference.js';
import { gateSettingsSchema } from './settings.js';

const GOOD = [0.05, 0.15, 0.8];
const BAD = [0.8, 0.15, 0.05];
const REF = { id: 'p', version: 1 };

/** What is logged by a policy that chooses evenly, rewards on the scale from 0 to 1. */
function* inputs(seed: number): Generator<PairedInput, never> {
  for (const { slate, reward } of heldOut(seed))
    yield { propensities: EVEN, chosen: IDS.indexOf(slate[0]!.id as 'a'), reward };
  throw new Error('held-out experiences have no end');
}

function compared(decisions: number, candidate: readonly number[], reference: readonly number[], part: object = {}) {
  const comparison = new Comparison(gateSettingsSchema.parse({ weightMax: 10, ...part }));
  const log = inputs(3);
  for (let n = 0; n < decisions; n++) comparison.add(log.next().value, candidate, reference);
  return comparison;
}

describe('a comparison', () => {
  it.each([
    ['better', GOOD, BAD],
    ['worse', BAD, GOOD],
    ['as good', EVEN, EVEN],
  ])('reports bounds in their order, the true difference between them, of what is %s', (_, candidate, reference) => {
    const truth = valueOf(candidate) - valueOf(reference);
    const comparison = new Comparison(gateSettingsSchema.parse({ weightMax: 10 }));
    const log = inputs(3);
    for (let n = 1; n <= 2_000; n++) {
      comparison.add(log.next().value, candidate, reference);
      if (n % 100 !== 0) continue;
      const { interval, difference } = comparison.report(REF);
      expect(interval[0]).toBeLessThanOrEqual(truth);
      expect(interval[1]).toBeGreaterThanOrEqual(truth);
      expect(interval[0]).toBeLessThan(interval[1]);
      expect(difference).toBeGreaterThanOrEqual(interval[0]);
      expect(difference).toBeLessThanOrEqual(interval[1]);
    }
    const { interval } = comparison.report(REF);
    if (truth > 0) expect(interval[0]).toBeGreaterThan(0);
    if (truth < 0) expect(interval[1]).toBeLessThan(0);
  });

  it('says the same of two policies whichever is called the candidate, but for the sign', () => {
    const forth = compared(500, GOOD, BAD).report(REF);
    const back = compared(500, BAD, GOOD).report(REF);
    expect(back.interval[0]).toBeCloseTo(-forth.interval[1], 12);
    expect(back.interval[1]).toBeCloseTo(-forth.interval[0], 12);
    expect(back.pWorse).toBeCloseTo(forth.pBetter, 12);
    expect(back.pBetter).toBeCloseTo(forth.pWorse, 12);
  });

  it('reports all its numbers in the unit of the reward', () => {
    const plain = compared(400, GOOD, EVEN).report(REF);
    const tenfold = compared(400, GOOD, EVEN, { reward: { min: -5, max: 5 } }).report(REF);
    expect(tenfold.difference).toBeCloseTo(10 * plain.difference!, 12);
    expect(tenfold.interval[0]).toBeCloseTo(10 * plain.interval[0], 12);
    expect(tenfold.interval[1]).toBeCloseTo(10 * plain.interval[1], 12);
    expect(tenfold.pBetter).toBe(plain.pBetter);
  });

  it('bets on either side by the difference that is cut to the disadvantage of that side', () => {
    // Weights up to 3 and a limit of 1.5: both ways are cut, so that one is not the other with its sign turned.
    const limits = { weight: 1.5, loss: 1 };
    const comparison = compared(300, GOOD, BAD, { weightMax: limits.weight, lossMax: limits.loss });
    const better = new EProcess(limits.loss + 1);
    const worse = new EProcess(limits.loss + 1);
    const log = inputs(3);
    let cut = 0;
    for (let n = 0; n < 300; n++) {
      const input = log.next().value;
      const gain = pairedDifference(input, GOOD, BAD, limits).value;
      const loss = pairedDifference(input, BAD, GOOD, limits).value;
      if (gain !== -loss) cut++;
      better.add(gain);
      worse.add(loss);
    }
    expect(cut).toBeGreaterThan(0);
    expect(comparison.better.save()).toEqual(better.save());
    expect(comparison.worse.save()).toEqual(worse.save());
  });

  it('resumed from what it saved goes on bit for bit, each part from its own', () => {
    const settings = gateSettingsSchema.parse({ weightMax: 10 });
    const whole = compared(200, GOOD, BAD);
    let resumed = new Comparison(settings);
    const log = inputs(3);
    for (let n = 0; n < 200; n++) {
      resumed.add(log.next().value, GOOD, BAD);
      resumed = new Comparison(settings, savedComparisonSchema.parse(JSON.parse(JSON.stringify(resumed.save()))));
    }
    expect(resumed.save()).toEqual(whole.save());
    expect(resumed.report(REF)).toEqual(whole.report(REF));
  });

  it('knows nothing before the first decision', () => {
    const { difference, interval, pBetter, pWorse } = compared(0, GOOD, BAD).report(REF);
    expect({ difference, interval, pBetter, pWorse }).toEqual({
      difference: null,
      interval: [-1, 1],
      pBetter: 1,
      pWorse: 1,
    });
  });
});
