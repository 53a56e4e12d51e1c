import { beforeEach, describe, expect, it } from '@jest/globals';
import { Slices } from './slices.js';

let nowMs: number;
let turns: (() => void)[];
const clock = { monotonicMs: () => nowMs, soon: (task: () => void) => void turns.push(task) };
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One turn of the event loop: what was asked for runs, and what comes of it. */
async function turn(): Promise<void> {
  for (const task of turns.splice(0)) task();
  await settle();
}

beforeEach(() => {
  nowMs = 0;
  turns = [];
});

describe('work in slices', () => {
  it('gets no more of a turn than its budget, however many work at once', async () => {
    const slices = new Slices(clock, { sliceMs: 5, slicePiecesMax: 1_000 });
    const perTurn: number[] = [];
    const done = Array.from({ length: 16 }, () => slices.run(() => (nowMs += 2)));
    while (turns.length > 0 || nowMs === 0) {
      const before = nowMs;
      await (nowMs === 0 && perTurn.length === 0 ? settle() : turn());
      perTurn.push(nowMs - before);
    }
    await Promise.all(done);
    expect(nowMs).toBe(32);
    // The piece that passes the budget is the last one of its turn.
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(6);
  });

  it('goes on at once while there is room', async () => {
    const slices = new Slices(clock);
    expect(await slices.run(() => 1)).toBe(1);
    expect(await slices.run(() => Promise.resolve(2))).toBe(2);
    expect(turns).toHaveLength(1);
  });

  it('counts pieces too, where no time passes', async () => {
    const slices = new Slices(clock, { sliceMs: 5, slicePiecesMax: 3 });
    let run = 0;
    for (let i = 0; i < 7; i++) void slices.run(() => run++);
    await settle();
    expect(run).toBe(3);
    await turn();
    expect(run).toBe(6);
    await turn();
    expect(run).toBe(7);
  });

  it('hands on what a piece throws, and charges for it', async () => {
    const slices = new Slices(clock, { sliceMs: 5, slicePiecesMax: 1 });
    await expect(
      slices.run(() => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    let ran = false;
    void slices.run(() => (ran = true));
    await settle();
    expect(ran).toBe(false);
    await turn();
    expect(ran).toBe(true);
  });

  it('does each of many small things in order, no more of them in a turn than its budget', async () => {
    const slices = new Slices(clock, { sliceMs: 5, slicePiecesMax: 1_000 });
    const done: number[] = [];
    const all = slices.each(7, (i) => {
      nowMs += 2;
      done.push(i);
    });
    await settle();
    expect(done).toEqual([0, 1, 2]);
    await turn();
    expect(done).toEqual([0, 1, 2, 3, 4, 5]);
    await turn();
    await all;
    expect(done).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('counts the pieces of many small things where no time passes, and stops at what throws', async () => {
    const slices = new Slices(clock, { sliceMs: 5, slicePiecesMax: 2 });
    const done: number[] = [];
    const all = slices.each(5, (i) => {
      if (i === 3) throw new Error('no');
      done.push(i);
    });
    const refused = expect(all).rejects.toThrow('no');
    await settle();
    for (let i = 0; i < 4; i++) await turn();
    await refused;
    expect(done).toEqual([0, 1, 2]);
  });
});
