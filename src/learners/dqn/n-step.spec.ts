import { describe, expect, it } from '@jest/globals';
import type { Transition } from '../replay-buffer/replay-buffer.js';
import { NStep, nStepStateSchema, type Step } from './n-step.js';

const SETTINGS = { n: 3, discount: 0.5, episodesMax: 10 };
const state = (at: number) => ({ observation: Float32Array.of(at), mask: Uint8Array.of(1, 1) });
/** The step from state i to state i + 1, which earns 2^i. */
const step = (i: number, part: Partial<Step> = {}): Step => ({
  episode: 'e',
  place: i,
  observation: Float32Array.of(i),
  action: i % 2,
  reward: 2 ** i,
  next: state(i + 1),
  continues: true,
  ...part,
});
const LAST: Partial<Step> = { next: 'terminal', continues: false };

/** [state, action, reward, discount, next state] of what comes out. */
const told = ({ observation, action, reward, discount, next }: Transition) => [
  observation[0],
  action,
  reward,
  discount,
  next?.observation[0],
];
function taken(steps: readonly Step[], settings = SETTINGS): unknown[] {
  const out: unknown[] = [];
  const joined = new NStep(settings, (transition) => out.push(told(transition)));
  for (const one of steps) joined.take(one);
  return out;
}

describe('transitions over several steps', () => {
  it('add up discounted rewards and look n steps ahead', () => {
    expect(taken([step(0), step(1), step(2), step(3)])).toEqual([
      [0, 0, 1 + 1 + 1, 1 / 8, 3],
      [1, 1, 2 + 2 + 2, 1 / 8, 4],
    ]);
  });

  it('are one step long with n = 1, and for steps of no episode', () => {
    const one = [[0, 0, 1, 0.5, 1]];
    expect(taken([step(0)], { ...SETTINGS, n: 1 })).toEqual(one);
    expect(taken([step(0, { episode: undefined })])).toEqual(one);
  });

  it('have no future where the episode ends by its rules', () => {
    expect(taken([step(0), step(1, LAST)])).toEqual([
      [0, 0, 2, 0, undefined],
      [1, 1, 2, 0, undefined],
    ]);
  });

  it('look as far as is known where the episode is cut off', () => {
    expect(taken([step(0), step(1, { continues: false })])).toEqual([
      [0, 0, 2, 1 / 4, 2],
      [1, 1, 2, 1 / 2, 2],
    ]);
  });

  it('stop before a step that is missing or whose successor nobody knows', () => {
    expect(taken([step(0), step(2), step(3, LAST)])).toEqual([
      [0, 0, 1, 1 / 2, 1],
      [2, 0, 4 + 4, 0, undefined],
      [3, 1, 8, 0, undefined],
    ]);
    expect(taken([step(0), step(1), step(2, { next: undefined }), step(3, LAST)])).toEqual([
      [0, 0, 2, 1 / 4, 2],
      [1, 1, 2, 1 / 2, 2],
      [3, 1, 8, 0, undefined],
    ]);
  });

  it('take steps of unknown place to follow each other', () => {
    const unplaced = [step(0), step(1), step(2)].map((one) => ({ ...one, place: undefined }));
    expect(taken(unplaced)).toEqual([[0, 0, 3, 1 / 8, 3]]);
  });

  it('keep episodes apart, and let go of the one that was quiet for longest', () => {
    const two = { ...SETTINGS, episodesMax: 2 };
    const of = (episode: string, i: number) => step(i, { episode });
    expect(taken([of('a', 0), of('b', 5), of('a', 1), of('c', 7)], two)).toEqual([[5, 1, 32, 1 / 2, 6]]);
  });

  it('are forgotten with an episode that was withdrawn', () => {
    const out: unknown[] = [];
    const joined = new NStep(SETTINGS, (transition) => out.push(told(transition)));
    joined.take(step(0));
    joined.forget('e');
    joined.take(step(1, LAST));
    expect(out).toEqual([[1, 1, 2, 0, undefined]]);
  });

  it('go on after saving and loading as if nothing had happened', () => {
    const steps = [
      step(0),
      step(0, { episode: 'f' }),
      step(1),
      step(1, { episode: 'f', ...LAST }),
      step(2),
      step(3, LAST),
    ];
    const whole = taken(steps);
    for (let cut = 0; cut <= steps.length; cut++) {
      const out: unknown[] = [];
      const emit = (transition: Transition): void => void out.push(told(transition));
      const first = new NStep(SETTINGS, emit);
      for (const one of steps.slice(0, cut)) first.take(one);
      const saved = nStepStateSchema.parse(JSON.parse(JSON.stringify(first.state())));
      const second = new NStep(SETTINGS, emit, saved);
      for (const one of steps.slice(cut)) second.take(one);
      expect(out).toEqual(whole);
    }
  });
});
