import { describe, expect, it } from '@jest/globals';
import { INTAKES, type Intake } from '../../messages/subjects.js';
import { HandClock, idle, MemoryJournal } from '../../../test/support/host-world.js';
import { IntakeGuard, limitWhile, nextIntake } from './intake.js';

const LIMIT = 1_000;
const RESERVE = 500;
const at = (bytes: number, intake: Intake, beside = 0): Intake =>
  nextIntake({ bytes, limit: LIMIT, reserve: RESERVE, intake, leftOut: [] }, beside);

describe('what a journal takes', () => {
  it.each<[number, Intake, Intake]>([
    [0, 'all', 'all'],
    [749, 'all', 'all'],
    [750, 'all', 'owned'],
    [501, 'owned', 'owned'],
    [500, 'owned', 'all'],
    [1_149, 'owned', 'owned'],
    [1_150, 'owned', 'outputs'],
    [1_001, 'outputs', 'outputs'],
    [1_000, 'outputs', 'owned'],
    [1_350, 'outputs', 'control'],
    [1_251, 'control', 'control'],
    [1_250, 'control', 'outputs'],
    [1_500, 'all', 'control'],
    [0, 'control', 'all'],
  ])('with %i of 1,000 bytes goes from %s to %s', (bytes, from, to) => {
    expect(at(bytes, from)).toBe(to);
  });

  it('follows what is written beside the journal too', () => {
    expect(at(0, 'all', 0.75)).toBe('owned');
    expect(at(0, 'owned', 0.7)).toBe('owned');
    expect(at(0, 'owned', 0.65)).toBe('all');
    expect(at(0, 'owned', 0.92)).toBe('outputs');
    expect(at(0, 'outputs', 0.86)).toBe('outputs');
    expect(at(0, 'outputs', 0.85)).toBe('owned');
  });

  it('comes to rest at every fill: a second look changes nothing', () => {
    for (let bytes = 0; bytes <= LIMIT + RESERVE; bytes += 25) {
      for (const from of INTAKES) {
        const once = at(bytes, from);
        expect([bytes, from, at(bytes, once)]).toEqual([bytes, from, once]);
      }
    }
  });
});

it('lends each class its share of the reserve only once the one before it is shut out', () => {
  const limits = INTAKES.map((intake) => limitWhile(intake, LIMIT, RESERVE));
  expect(limits).toEqual([...limits].sort((a, b) => a - b));
  expect([limits[0], limits.at(-1)]).toEqual([LIMIT, LIMIT + RESERVE]);
  // At the limit of its level every level goes on to the next one.
  INTAKES.slice(0, -1).forEach((intake, level) =>
    expect(INTAKES.indexOf(at(limits[level]!, intake))).toBeGreaterThan(level),
  );
});

