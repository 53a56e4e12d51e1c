import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ArmTable, savedTableSchema } from './arm-table.js';
import { epsilonGreedyConfigSchema } from '../epsilon-greedy/config.js';
import { statisticsEvidence } from './evidence.js';
import type { Statistics } from '../../policies/arms/statistics.js';

const configOf = (config: object) => epsilonGreedyConfigSchema.parse(config);
const tableOf = (config: object = {}) => new ArmTable(statisticsEvidence, configOf(config));

type Trial = readonly [id: string, outcome: number, segment?: string];
function teach(table: ArmTable<Statistics>, ...trials: Trial[]): ArmTable<Statistics> {
  for (const [id, outcome, segment] of trials) {
    table.begin();
    table.learn(id, outcome, segment);
  }
  return table;
}

describe('a table of arms', () => {
  it('keeps trials, mean and scatter', () => {
    const { arms } = teach(tableOf(), ['a', 1], ['a', 0], ['b', 0.5], ['a', 0.5]).levels();
    expect(arms['a']).toEqual([3, 0.5, 0.5].map((x) => expect.closeTo(x, 12)));
    expect(arms['b']).toEqual([1, 0.5, 0]);
  });

  it('forgets on each trial of an arm, and leaves others as they are', () => {
    const table = teach(tableOf({ forget: 0.5 }), ['a', 1], ['b', 1], ['b', 1], ['a', 0]);
    expect(table.levels().arms['a']).toEqual([1.5, 1 / 3, 1 / 3].map((x) => expect.closeTo(x, 12)));
    expect(table.levels().arms['b']![0]).toBe(1.5);
  });

  it('forgets with each experience, of every arm the same', () => {
    const config = { forget: 0.5, forgetPer: 'experience' };
    const table = teach(tableOf(config), ['a', 1], ['b', 1], ['b', 0], ['a', 0]);
    // a: one trial 3 experiences ago and one now; b: trials 2 and 1 ago.
    expect(table.levels().arms['a']![0]).toBeCloseTo(0.125 + 1, 12);
    expect(table.levels().arms['b']![0]).toBeCloseTo(0.25 + 0.5, 12);
    expect(table.levels().arms['b']![1]).toBeCloseTo(0.25 / 0.75, 12);
  });

  it('is what discounting every trial by its age would give', () => {
    const trial = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.double({ min: -10, max: 10, noNaN: true }));
    fc.assert(
      fc.property(fc.array(trial, { minLength: 1, maxLength: 60 }), (trials) => {
        const table = teach(tableOf({ forget: 0.1, forgetPer: 'experience' }), ...trials);
        for (const [id, [n, mean, m2]] of Object.entries(table.levels().arms)) {
          let [weight, sum] = [0, 0];
          const of = trials.map(([one, x], i) => [one === id ? 0.9 ** (trials.length - 1 - i) : 0, x] as const);
          for (const [w, x] of of) [weight, sum] = [weight + w, sum + w * x];
          const expected = sum / weight;
          const scatter = of.reduce((total, [w, x]) => total + w * (x - expected) ** 2, 0);
          expect(Math.abs(n - weight)).toBeLessThan(1e-9);
          expect(Math.abs(mean - expected)).toBeLessThan(1e-9);
          expect(Math.abs(m2 - scatter)).toBeLessThan(1e-7);
        }
      }),
    );
  });

  it('keeps segments beside the whole, and without them in the configuration only the whole', () => {
    const trials: Trial[] = [['a', 1, 'day'], ['a', 0, 'night'], ['a', 1]]; // prettier-ignore
    const levels = teach(tableOf({ segments: { priorWeight: 7 } }), ...trials).levels();
    expect(levels.arms['a']![0]).toBe(3);
    expect(levels.segments).toEqual({ priorWeight: 7, arms: { day: { a: [1, 1, 0] }, night: { a: [1, 0, 0] } } });
    expect(teach(tableOf(), ...trials).levels().segments).toBeUndefined();
  });

  it('bounds arms, segments and arms of a segment by forgetting what was not touched for longest', () => {
    const segments = { max: 2, armsMax: 2 };
    const table = teach(
      tableOf({ armsMax: 3, segments }),
      ['a', 1, 's1'],
      ['b', 1, 's1'],
      ['a', 1, 's1'],
      ['c', 1, 's1'],
      ['d', 1, 's2'],
      ['a', 1, 's1'],
      ['e', 1, 's3'],
    );
    const { arms, segments: levels } = table.levels();
    expect(Object.keys(arms)).toEqual(['d', 'a', 'e']);
    expect(Object.keys(levels!.arms)).toEqual(['s1', 's3']);
    expect(Object.keys(levels!.arms['s1']!)).toEqual(['c', 'a']);
  });

  it('stays within its bounds and resumes bit for bit, wherever it is saved', () => {
    const trial = fc.tuple(
      fc.nat(12).map((n) => `arm-${n}`),
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.nat(5).map((n) => `segment-${n}`),
    );
    const config = { armsMax: 8, segments: { max: 3, armsMax: 4 }, forget: 0.05, forgetPer: 'experience' };
    const schema = savedTableSchema(statisticsEvidence);
    fc.assert(
      fc.property(fc.array(trial, { maxLength: 120 }), fc.nat(120), (trials, cut) => {
        const whole = teach(tableOf(config), ...trials);
        const first = teach(tableOf(config), ...trials.slice(0, cut));
        first.levels();
        const saved = schema.parse(JSON.parse(JSON.stringify(first.save())));
        const second = teach(new ArmTable(statisticsEvidence, configOf(config), saved), ...trials.slice(cut));
        expect(second.save()).toEqual(whole.save());
        expect(second.levels()).toEqual(whole.levels());
        const { arms, segments } = whole.levels();
        expect(Object.keys(arms).length).toBeLessThanOrEqual(8);
        expect(Object.keys(segments!.arms).length).toBeLessThanOrEqual(3);
        for (const row of Object.values(segments!.arms)) expect(Object.keys(row).length).toBeLessThanOrEqual(4);
      }),
      { numRuns: 60 },
    );
  });

  it('takes hostile ids for what they are', () => {
    const table = teach(tableOf({ segments: {} }), ['__proto__', 1, 'constructor'], ['toString', 0, '__proto__']);
    expect(table.save().arms.map(([id]) => id)).toEqual(['__proto__', 'toString']);
    expect(Object.prototype).not.toHaveProperty('1');
  });
});
