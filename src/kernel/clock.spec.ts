import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { systemClock } from './clock.js';

describe('systemClock.soon', () => {
  it('runs the tasks of a tick in order, with no microtask between them', async () => {
    const seen: string[] = [];
    systemClock.soon(() => {
      seen.push('first');
      queueMicrotask(() => seen.push('microtask'));
    });
    systemClock.soon(() => seen.push('second'));
    await tick();
    expect(seen).toEqual(['first', 'second', 'microtask']);
  });

  it('runs what a task asks for in a later tick', async () => {
    const seen: string[] = [];
    systemClock.soon(() => systemClock.soon(() => seen.push('later')));
    queueMicrotask(() => seen.push('microtask'));
    await tick();
    expect(seen).toEqual(['microtask']);
    await tick();
    expect(seen).toEqual(['microtask', 'later']);
  });
});
