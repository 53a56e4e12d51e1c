import { describe, expect, it } from '@jest/globals';
import type { DecisionBody } from '../../messages/decisions.js';
import { DEFAULT_FOLD_SETTINGS } from '../../messages/settings.js';
import type { ActorClient, EventIngress, OutgoingEvent } from '../ports.js';
import { DecisionLookup } from './decision-lookup.js';
import { Rewards } from './rewards.js';

const DECIDED_MS = Date.UTC(2025, 0, 6, 9);
const DAY = 86_400_000;
const { pastMaxMs } = DEFAULT_FOLD_SETTINGS.events;
const CELL = '882a100d67fffff';
const decisionId = 'abcdefgh.user.42';

/** Rewards of one decision at a time that the test sets, and what was journaled of them. */
function setup(slate: readonly string[] = ['a', 'b']) {
  const published: OutgoingEvent[] = [];
  const body = { atMs: DECIDED_MS, slate: slate.map((id) => ({ id })) } as unknown as DecisionBody;
  const actors: ActorClient = { request: async () => body };
  const ingress: EventIngress = {
    publish: async (events) => {
      published.push(...events);
      return events.map((_, i) => ({ status: 'stored' as const, sequence: i + 1, duplicate: false }));
    },
  };
  const clock = { now: DECIDED_MS, nowMs: () => clock.now };
  const rewards = new Rewards(new DecisionLookup(actors, undefined, 1000), ingress, clock as never, pastMaxMs);
  const give = async (reward: object, key?: string, afterMs = 0) => {
    clock.now = DECIDED_MS + afterMs;
    await rewards.give(decisionId, reward, key, { id: 'trace', app: 'app' });
    return JSON.parse(Buffer.from(published.at(-1)!.payload).toString()) as {
      id: string;
      time: string;
      data: Record<string, unknown>;
    };
  };
  return { give, published };
}

describe('a reward over HTTP', () => {
  it('is the same event, time and all, however late it comes again under its key', async () => {
    const { give } = setup();
    const { time, id, data } = await give({ value: 1 }, 'key');
    expect(time).toBe(new Date(DECIDED_MS).toISOString());
    for (const afterMs of [1, 1000, DAY, 3 * DAY])
      expect(await give({ value: 1 }, 'key', afterMs)).toMatchObject({ time, id, data });
  });

  it('is of a time that its actor takes, however long after the decision', async () => {
    const { give } = setup();
    for (const afterMs of [-1000, 3.5 * DAY, 7 * DAY, 30 * DAY + 1, 89 * DAY]) {
      const ageMs = DECIDED_MS + afterMs - Date.parse((await give({ value: 1 }, 'key', afterMs)).time);
      expect(ageMs).toBeLessThanOrEqual(pastMaxMs / 2);
      expect(ageMs).toBeGreaterThanOrEqual(-1000);
    }
  });

  it('is of now where nothing says that it may come again', async () => {
    const { give } = setup();
    expect((await give({ value: 1 }, undefined, 5000)).time).toBe(new Date(DECIDED_MS + 5000).toISOString());
  });

  it('may name a zone in any spelling of its cell', async () => {
    const { give, published } = setup([CELL]);
    for (const candidateId of [CELL, CELL.toUpperCase(), `0${CELL}`])
      expect((await give({ value: 1, candidateId })).data).toEqual({ decisionId, value: 1, candidateId: CELL });
    expect(published).toHaveLength(3);
  });

  it('is refused for what was not in the slate, also another cell', async () => {
    const { give, published } = setup(['a', CELL]);
    for (const candidateId of ['A', 'b', '882A100D65FFFFF', `0x${CELL}`])
      await expect(give({ value: 1, candidateId })).rejects.toMatchObject({
        code: 'CANDIDATE_NOT_IN_SLATE',
        field: 'candidateId',
      });
    expect(published).toEqual([]);
  });
});
