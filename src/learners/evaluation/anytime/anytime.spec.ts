import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { seededRandom, type Random } from '../../../kernel/random.js';
import { ConfidenceSequence } from './confidence-sequence.js';
import { EProcess } from './e-process.js';

const ALPHA = 0.1;
/** 300 runs at a true rate of 0.1 exceed 47 with a chance below 0.001. */
const RUNS = 300;
const MISSES_MAX = 47;

const WORLDS: readonly [name: string, mean: number, draw: (random: Random) => number][] = [
  ['rare ones', 0.02, (random) => (random.next() < 0.02 ? 1 : 0)],
  ['fair coins', 0.5, (random) => (random.next() < 0.5 ? 1 : 0)],
  ['uniform', 0.5, (random) => random.next()],
  ['nearly constant', 0.705, (random) => 0.7 + 0.01 * random.next()],
];

describe('a confidence sequence', () => {
  it.each(WORLDS)('covers the mean at every look at once: %s', (_, mean, draw) => {
    const random = seededRandom(7);
    let misses = 0;
    for (let run = 0; run < RUNS; run++) {
      const sequence = new ConfidenceSequence({ alpha: ALPHA, min: 0, max: 1 });
      for (let n = 0; n < 300; n++) sequence.add(draw(random));
      // The intersection keeps every earlier miss.
      const [low, high] = sequence.interval;
      if (mean < low || mean > high) misses++;
    }
    expect(misses).toBeLessThanOrEqual(MISSES_MAX);
  });

  it('narrows as the variance allows, in the unit of the observations', () => {
    const random = seededRandom(3);
    const wide = new ConfidenceSequence({ alpha: 0.05, min: -10, max: 10 });
    const narrow = new ConfidenceSequence({ alpha: 0.05, min: -10, max: 10 });
    for (let n = 0; n < 5000; n++) {
      wide.add(20 * random.next() - 10);
      narrow.add(2 + 0.02 * random.next());
    }
    const width = ([low, high]: readonly [number, number]): number => high - low;
    expect(width(wide.interval)).toBeLessThan(1.5);
    expect(width(narrow.interval)).toBeLessThan(0.1);
    expect(narrow.mean).toBeCloseTo(2.01, 3);
  });

  /** Theorem 2 as it is printed, with the prior terms ½ and ¼ of its equation 14; rewritten from the start at each look. */
  function printed(xs: readonly number[], alpha: number): { low: number; high: number; bets: number } {
    let [weighted, bets, penalty, low, high] = [0, 0, 0, 0, 1];
    const mean = (t: number): number => (0.5 + xs.slice(0, t).reduce((sum, x) => sum + x, 0)) / (t + 1);
    for (let t = 1; t <= xs.length; t++) {
      let squares = 0.25;
      for (let i = 1; i < t; i++) squares += (xs[i - 1]! - mean(i)) ** 2;
      const variance = squares / t;
      const bet = Math.min(Math.sqrt((2 * Math.log(2 / alpha)) / (variance * t * Math.log(t + 1))), 0.5);
      bets += bet;
      weighted += bet * xs[t - 1]!;
      penalty += 4 * (xs[t - 1]! - mean(t - 1)) ** 2 * ((-Math.log(1 - bet) - bet) / 4);
      const radius = (Math.log(2 / alpha) + penalty) / bets;
      low = Math.max(low, weighted / bets - radius);
      high = Math.min(high, weighted / bets + radius);
    }
    return { low, high, bets };
  }

  it('is the one of its paper', () => {
    const random = seededRandom(23);
    for (const [, , draw] of WORLDS) {
      const sequence = new ConfidenceSequence({ alpha: ALPHA, min: 0, max: 1 });
      const xs: number[] = [];
      for (let n = 0; n < 120; n++) {
        xs.push(draw(random));
        sequence.add(xs.at(-1)!);
        const wanted = printed(xs, ALPHA);
        expect(sequence.save().bets).toBeCloseTo(wanted.bets, 9);
        expect(sequence.interval[0]).toBeCloseTo(wanted.low, 9);
        expect(sequence.interval[1]).toBeCloseTo(wanted.high, 9);
      }
    }
  });

  it('sizes no bet by what the bet is laid on', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }), (before) => {
        const after = [0, 0.5, 1].map((x) => {
          const sequence = new ConfidenceSequence({ alpha: ALPHA, min: 0, max: 1 });
          for (const earlier of before) sequence.add(earlier);
          sequence.add(x);
          return sequence.save().bets;
        });
        expect(new Set(after).size).toBe(1);
      }),
      { numRuns: 100, seed: 2 },
    );
  });

  it('one side costs less than two', () => {
    const lower = new ConfidenceSequence({ alpha: 0.05, min: 0, max: 1, side: 'lower' });
    const upper = new ConfidenceSequence({ alpha: 0.05, min: 0, max: 1, side: 'upper' });
    const both = new ConfidenceSequence({ alpha: 0.05, min: 0, max: 1 });
    for (let n = 0; n < 300; n++) for (const one of [lower, upper, both]) one.add(n % 2);
    expect(lower.interval[0]).toBeGreaterThan(both.interval[0]);
    expect(lower.interval[1]).toBe(1);
    expect(upper.interval[1]).toBeLessThan(both.interval[1]);
    expect(upper.interval[0]).toBe(0);
  });

  it('never widens, and goes on bit for bit from what was saved', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -3, max: 5, noNaN: true }), { maxLength: 60 }), fc.nat(60), (xs, cut) => {
        const options = { alpha: 0.05, min: -3, max: 5 };
        const whole = new ConfidenceSequence(options);
        let resumed = new ConfidenceSequence(options);
        xs.forEach((x, i) => {
          const [low, high] = whole.interval;
          whole.add(x);
          expect(whole.interval[0]).toBeGreaterThanOrEqual(low);
          expect(whole.interval[1]).toBeLessThanOrEqual(high);
          if (i === cut) resumed = new ConfidenceSequence(options, JSON.parse(JSON.stringify(resumed.save())));
          resumed.add(x);
        });
        expect(resumed.save()).toEqual(whole.save());
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it.each([
    ['CONFIDENCE_ALPHA', { alpha: 0, min: 0, max: 1 }],
    ['CONFIDENCE_ALPHA', { alpha: Number.NaN, min: 0, max: 1 }],
    ['CONFIDENCE_BOUNDS', { alpha: 0.1, min: 1, max: 1 }],
    ['CONFIDENCE_BOUNDS', { alpha: 0.1, min: 0, max: Infinity }],
  ])('says %s', (code, options) => {
    expect(() => new ConfidenceSequence(options)).toThrow(expect.objectContaining({ code }));
  });

  it.each([Number.NaN, -0.1, 1.1, Infinity])('refuses %s and stays as it was', (x) => {
    const sequence = new ConfidenceSequence({ alpha: 0.1, min: 0, max: 1 });
    const before = sequence.save();
    expect(() => sequence.add(x)).toThrow(expect.objectContaining({ code: 'OBSERVATION_RANGE' }));
    expect(sequence.save()).toEqual(before);
  });
});

