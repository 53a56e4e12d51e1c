import { describe, expect, it } from '@jest/globals';
import { cityTable } from './city.js';
import { createEnvironment } from './create-environment.js';
import { tabularEnvironment } from './tabular.js';
import { optimalReturn, parseTransitionTable, returnOf } from './transition-table.js';

/** From 0, action 0 stays for 1; action 1 goes to 1 with chance ½ and ends with 10, else stays for nothing. */
const small = {
  env: 'small',
  nS: 2,
  nA: 2,
  horizon: 3,
  start_distribution: { '0': 1 },
  T: [
    [
      [[1, 0, 1, false]],
      [
        [0.5, 1, 10, true],
        [0.5, 0, 0, false],
      ],
    ],
    [[[1, 1, 0, true]], [[1, 1, 0, true]]],
  ],
};

describe('a transition table', () => {
  it('gives exact returns and the optimum', () => {
    const table = parseTransitionTable(small);
    expect(returnOf(table, () => 0)).toBe(3);
    expect(returnOf(table, () => 1)).toBe(5 + 2.5 + 1.25);
    // Nothing beats trying for the end at every step.
    expect(optimalReturn(table)).toBe(8.75);
    const without = parseTransitionTable({
      ...small,
      action_mask: [
        [1, 0],
        [1, 1],
      ],
    });
    expect(optimalReturn(without)).toBe(3);
  });

  const T = small.T;
  it.each([
    ['T', { T: T.slice(1) }],
    ['T.0', { T: [T[0]!.slice(1), T[1]] }],
    ['T.0.0', { T: [[[], T[0]![1]], T[1]] }],
    ['T.0.0', { T: [[[[0.9, 0, 1, false]], T[0]![1]], T[1]] }],
    ['T.0.0.0', { T: [[[[1, 2, 1, false]], T[0]![1]], T[1]] }],
    ['T.0.0.0.2', { T: [[[[1, 0, Infinity, false]], T[0]![1]], T[1]] }],
    ['start_distribution', { start_distribution: {} }],
    ['start_distribution.7', { start_distribution: { '7': 1 } }],
    ['start_distribution.__proto__x', { start_distribution: { __proto__x: 1 } }],
    ['action_mask', { action_mask: [[1, 1]] }],
    [
      'action_mask.1',
      {
        action_mask: [
          [1, 1],
          [0, 0],
        ],
      },
    ],
    ['action_mask.0', { action_mask: [[1], [1, 1]] }],
    ['nS', { nS: 1e9 }],
    ['horizon', { horizon: 0 }],
  ])('is refused with a fault in %s', (field, part) => {
    expect(() => parseTransitionTable({ ...small, ...part })).toThrow(
      expect.objectContaining({ code: 'TRANSITION_TABLE', field }),
    );
  });

  it('may be keyed by index, as the dict of Gymnasium is written', () => {
    const keyed = (list: readonly unknown[]): object => Object.fromEntries(list.map((value, i) => [String(i), value]));
    for (const T of [keyed(small.T), keyed(small.T.map(keyed)), small.T.map(keyed)])
      expect(parseTransitionTable({ ...small, T })).toEqual(parseTransitionTable(small));
  });

  it.each([{ T: { '0': small.T[0], '2': small.T[1] } }, { T: { a: small.T[0], b: small.T[1] } }, { T: null }])(
    'is refused where its keys are no indices: %j',
    (part) => {
      expect(() => parseTransitionTable({ ...small, ...part })).toThrow(
        expect.objectContaining({ code: 'TRANSITION_TABLE', field: 'T' }),
      );
    },
  );

  it.each([null, [], 'x', {}])('is refused where it is %j', (json) => {
    expect(() => parseTransitionTable(json)).toThrow(expect.objectContaining({ code: 'TRANSITION_TABLE' }));
  });

  it('happens as often as it says', () => {
    const environment = tabularEnvironment(parseTransitionTable(small), 5);
    let ended = 0;
    for (let i = 0; i < 4000; i++) {
      expect(environment.reset().observation).toEqual(Float64Array.of(0));
      const { terminated, reward } = environment.step(1);
      expect(reward).toBe(terminated ? 10 : 0);
      if (terminated) ended++;
    }
    expect(ended / 4000).toBeCloseTo(0.5, 1);
  });

  it('truncates at its horizon', () => {
    const environment = tabularEnvironment(parseTransitionTable(small));
    environment.reset();
    expect([environment.step(0), environment.step(0), environment.step(0)].map((step) => step.truncated)).toEqual([
      false,
      false,
      true,
    ]);
  });
});

describe('the simulated city', () => {
  it('is the same for the same seed', () => {
    // As text: comparing it number by number takes a hundred times as long.
    const text = (seed: number): string => JSON.stringify(cityTable(seed));
    expect(text(3)).toBe(text(3));
    expect(text(3) === text(4)).toBe(false);
  });

  it('is a table', () => {
    expect(() => parseTransitionTable(cityTable(1))).not.toThrow();
  });

  it.each([1, 2, 3])('pays a driver who plans more than one who stays (city %i)', (seed) => {
    const table = cityTable(seed);
    const staying = returnOf(table, () => 0);
    expect(staying).toBeGreaterThan(0);
    expect(optimalReturn(table)).toBeGreaterThan(1.1 * staying);
  });

  it('lets nobody leave it, and ends every shift by itself', () => {
    const environment = createEnvironment('city', 1);
    let { info } = environment.reset();
    let steps = 0;
    for (let over = false; !over; steps++) {
      expect(info.actionMask![0]).toBe(1);
      // As far north as it goes.
      const step = environment.step(info.actionMask![1] === 1 ? 1 : 0);
      ({ info } = step);
      over = step.terminated;
    }
    expect(steps).toBe(environment.maxSteps);
  });
});
