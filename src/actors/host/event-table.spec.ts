import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { eventHash, EventTable, EVENTS_REMEMBERED_MAX, secondsOf, type EventHash } from './event-table.js';

const hashOf = (id: string | number): EventHash => eventHash('key', 'app', 'source', String(id));
const orderOf = ({ high, low }: EventHash): bigint => (BigInt(high) << 32n) | BigInt(low);

/** The rule in words: of all that were new the latest stay, of a second those with the larger hash. */
class Naive {
  private kept: { seconds: number; order: bigint }[] = [];
  private floor = -1;

  constructor(private readonly limit: number) {}

  offer(hash: EventHash, seconds: number): string {
    const order = orderOf(hash);
    if (this.kept.some((one) => one.order === order)) return 'repeat';
    if (seconds <= this.floor) return 'unknown';
    this.kept.push({ seconds, order });
    this.kept.sort((a, b) => a.seconds - b.seconds || (a.order < b.order ? -1 : 1));
    while (this.kept.length > this.limit) this.floor = Math.max(this.floor, this.kept.shift()!.seconds);
    return 'new';
  }
}

function offer(table: EventTable, hash: EventHash, seconds: number, limit: number): string {
  const standing = table.standing(hash, seconds);
  if (standing === 'new') table.add(hash, seconds, limit);
  return standing;
}

describe('the table of events', () => {
  it('tells repeats from new events and from what nobody knows, in any order, saved at any time', () => {
    const event = fc.record({ id: fc.nat(60), seconds: fc.nat(20), saves: fc.boolean() });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 120 }), fc.integer({ min: 1, max: 24 }), (events, limit) => {
        const naive = new Naive(limit);
        let table = new EventTable();
        for (const { id, seconds, saves } of events) {
          expect(offer(table, hashOf(id), seconds, limit)).toBe(naive.offer(hashOf(id), seconds));
          if (saves) table = EventTable.load(table.save());
          expect(table.size).toBeLessThanOrEqual(limit);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never counts an event of one time twice, however full it is', () => {
    const counted = new Map<number, number>();
    const table = new EventTable();
    const ids = Array.from({ length: 6_000 }, (_, id) => id);
    for (const id of [...ids, ...ids.toReversed(), ...ids.filter((one) => one % 3 === 0)]) {
      if (offer(table, hashOf(id), 1_000 + (id % 997), EVENTS_REMEMBERED_MAX) === 'new') {
        counted.set(id, (counted.get(id) ?? 0) + 1);
      }
    }
    expect(Math.max(...counted.values())).toBe(1);
    expect(counted.size).toBeGreaterThanOrEqual(EVENTS_REMEMBERED_MAX);
    expect(table.size).toBe(EVENTS_REMEMBERED_MAX);
  });

  it('lets the earliest go where its limit has been lowered', () => {
    const table = new EventTable();
    for (const id of [5, 3, 9, 1, 7]) table.add(hashOf(id), id, 16);
    table.add(hashOf(8), 8, 2);
    expect([1, 3, 5, 7, 8, 9].map((id) => table.standing(hashOf(id), id))).toEqual([
      'unknown',
      'unknown',
      'unknown',
      'unknown',
      'repeat',
      'repeat',
    ]);
    expect(table.standing(hashOf(10), 8)).toBe('new');
  });

  it('is as small as what it holds: twelve bytes an event, saved', () => {
    const table = new EventTable();
    expect(table.save()).toEqual(['', -1]);
    for (let id = 0; id < 100; id++) table.add(hashOf(id), id, 4096);
    expect(Buffer.from(table.save()[0], 'base64')).toHaveLength(1_200);
  });

  it.each([
    ['is cut', Buffer.alloc(13).toString('base64')],
    ['holds more than may be', Buffer.alloc(12 * (EVENTS_REMEMBERED_MAX + 1)).toString('base64')],
  ])('is damaged where it %s', (_, entries) => {
    expect(() => EventTable.load([entries, 0])).toThrow('cut');
  });

  it('keeps seconds within what it has room for', () => {
    expect([-5_000, 999, 1_000, Number.MAX_SAFE_INTEGER].map(secondsOf)).toEqual([0, 0, 1, 0xffff_ffff]);
  });
});

describe('the hash of an event', () => {
  const of = (source: string, id: string, key = 'k', app = 'app'): string =>
    orderOf(eventHash(key, app, source, id)).toString();

  it('is of the key, the source and the id, wherever the one ends and the other begins', () => {
    const all = [
      of('a', 'b c'),
      of('a b', 'c'),
      of('a"', ',"b'),
      of('a', '","b'),
      of('', 'ab'),
      of('ab', ''),
      of('a', 'b', 'l'),
      of('a', 'b', 'k', 'other'),
      of('a', 'b'),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(of('a', 'b c')).toBe(of('a', 'b c'));
  });

  it('tells strings apart that are no well-formed text', () => {
    expect(new Set([of('a', '\ud800'), of('a', '\ud801'), of('a', '\ufffd'), of('a', '\0')]).size).toBe(4);
  });
});
