import { describe, expect, it } from '@jest/globals';
import type { Random } from '../../kernel/random.js';
import { Acrobot } from './acrobot.js';
import { CartPole } from './cart-pole.js';
import { createEnvironment, ENVIRONMENT_NAMES } from './create-environment.js';
import type { Dynamics } from './episodes.js';
import { MountainCar } from './mountain-car.js';

/** Draws that put a start at these places of an interval around zero, or around `middle`. */
const drawing = (places: readonly number[], halfWidth: number, middle = 0): Random => {
  const left = places.map((place) => (place - middle + halfWidth) / (2 * halfWidth));
  return { next: () => left.shift()! };
};

function after(dynamics: Dynamics, start: Random, actions: readonly number[]): number[] {
  dynamics.begin(start);
  for (const action of actions) dynamics.advance(action, start);
  return [...dynamics.observe()];
}

const times = (count: number, action: number): number[] => Array.from({ length: count }, () => action);

const close = (values: readonly number[], expected: readonly number[]): void => {
  expect(values).toHaveLength(expected.length);
  values.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 10));
};

/** The expected numbers come from Gymnasium's formulas evaluated in Python, in double precision. */
describe('the dynamics of classic control', () => {
  it('moves the cart and its pole as Gymnasium does', () => {
    const found = after(new CartPole(), drawing([0.01, -0.02, 0.03, 0.04], 0.05), [1, 0, 1, 1, 0, 1, 0, 0]);
    close(found, [0.0378082524892806, -0.022229857802506442, -0.005781024306935022, 0.08917192326455281]);
  });

  it('moves the car as Gymnasium does', () => {
    const found = after(new MountainCar(), drawing([-0.5], 0.1, -0.5), [
      ...times(30, 2),
      ...times(40, 0),
      ...times(5, 1),
    ]);
    close(found, [-1.1218791418168967, 0.002354554052703673]);
  });

  it('swings the two links as Gymnasium does', () => {
    const actions = [2, 2, 2, 0, 0, 0, 1, 2, 2, 2, 2, 0, 0, 0, 0, 2, 2, 2, 2, 2];
    const found = after(new Acrobot(), drawing([0.05, -0.06, 0.07, -0.08], 0.1), actions);
    close(
      found,
      [
        0.998317367972305, -0.057986488123092456, 0.9733077447839926, 0.2295038865542333, -0.8032155716066794,
        1.7546632549484829,
      ],
    );
  });

  it('ends at the flag, once the car has swung up', () => {
    const car = new MountainCar();
    car.begin(drawing([-0.5], 0.1, -0.5));
    // Pushing the way it moves anyway swings it over the hill.
    let ended = false;
    let steps = 0;
    while (!ended && steps++ < 200) ended = car.advance(car.observe()[1]! >= 0 ? 2 : 0).terminated;
    expect(ended).toBe(true);
    expect(car.observe()[0]).toBeGreaterThanOrEqual(0.5);
  });
});

describe.each(ENVIRONMENT_NAMES)('%s', (name) => {
  it('gives the same numbers for the same seed, and others for another', () => {
    const run = (seed: number): number[] => {
      const environment = createEnvironment(name, seed);
      const seen = [...environment.reset().observation];
      for (let t = 0; t < 5; t++) seen.push(...environment.step(t % environment.actions).observation);
      return seen;
    };
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });

  it('begins a new stream with a seed and goes on without one', () => {
    const environment = createEnvironment(name, 3);
    const first = environment.reset().observation;
    expect(environment.reset().observation).not.toEqual(first);
    expect(environment.reset(3).observation).toEqual(first);
  });

  it('has observations of its size, finite, and the caller’s own', () => {
    const environment = createEnvironment(name, 1);
    const { observation } = environment.reset();
    const kept = [...observation];
    const next = environment.step(0).observation;
    expect(next).toHaveLength(environment.observationSize);
    expect(next.every(Number.isFinite)).toBe(true);
    expect([...observation]).toEqual(kept);
  });

  it.each([-1, 99, 0.5, Number.NaN])('refuses action %p', (action) => {
    const environment = createEnvironment(name);
    environment.reset();
    expect(() => environment.step(action)).toThrow(
      expect.objectContaining({ code: 'ENVIRONMENT_ACTION', field: 'action' }),
    );
  });

  it('must be reset before the first step and after the last', () => {
    const environment = createEnvironment(name, 1);
    const early = expect.objectContaining({ code: 'ENVIRONMENT_NOT_RESET' });
    expect(() => environment.step(0)).toThrow(early);
    environment.reset();
    let steps = 0;
    for (let over = false; !over; steps++) {
      const { terminated, truncated } = environment.step(steps % environment.actions);
      over = terminated || truncated;
      if (truncated) expect(steps + 1).toBe(environment.maxSteps);
    }
    expect(steps).toBeLessThanOrEqual(environment.maxSteps);
    expect(() => environment.step(0)).toThrow(early);
  });
});

describe('createEnvironment', () => {
  it('knows Gymnasium’s ids and short names', () => {
    expect(createEnvironment('CartPole-v1').id).toBe('CartPole-v1');
    expect(createEnvironment('mountaincar').maxSteps).toBe(200);
    expect(createEnvironment('acrobot').maxSteps).toBe(500);
    expect(createEnvironment('cartpole').maxSteps).toBe(500);
  });

  it.each(['', 'pong', 'toString'])('refuses %p', (name) => {
    expect(() => createEnvironment(name)).toThrow(expect.objectContaining({ code: 'ENVIRONMENT_UNKNOWN' }));
  });

  it.each([-1, 1.5, Number.NaN, Infinity])('refuses seed %p', (seed) => {
    expect(() => createEnvironment('cartpole', seed)).toThrow(expect.objectContaining({ code: 'ENVIRONMENT_SEED' }));
    expect(() => createEnvironment('cartpole').reset(seed)).toThrow(
      expect.objectContaining({ code: 'ENVIRONMENT_SEED' }),
    );
  });
});
