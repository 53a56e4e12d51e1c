import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { planStore, type StorePlan } from './store-plan.js';

const MB = 1024 * 1024;

/** Everything that the server would reserve at once, with every journal's limit raised. */
const total = (plan: StorePlan, partitions: number): number =>
  partitions * (plan.journal + plan.journalReserve + plan.snapshots) +
  plan.experience +
  plan.deadLetters +
  plan.state +
  plan.artifacts +
  plan.learnerCheckpoints +
  3 * plan.small +
  plan.policies;

describe('the plan of a store', () => {
  it('fits into the room there is, whatever it is, or is refused', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 1, max: 2 ** 40 }),
        fc.option(fc.integer({ min: 65_536, max: 2 ** 36 }), { nil: undefined }),
        (partitions, room, journalBytesMax) => {
          let plan: StorePlan;
          try {
            plan = planStore(room, partitions, { journalBytesMax });
          } catch (error) {
            expect(error).toMatchObject({ family: 'Configuration', code: 'STORE_TOO_SMALL' });
            return;
          }
          expect(total(plan, partitions)).toBeLessThan(room);
          expect(Object.values(plan).every((limit) => Number.isInteger(limit) && limit > 0)).toBe(true);
          if (journalBytesMax !== undefined) expect(plan.journal).toBe(journalBytesMax);
        },
      ),
    );
  });

  it('uses most of a large room', () => {
    const room = 100_000 * MB;
    expect(total(planStore(room, 16, {}), 16)).toBeGreaterThan(0.94 * room);
  });

  it('gives the least that each needs where the room is small', () => {
    const plan = planStore(64 * MB, 2, {});
    expect(plan.journal).toBeGreaterThanOrEqual(2 * MB);
    expect(plan.snapshots).toBeGreaterThanOrEqual(2 * MB);
    expect(plan.experience).toBeGreaterThanOrEqual(4 * MB);
  });

  it.each([
    [8 * MB, 2, {}, 'storage.bytesMax', /needs \d+\./],
    [
      1_000 * MB,
      16,
      { journalBytesMax: 100 * MB },
      'storage.journals.bytesMax',
      /storage\.journals\.bytesMax = 104857600/,
    ],
    [1_000 * MB, 1, { experienceBytesMax: 990 * MB }, 'storage.experience.bytesMax', /storage\.experience\.bytesMax/],
  ])(
    'refuses %i bytes for %i partitions with %j, and names the field',
    (room, partitions, settings, field, message) => {
      let thrown: unknown;
      try {
        planStore(room, partitions, settings);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ code: 'STORE_TOO_SMALL', field, message: expect.stringMatching(message) });
    },
  );
});