describe('an e-process', () => {
  const coin =
    (up: number, gain: number) =>
    (random: Random): number =>
      random.next() < up ? gain : -1;

  it.each([
    ['fair, even', coin(0.5, 1)],
    ['fair, rare and large', coin(0.02, 49)],
    ['unfair', coin(0.4, 1)],
  ])('seldom ever rejects what is true: %s', (_, draw) => {
    const random = seededRandom(11);
    let rejected = 0;
    for (let run = 0; run < RUNS; run++) {
      const test = new EProcess(1);
      for (let n = 0; n < 300; n++) test.add(draw(random));
      if (test.rejects(ALPHA)) rejected++;
    }
    expect(rejected).toBeLessThanOrEqual(MISSES_MAX);
  });

  it('grows without bound on what is false, and its p-value only falls', () => {
    const random = seededRandom(5);
    const test = new EProcess(1);
    let p = 1;
    for (let n = 0; n < 4000; n++) {
      test.add(coin(0.6, 1)(random));
      expect(test.pValue).toBeLessThanOrEqual(p);
      p = test.pValue;
    }
    expect(test.rejects(1e-12)).toBe(true);
  });

  it('has rejected for good, whatever comes afterwards', () => {
    const test = new EProcess(1);
    for (let n = 0; n < 40; n++) test.add(1);
    expect(test.rejects(1e-6)).toBe(true);
    const { logMax } = test;
    for (let n = 0; n < 400; n++) test.add(-1);
    expect(test.logValue).toBeLessThan(Math.log(1e6));
    expect(test.logMax).toBe(logMax);
    expect(test.rejects(1e-6)).toBe(true);
    expect(test.pValue).toBeLessThan(1e-6);
  });

  it('is the mean capital of its accounts, and resumes bit for bit', () => {
    const xs = [0.5, -1, 2, -0.25, 0];
    const whole = new EProcess(2);
    let resumed = new EProcess(2);
    for (const x of xs) {
      whole.add(x);
      resumed.add(x);
      resumed = new EProcess(2, JSON.parse(JSON.stringify(resumed.save())));
    }
    const shares = Array.from({ length: 20 }, (_, j) => 0.95 * 2 ** -j);
    const capital = shares.map((share) => xs.reduce((wealth, x) => wealth * (1 + (share * x) / 2), 1));
    const mean = capital.reduce((sum, one) => sum + one, 0) / shares.length;
    expect(Math.exp(whole.logValue)).toBeCloseTo(mean, 12);
    expect(resumed.save()).toEqual(whole.save());
  });

  it.each([Number.NaN, -1.001, Infinity])('refuses %s', (x) => {
    expect(() => new EProcess(1).add(x)).toThrow(expect.objectContaining({ code: 'OBSERVATION_RANGE' }));
  });
  it.each([0, Number.NaN, Infinity])('refuses a largest loss of %s', (loss) => {
    expect(() => new EProcess(loss)).toThrow(expect.objectContaining({ code: 'E_PROCESS_LOSS' }));
  });
});
