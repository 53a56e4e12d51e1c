import { describe, expect, it } from '@jest/globals';
import { jumpClock } from '../../../test/support/jump-clock.js';
import { EngineError } from '../../kernel/errors.js';
import type { ApiEvent, IngestAnswer } from '../api-client.js';
import { Outbox } from './outbox.js';

const event = (id: string): ApiEvent => ({ id, source: 's', type: 'click', subject: 'user/1' });

function outboxOf(answer: (events: readonly ApiEvent[]) => IngestAnswer) {
  const batches: string[][] = [];
  const counts = { accepted: 0, rejected: 0, codes: [] as string[] };
  const send = async (events: readonly ApiEvent[]): Promise<IngestAnswer> => {
    batches.push(events.map(({ id }) => id));
    return answer(events);
  };
  const outbox = new Outbox({ send }, jumpClock(), {
    sent: (accepted, rejected) => {
      counts.accepted += accepted;
      counts.rejected += rejected;
    },
    failed: (code) => counts.codes.push(code),
  });
  return { outbox, batches, counts };
}

const accept = (events: readonly ApiEvent[]): IngestAnswer => ({
  accepted: events.map(({ id }) => ({ id, token: '' })),
  rejected: [],
});

describe('Outbox', () => {
  it('sends in order, gathered into batches', async () => {
    const { outbox, batches, counts } = outboxOf(accept);
    await outbox.add([event('1')]);
    await outbox.add([event('2'), event('3')]);
    await outbox.flushed();
    expect(batches).toEqual([['1', '2', '3']]);
    expect(counts).toEqual({ accepted: 3, rejected: 0, codes: [] });
  });

  it('goes on after it was given nothing, and after it was idle', async () => {
    const { outbox, batches } = outboxOf(accept);
    await outbox.add([]);
    await outbox.flushed();
    await outbox.add([event('1')]);
    await outbox.flushed();
    await outbox.add([event('2')]);
    await outbox.flushed();
    expect(batches).toEqual([['1'], ['2']]);
  });

  it('counts what is refused and what is not delivered', async () => {
    const refusing = outboxOf((events) => ({
      accepted: [],
      rejected: [{ index: 0, id: events[0]!.id, code: 'EVENT_TOO_OLD', message: '', field: null }],
    }));
    await refusing.outbox.add([event('1')]);
    await refusing.outbox.flushed();
    expect(refusing.counts).toEqual({ accepted: 0, rejected: 1, codes: ['EVENT_TOO_OLD'] });
    const down = outboxOf(() => {
      throw new EngineError('Dependency', 'API_UNREACHABLE', 'down');
    });
    await down.outbox.add([event('1'), event('2')]);
    await down.outbox.flushed();
    expect(down.counts).toEqual({ accepted: 0, rejected: 2, codes: ['API_UNREACHABLE'] });
  });
});