describe('the guard', () => {
  const start = (
    more: { isLive?: () => boolean; crowding?: (leftOut: readonly string[]) => readonly string[] } = {},
  ) => {
    const clock = new HandClock();
    const journal = new MemoryJournal(clock);
    const logged: string[] = [];
    let reliefs = 0;
    const guard = new IntakeGuard({
      partition: 0,
      journal,
      beside: () => Promise.resolve(0),
      crowding: () => [],
      clock,
      everyMs: 1_000,
      isLive: () => true,
      relieve: () => void reliefs++,
      log: { info: () => undefined, warn: (message) => void logged.push(message) },
      ...more,
    });
    return { journal, guard, clock, logged, reliefs: () => reliefs };
  };

  it('shuts events out once, asks for relief at every look, and lets them in again', async () => {
    const { journal, guard, logged, reliefs } = start();
    journal.roomNow = { bytes: 800_000, limit: 1_000_000, reserve: 500_000, intake: 'all', leftOut: [] };
    await guard.look();
    await guard.look();
    expect(journal.takes).toEqual(['owned']);
    expect([reliefs(), guard.isPressed]).toEqual([2, true]);
    journal.roomNow = { ...journal.roomNow, bytes: 100_000 };
    await guard.look();
    expect(journal.takes).toEqual(['owned', 'all']);
    expect(guard.isPressed).toBe(false);
    expect(logged).toHaveLength(2);
  });

  it('changes nothing once another may own the journal', async () => {
    const { journal, guard } = start({ isLive: () => false });
    journal.roomNow = { ...journal.roomNow, bytes: 900_000 };
    await guard.look();
    expect(journal.takes).toEqual([]);
  });

  it('leaves out the apps that crowd, once, and lets them in again', async () => {
    let crowd: readonly string[] = ['flood'];
    const asked: (readonly string[])[] = [];
    const { journal, guard, logged } = start({
      crowding: (leftOut) => {
        asked.push(leftOut);
        return crowd;
      },
    });
    await guard.look();
    await guard.look();
    crowd = [];
    await guard.look();
    await guard.look();
    expect([journal.takes, journal.leavings]).toEqual([
      ['all', 'all'],
      [['flood'], []],
    ]);
    expect(asked).toEqual([[], ['flood'], ['flood'], []]);
    expect([guard.isPressed, logged]).toEqual([false, []]);
  });

  it('leaves nobody out of a journal that takes no events, and again once it does', async () => {
    const { journal, guard } = start({ crowding: () => ['flood'] });
    journal.roomNow = { ...journal.roomNow, bytes: 900_000 };
    await guard.look();
    journal.roomNow = { ...journal.roomNow, bytes: 0 };
    await guard.look();
    expect(journal.leavings).toEqual([[], ['flood']]);
  });

  it('looks again where it is hurried while it looks', async () => {
    let looks = 0;
    const { journal, guard } = start({ crowding: () => (looks++ === 0 ? [] : ['flood']) });
    const { room } = journal;
    let answer!: () => void;
    journal.room = () => new Promise((resolve) => (answer = () => resolve(journal.roomNow)));
    const looking = guard.look();
    await idle();
    guard.hurry();
    guard.hurry();
    journal.room = room;
    answer();
    await looking;
    await idle();
    expect([looks, journal.leavings]).toEqual([2, [['flood']]]);
  });

  it('does not ask first, in a hurry, what it saw a moment ago; how full the journal is the next look sees', async () => {
    let crowd: readonly string[] = [];
    const { journal, guard } = start({ crowding: () => crowd });
    await guard.look();
    const { room } = journal;
    journal.room = () => new Promise(() => undefined);
    crowd = ['flood'];
    guard.hurry();
    await idle();
    expect([journal.takes, journal.leavings]).toEqual([['all'], [['flood']]]);
    crowd = [];
    guard.hurry();
    await idle();
    expect(journal.leavings).toEqual([['flood'], []]);
    journal.room = room;
    journal.roomNow = { ...journal.roomNow, bytes: 900_000 };
    await guard.look();
    expect(journal.takes.at(-1)).toBe('owned');
  });

  describe('of a journal that is flooded', () => {
    const LIMIT_BYTES = 1_000_000;
    /** A flood that stores so many bytes a millisecond while events are taken; `seen` by the reader or not. */
    async function flood(bytesPerMs: number, forMs: number, seen: boolean, intoMs = 5) {
      const { journal, guard, clock } = start();
      const record = (sequence: number, bytes: number) => ({
        sequence,
        pending: 0,
        subject: 's'.repeat(50),
        payload: Buffer.alloc(bytes - 80),
      });
      journal.roomNow = { bytes: 0, limit: LIMIT_BYTES, reserve: 500_000, intake: 'all', leftOut: [] };
      guard.start();
      await clock.advance(intoMs);
      let most = 0;
      guard.arrived(record(1, 100));
      for (let ms = 0; ms < forMs; ms++) {
        if (journal.roomNow.intake === 'all') {
          journal.roomNow = { ...journal.roomNow, bytes: journal.roomNow.bytes + bytesPerMs };
          if (seen) guard.arrived(record(ms + 2, bytesPerMs));
        }
        most = Math.max(most, journal.roomNow.bytes);
        await clock.advance(1);
      }
      guard.stop();
      return { most, intake: journal.roomNow.intake };
    }

    it.each([1_000, 5_000, 20_000])(
      'shuts events out before the limit, at %i bytes a millisecond',
      async (bytesPerMs) => {
        const { most, intake } = await flood(bytesPerMs, 2_000, true);
        expect(intake).toBe('owned');
        expect(most).toBeLessThan(LIMIT_BYTES);
      },
    );

    it('looks as often as it fills, also where nothing is read', async () => {
      // Three quarters are full after two looks a second, were these all that there are.
      const { most, intake } = await flood(450, 2_500, false);
      expect(intake).toBe('owned');
      expect(most).toBeLessThan(0.8 * LIMIT_BYTES);
    });

    it('takes what was there before for no flood', async () => {
      const { journal, guard, clock } = start();
      journal.roomNow = { bytes: 600_000, limit: LIMIT_BYTES, reserve: 500_000, intake: 'all', leftOut: [] };
      let looks = 0;
      const { room } = journal;
      journal.room = () => (looks++, room());
      guard.start();
      await clock.advance(1);
      for (let sequence = 1; sequence <= 1000; sequence++)
        guard.arrived({ sequence, pending: 1000 - sequence, subject: 's', payload: Buffer.alloc(569) });
      await clock.advance(20);
      expect([looks, journal.roomNow.intake]).toEqual([1, 'all']);
      guard.stop();
    });
  });

  it('says once that it cannot look, and goes on looking', async () => {
    const { journal, guard, logged } = start();
    const { room } = journal;
    journal.room = () => Promise.reject(new Error('gone'));
    await guard.look();
    await guard.look();
    expect(logged).toHaveLength(1);
    journal.room = room;
    journal.roomNow = { ...journal.roomNow, bytes: 900_000 };
    await guard.look();
    expect(journal.takes).toEqual(['owned']);
  });
});
