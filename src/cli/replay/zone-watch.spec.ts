import { describe, expect, it } from '@jest/globals';
import { jumpClock } from '../../../test/support/jump-clock.js';
import type { ZoneFacts } from '../../messages/zones.js';
import { ZoneWatch } from './zone-watch.js';

const facts = (cell: string, pickupsTotal: number): ZoneFacts => ({ cell, pickupsTotal }) as ZoneFacts;
const pickup = (cell: string) => ({ row: 1, timeMs: 0, cell });

/** Zones whose replica takes one step of `steps` at each look; the zones themselves are at the last. */
function zonesOf(before: Record<string, number>, ...steps: Record<string, number>[]) {
  const looks: string[][] = [];
  let own = before;
  return {
    looks,
    zone: async (cell: string) => facts(cell, own[cell] ?? 0),
    replicatedZones: async (cells: readonly string[]) => {
      looks.push([...cells]);
      const step = steps.length > 1 ? steps.shift()! : steps[0]!;
      own = steps.at(-1)!;
      return cells.filter((cell) => cell in step).map((cell) => facts(cell, step[cell]!));
    },
  };
}

describe('ZoneWatch', () => {
  it('waits until each zone counts what was accepted for it, on top of what it had', async () => {
    const zones = zonesOf({ a: 10 }, { a: 10 }, { a: 11 }, { a: 12 }, { a: 12, b: 1 });
    const watch = await ZoneWatch.over(['a', 'b'], zones, jumpClock());
    expect(watch.countedBefore).toBe(10);
    watch.accepted([pickup('a'), pickup('b'), pickup('a')]);
    await watch.caughtUp();
    expect(zones.looks).toEqual([['a', 'b'], ['a', 'b'], ['a', 'b'], ['b']]);
    expect(await watch.countedSince()).toEqual(
      new Map([
        ['a', 2],
        ['b', 1],
      ]),
    );
  });

  it('has nothing to wait for where nothing was accepted', async () => {
    const zones = zonesOf({}, {});
    await (await ZoneWatch.over(['a'], zones, jumpClock())).caughtUp();
    expect(zones.looks).toEqual([]);
  });

  it('gives up on a zone that never counts, and names it', async () => {
    const watch = await ZoneWatch.over(['a', 'b'], zonesOf({}, { a: 1 }), jumpClock());
    watch.accepted([pickup('a'), pickup('b')]);
    await expect(watch.caughtUp()).rejects.toMatchObject({
      code: 'REPLAY_STALLED',
      message: expect.stringMatching(/^1 zones .* b\.$/),
    });
  });
});
