import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../kernel/random.js';
import { ReplayBuffer, replayStateSchema, type Prioritisation, type Transition } from './replay-buffer.js';

const SHAPE = { capacity: 4, observationSize: 2, actions: 3 };
const PRIORITISED: Prioritisation = { alpha: 1, epsilon: 0.5 };
/** Transition number i; every third is the last of its episode. */
const transition = (i: number): Transition => ({
  observation: Float32Array.of(i, -i),
  action: i % 3,
  reward: i / 2,
  discount: i % 3 === 2 ? 0 : 0.5,
  next: i % 3 === 2 ? undefined : { observation: Float32Array.of(i + 1, 0), mask: Uint8Array.of(1, 0, i % 2) },
});
function bufferOf(count: number, prioritisation?: Prioritisation): ReplayBuffer {
  const buffer = new ReplayBuffer(SHAPE, prioritisation);
  for (let i = 0; i < count; i++) buffer.add(transition(i));
  return buffer;
}
const drawn = (buffer: ReplayBuffer, rows: number, seed = 1, beta = 1) => buffer.sample(rows, seededRandom(seed), beta);
const reload = (buffer: ReplayBuffer, prioritisation?: Prioritisation): ReplayBuffer =>
  new ReplayBuffer(SHAPE, prioritisation, replayStateSchema.parse(JSON.parse(JSON.stringify(buffer.state()))));

describe('the replay buffer', () => {
  it('gives back whole transitions, of the newest ones alone', () => {
    const batch = drawn(bufferOf(6), 200);
    const seen = new Set<number>();
    for (let row = 0; row < 200; row++) {
      const i = batch.observations[2 * row]!;
      seen.add(i);
      const { action, reward, discount, next } = transition(i);
      expect([batch.actions[row], batch.rewards[row], batch.discounts[row]]).toEqual([action, reward, discount]);
      expect([...batch.nexts.subarray(2 * row, 2 * row + 2)]).toEqual([...(next?.observation ?? [0, 0])]);
      expect([...batch.nextMasks.subarray(3 * row, 3 * row + 3)]).toEqual([...(next?.mask ?? [0, 0, 0])]);
      expect(batch.weights[row]).toBe(1);
    }
    expect([...seen].sort()).toEqual([2, 3, 4, 5]);
  });

  it('draws the same from the same seed', () => {
    const buffer = bufferOf(4);
    const first = [...drawn(buffer, 20).indices];
    expect([...drawn(buffer, 20).indices]).toEqual(first);
    expect([...drawn(buffer, 20, 2).indices]).not.toEqual(first);
  });

  it('draws in proportion to how wrong the values were, and weighs against it', () => {
    const buffer = bufferOf(4, PRIORITISED);
    buffer.learned(Uint32Array.of(0, 1, 2, 3), Float32Array.of(0.5, -1.5, 3.5, 1.5));
    const rows = 8000;
    const { indices, weights } = drawn(buffer, rows);
    const shares = [0, 1, 2, 3].map((slot) => indices.filter((one) => one === slot).length / rows);
    // Priorities 1, 2, 4, 2 of 9; a stratified draw strays by less than one row a stratum's edge.
    for (const [slot, share] of [1 / 9, 2 / 9, 4 / 9, 2 / 9].entries()) expect(shares[slot]).toBeCloseTo(share, 2);
    const weightOf = (slot: number): number => weights[indices.indexOf(slot)]!;
    expect([0, 1, 2, 3].map(weightOf)).toEqual([1, 0.5, 0.25, 0.5]);
    expect(Math.max(...drawn(buffer, 50, 3, 0).weights, 1)).toBe(1);
  });

  it('draws what is new at the largest priority so far', () => {
    const buffer = bufferOf(3, PRIORITISED);
    buffer.learned(Uint32Array.of(0, 1, 2), Float32Array.of(9.5, 0, 0));
    buffer.add(transition(3));
    const { indices } = drawn(buffer, 4000);
    expect(indices.filter((slot) => slot === 3).length / 4000).toBeCloseTo(10 / 21, 2);
  });

  it.each([undefined, PRIORITISED])('goes on after saving and loading as if nothing had happened (%j)', (how) => {
    for (const count of [0, 3, 4, 7]) {
      const one = bufferOf(count, how);
      if (count > 0) one.learned(Uint32Array.of(0, 1, 2), Float32Array.of(0.3, 7, 0.1));
      const other = reload(one, how);
      for (let i = 10; i < 13; i++) for (const buffer of [one, other]) buffer.add(transition(i));
      expect(other.state()).toEqual(one.state());
      expect(structuredClone(drawn(other, 30))).toEqual(structuredClone(drawn(one, 30)));
    }
  });

  it('refuses a state of another configuration', () => {
    const state = bufferOf(4).state();
    const misfit = expect.objectContaining({ code: 'LEARNER_STATE_MISFIT' });
    for (const shape of [
      { ...SHAPE, observationSize: 3 },
      { ...SHAPE, actions: 2 },
      { ...SHAPE, capacity: 2 },
    ])
      expect(() => new ReplayBuffer(shape, undefined, state)).toThrow(misfit);
    expect(() => new ReplayBuffer(SHAPE, PRIORITISED, state)).toThrow(misfit);
    expect(() => new ReplayBuffer(SHAPE, undefined, { ...state, actions: '/////////w8=' })).toThrow(misfit);
  });
});
