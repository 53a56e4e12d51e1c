import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TimerIndex } from './timer-index.js';

describe('the timer index', () => {
  it('gives out timers in order of their due times, each once', () => {
    const index = new TimerIndex();
    [30, 10, 20].forEach((due, i) => index.set(`k${i}`, due, 1));
    expect(index.takeDue(25, 10).map((t) => t.key)).toEqual(['k1', 'k2']);
    expect(index.takeDue(25, 10)).toEqual([]);
    expect(index.takeDue(30, 10).map((t) => t.key)).toEqual(['k0']);
  });

  it('keeps one timer a key: the last one set', () => {
    const index = new TimerIndex();
    index.set('k', 10, 1);
    index.set('k', 50, 2);
    expect(index.takeDue(20, 10)).toEqual([]);
    expect(index.takeDue(50, 10)).toEqual([expect.objectContaining({ key: 'k', due: 50, generation: 2 })]);
    index.set('k', 0, 3);
    expect(index.size).toBe(0);
  });

  it('fires a timer again that was taken and then armed anew for the same time', () => {
    const index = new TimerIndex();
    index.set('k', 10, 1);
    expect(index.takeDue(10, 10)).toHaveLength(1);
    index.set('k', 10, 2);
    expect(index.takeDue(10, 10)).toEqual([expect.objectContaining({ key: 'k', due: 10, generation: 2 })]);
  });

  it('restores a taken timer only while it is still the current one', () => {
    const index = new TimerIndex();
    index.set('k', 10, 1);
    const [taken] = index.takeDue(10, 1);
    index.restore(taken!);
    expect(index.peek()).toMatchObject({ key: 'k', due: 10 });
    index.takeDue(10, 1);
    index.set('k', 40, 2);
    index.restore(taken!);
    expect(index.takeDue(10, 1)).toEqual([]);
  });

  it('gives a timer out again that is armed anew for the same due time, after it was taken', () => {
    const index = new TimerIndex();
    index.set('k', 10, 1);
    expect(index.takeDue(10, 1)).toMatchObject([{ generation: 1 }]);
    index.set('k', 10, 1);
    expect(index.takeDue(10, 1)).toEqual([]);
    index.set('k', 10, 2);
    expect(index.takeDue(10, 1)).toMatchObject([{ key: 'k', due: 10, generation: 2 }]);
  });

  it('agrees with a plain map under any sequence of changes', () => {
    const change = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 100 }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const index = new TimerIndex();
        const model = new Map<string, number>();
        changes.forEach(([k, due], i) => {
          index.set(`k${k}`, due, i);
          if (due > 0) model.set(`k${k}`, due);
          else model.delete(`k${k}`);
        });
        const taken = index.takeDue(1_000, 1_000).map((t): [string, number] => [t.key, t.due]);
        expect(taken.map(([, due]) => due)).toEqual([...model.values()].sort((a, b) => a - b));
        expect(new Map(taken)).toEqual(model);
      }),
    );
  });
});
