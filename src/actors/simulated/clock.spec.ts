import { describe, expect, it } from '@jest/globals';
import { SIMULATED_EPOCH_MS, SimulatedProcess, Timeline } from './clock.js';
import { Trace } from './trace.js';

const processOn = (timeline: Timeline, name = 'p'): SimulatedProcess => new SimulatedProcess(timeline, name);

describe('simulated time', () => {
  it('runs timers in the order of their times, and follows up promises in between', async () => {
    const timeline = new Timeline(1);
    const { clock } = processOn(timeline);
    const seen: string[] = [];
    clock.after(20, () => seen.push('late'));
    clock.after(10, () => {
      seen.push('early');
      void Promise.resolve()
        .then(() => Promise.resolve())
        .then(() => Promise.resolve())
        .then(() => seen.push('followed up'));
    });
    await timeline.run(15);
    expect(seen).toEqual(['early', 'followed up']);
    await timeline.run(30);
    expect(seen).toEqual(['early', 'followed up', 'late']);
    expect(timeline.nowMs).toBe(30);
  });

  it('runs what is asked for soon in the order it was asked for', async () => {
    const timeline = new Timeline(7);
    const { clock } = processOn(timeline);
    const seen: number[] = [];
    for (let i = 0; i < 20; i++) clock.soon(() => seen.push(i));
    await timeline.run(1);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('draws the order of timers of one time from the seed', async () => {
    const orderOf = async (seed: number): Promise<string> => {
      const timeline = new Timeline(seed);
      const seen: number[] = [];
      const { clock } = processOn(timeline);
      for (let i = 0; i < 8; i++) clock.after(5, () => seen.push(i));
      await timeline.run(10);
      return seen.join();
    };
    expect(await orderOf(1)).toBe(await orderOf(1));
    expect(new Set(await Promise.all([1, 2, 3, 4].map(orderOf))).size).toBeGreaterThan(1);
  });

  it('lets everything that comes to a busy process come after it, in order', async () => {
    const timeline = new Timeline(1);
    const process = processOn(timeline);
    const seen: string[] = [];
    const see =
      (what: string, spendMs = 0) =>
      (): void => {
        seen.push(`${what} at ${timeline.nowMs}`);
        process.spend(spendMs);
      };
    process.at(10, see('first', 5));
    process.clock.after(11, see('timer'));
    process.at(12, see('second', 4));
    process.at(13, see('third'));
    process.at(16, see('fourth'));
    process.at(30, see('last'));
    await timeline.run(14.9);
    expect(seen).toEqual(['first at 10']);
    await timeline.run(40);
    expect(seen.slice(1)).toEqual(['timer at 15', 'second at 15', 'third at 19', 'fourth at 19', 'last at 30']);
  });

  it('keeps what comes to a busy process for when it goes on, and from one that is killed', async () => {
    const timeline = new Timeline(1);
    const [paused, killed] = [processOn(timeline), processOn(timeline)];
    const seen: string[] = [];
    for (const process of [paused, killed]) {
      process.at(10, () => process.spend(5));
      process.at(11, () => seen.push(process === paused ? 'paused' : 'killed'));
    }
    timeline.at(12, () => {
      paused.pause();
      killed.kill();
    });
    timeline.at(20, () => paused.resume());
    await timeline.run(19);
    expect(seen).toEqual([]);
    await timeline.run(30);
    expect(seen).toEqual(['paused']);
  });

  it('cancels timers', async () => {
    const timeline = new Timeline(1);
    const { clock } = processOn(timeline);
    let ran = false;
    clock.after(5, () => (ran = true))();
    await timeline.run(10);
    expect(ran).toBe(false);
  });

  it('stops a run that spins at one instant', async () => {
    const timeline = new Timeline(1);
    const spin = (): void => void timeline.at(0, spin);
    spin();
    await expect(timeline.run(1)).rejects.toThrow(/spins/);
  });
});

describe('a simulated process', () => {
  it('does nothing while it is paused, and everything late, while others go on', async () => {
    const timeline = new Timeline(1);
    const paused = processOn(timeline, 'paused');
    const other = processOn(timeline, 'other');
    const seen: string[] = [];
    paused.clock.after(10, () => seen.push('timer'));
    paused.at(12, () => seen.push('delivery'));
    other.clock.after(11, () => seen.push('other'));
    paused.pause();
    await timeline.run(50);
    expect(seen).toEqual(['other']);
    paused.resume();
    await timeline.run(50);
    expect(seen.slice(1).sort()).toEqual(['delivery', 'timer']);
  });

  it('never runs again once it is killed, whatever it waited for', async () => {
    const timeline = new Timeline(1);
    const process = processOn(timeline);
    let settled = false;
    const waits = async (): Promise<void> => {
      await new Promise<void>((resolve) => void process.clock.after(10, resolve));
      settled = true;
    };
    void waits();
    await timeline.run(5);
    process.kill();
    process.resume();
    await timeline.run(100);
    expect(settled).toBe(false);
  });

  it('honours a cancellation made after a pause in which the timer came due', async () => {
    const timeline = new Timeline(1);
    const process = processOn(timeline);
    let ran = false;
    process.pause();
    const cancel = process.clock.after(10, () => (ran = true));
    await timeline.run(20);
    cancel();
    process.resume();
    await timeline.run(30);
    expect(ran).toBe(false);
  });

  it('has clocks of its own: a wall clock that jumps, and one that only goes on', async () => {
    const timeline = new Timeline(1);
    await timeline.run(1_000);
    const process = new SimulatedProcess(timeline, 'p', { wallOffsetMs: 300, rate: 2 });
    await timeline.run(1_500);
    expect(process.clock.monotonicMs()).toBe(1_000);
    expect(process.clock.nowMs()).toBe(SIMULATED_EPOCH_MS + 2_300);
    process.jumpWall(-2_000);
    expect(process.clock.nowMs()).toBe(SIMULATED_EPOCH_MS + 300);
    expect(process.clock.monotonicMs()).toBe(1_000);
  });
});

describe('a trace', () => {
  it('has the hash of what happened, details aside', () => {
    const hashOf = (...lines: [number, string][]): string => {
      const trace = new Trace(false);
      for (const [atMs, what] of lines) trace.add(atMs, 'who', what, () => `detail of ${what}`);
      return trace.hash;
    };
    expect(hashOf([1, 'a'], [2, 'b'])).toBe(hashOf([1, 'a'], [2, 'b']));
    expect(hashOf([1, 'a'], [2, 'b'])).not.toBe(hashOf([2, 'a'], [1, 'b']));
  });
});
