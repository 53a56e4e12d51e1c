import { describe, expect, it } from '@jest/globals';
import { jumpClock } from '../../../test/support/jump-clock.js';
import { EngineError } from '../../kernel/errors.js';
import type { ApiEvent, IngestAnswer } from '../api-client.js';
import { PickupSender } from './pickup-sender.js';
import type { Pickup } from './timetable.js';

const pickups = (...rows: number[]): Pickup[] =>
  rows.map((row) => ({ row, timeMs: Date.UTC(2014, 3, 1), cell: '882a100d65fffff' }));

/** Answers each batch by the next of `answers`; further ones are accepted. */
function apiOf(...answers: ((events: readonly ApiEvent[]) => IngestAnswer)[]) {
  const batches: (readonly ApiEvent[])[] = [];
  return {
    batches,
    send: async (events: readonly ApiEvent[]): Promise<IngestAnswer> => {
      batches.push(events);
      return (answers.shift() ?? accept)(events);
    },
  };
}

const accept = (events: readonly ApiEvent[]): IngestAnswer => ({
  accepted: events.map(({ id }) => ({ id, token: '0.1.x' })),
  rejected: [],
});

const rejecting =
  (code: string, ...indexes: number[]) =>
  (events: readonly ApiEvent[]): IngestAnswer => ({
    accepted: events.filter((_, i) => !indexes.includes(i)).map(({ id }) => ({ id, token: '0.1.x' })),
    rejected: indexes.map((index) => ({ index, id: events[index]!.id, code, message: 'no', field: null })),
  });

describe('PickupSender', () => {
  it('names each event by its row, for good', async () => {
    const api = apiOf();
    await new PickupSender(api, 'replay/f.csv', jumpClock()).send(pickups(7));
    expect(api.batches).toEqual([
      [
        {
          id: '7',
          source: 'replay/f.csv',
          type: 'pickup',
          subject: 'zone/882a100d65fffff',
          time: '2014-04-01T00:00:00.000Z',
        },
      ],
    ]);
  });

  it('sends again what the journal did not take, and only that, under the same id', async () => {
    const api = apiOf(rejecting('JOURNAL_TIMEOUT', 1), rejecting('RATE_LIMITED', 0));
    const sender = new PickupSender(api, 's', jumpClock());
    const accepted = await sender.send(pickups(1, 2, 3));
    expect(api.batches.map((batch) => batch.map(({ id }) => id))).toEqual([['1', '2', '3'], ['2'], ['2']]);
    expect(accepted.map(({ row }) => row).sort()).toEqual([1, 2, 3]);
    expect(sender.totals).toEqual({ accepted: 3, rejected: 0, repeated: 2, rejections: [] });
  });

  it('lists what is refused for good', async () => {
    const api = apiOf(rejecting('EVENT_TOO_OLD', 0));
    const sender = new PickupSender(api, 's', jumpClock());
    expect((await sender.send(pickups(5, 6))).map(({ row }) => row)).toEqual([6]);
    expect(sender.totals).toEqual({
      accepted: 1,
      rejected: 1,
      repeated: 0,
      rejections: [{ row: 5, code: 'EVENT_TOO_OLD', message: 'no' }],
    });
  });

  it('tries again while the API is out of reach, and gives up in the end', async () => {
    const down = (): IngestAnswer => {
      throw new EngineError('Dependency', 'API_UNREACHABLE', 'down');
    };
    const recovering = apiOf(down, down);
    const sender = new PickupSender(recovering, 's', jumpClock());
    expect(await sender.send(pickups(1))).toHaveLength(1);
    expect(sender.totals.repeated).toBe(2);
    const gone = new PickupSender({ send: async () => down() }, 's', jumpClock());
    await expect(gone.send(pickups(1))).rejects.toMatchObject({ code: 'API_UNREACHABLE' });
  });

  it('does not try again what the API refuses as a whole', async () => {
    const api = apiOf(() => {
      throw new EngineError('Unauthenticated', 'API_KEY_MISSING', 'no');
    });
    await expect(new PickupSender(api, 's', jumpClock()).send(pickups(1))).rejects.toMatchObject({
      code: 'API_KEY_MISSING',
    });
    expect(api.batches).toHaveLength(1);
  });
});
