import { describe, expect, it } from '@jest/globals';
import type { ZoneFacts } from '../../messages/zones.js';
import { ZoneReplica } from './zone-replica.js';

const facts = (cell: string, sequence: number, pickupsTotal = 0): ZoneFacts => ({
  cell,
  sequence,
  pickupsTotal,
  atMs: 0,
  mode: 'balanced',
  pickups: 0,
  drivers: 0,
  hoursSeen: 1,
  expectedByHour: [],
  hourIndex: 0,
  thisHour: 0,
  lastHour: 0,
  incentiveCents: 0,
});

describe('ZoneReplica', () => {
  it('lets a newer sequence win, in whatever order they come', () => {
    const replica = new ZoneReplica({ monotonicMs: () => 0 });
    expect(replica.apply(facts('a', 5, 50))).toBe(true);
    expect(replica.apply(facts('a', 4, 40))).toBe(false);
    expect(replica.apply(facts('a', 5, 51))).toBe(false);
    expect(replica.get('a')!.pickupsTotal).toBe(50);
    expect(replica.apply(facts('a', 6, 60))).toBe(true);
    expect([...replica.all()].map((z) => z.pickupsTotal)).toEqual([60]);
  });

  it('forgets the zone that changed longest ago when it is full', () => {
    const replica = new ZoneReplica({ monotonicMs: () => 0 }, 2);
    replica.apply(facts('a', 1));
    replica.apply(facts('b', 1));
    replica.apply(facts('a', 2));
    replica.apply(facts('c', 1));
    expect([...replica.all()].map((z) => z.cell)).toEqual(['a', 'c']);
    expect(replica.size).toBe(2);
  });

  it('keeps zones by their pickups, whatever changes, and asking sorts none of them', () => {
    const replica = new ZoneReplica({ monotonicMs: () => 0 }, 900);
    let compared = 0;
    const counted = (cell: string, sequence: number, pickups: number): ZoneFacts => ({
      ...facts(cell, sequence),
      get pickups() {
        compared++;
        return pickups;
      },
    });
    // More zones than are kept, and each of them changes.
    for (let i = 0; i < 5000; i++) replica.apply(counted(`c${i % 1200}`, i, (i * 7919) % 101));
    const expected = [...replica.all()].sort((a, b) => b.pickups - a.pickups || (a.cell < b.cell ? -1 : 1));
    expect(replica.busiest(10_000).map((z) => z.cell)).toEqual(expected.map((z) => z.cell));
    expect(replica.busiest(3)).toEqual(expected.slice(0, 3));
    compared = 0;
    for (let i = 0; i < 100; i++) replica.busiest(10);
    expect(compared).toBe(0);
    replica.apply(counted('c7', 6000, 1000));
    expect(replica.busiest(1)[0]!.cell).toBe('c7');
  });

  it('is stale without end until it has first caught up', () => {
    let nowMs = 1000;
    const replica = new ZoneReplica({ monotonicMs: () => nowMs });
    replica.apply(facts('a', 1));
    expect(replica.staleMs()).toBe(Infinity);
    replica.heard();
    nowMs += 250;
    expect(replica.staleMs()).toBe(250);
  });

  it('does work for later a step a turn, one after the other, and says what failed', () => {
    const turns: (() => void)[] = [];
    const told: unknown[] = [];
    const log = { error: (_: string, fields?: object) => void told.push(fields) };
    const replica = new ZoneReplica({ monotonicMs: () => 0 }, 2, log, (step) => void turns.push(step));
    const done: string[] = [];
    function* work(name: string, fails = false): Generator<void, void> {
      done.push(`${name}1`);
      yield;
      if (fails) throw new Error(name);
      done.push(`${name}2`);
    }
    replica.later(work('a'));
    replica.later(work('b', true));
    replica.later(work('c'));
    expect(done).toEqual([]);
    for (let turn = 0; turns.length > 0; turn++) {
      expect(turns).toHaveLength(1);
      turns.pop()!();
      expect(done.length).toBeLessThanOrEqual(turn + 1);
    }
    expect(done).toEqual(['a1', 'a2', 'b1', 'c1', 'c2']);
    expect(told).toEqual([{ error: new Error('b') }]);
    replica.later(work('d'));
    expect(turns).toHaveLength(1);
  });
});
