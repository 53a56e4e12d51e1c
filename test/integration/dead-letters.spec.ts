/** What a listing of dead letters costs the server, however many there are, and what it makes of those that are none. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { AckedPublisher } from '../../src/actors/nats/acked-publisher.js';
import { StreamDeadLetters } from '../../src/engine/dead-letters.js';
import { subjects } from '../../src/messages/subjects.js';
import { startNatsWorld, type NatsWorld } from '../support/nats-world.js';

const LETTERS = 10_000;
/** A look at the stream, one at the newest letter of a partition, and four windows at most. */
const ROUND_TRIPS_MAX = 6;

let world: NatsWorld;
let letters: StreamDeadLetters;
let publisher: AckedPublisher;
let asked: string[];

const letter = (partition: number, sequence: number): string =>
  JSON.stringify({
    v: 2,
    at: 1_700_000_000_000 + sequence,
    body: { partition, sequence, subject: 'attune.p.0.event.app.user.u.x', reason: 'EVENT_MALFORMED', payload: '{}' },
  });

async function publish(messages: readonly { readonly subject: string; readonly text: string }[]): Promise<void> {
  const outcomes = await publisher.publish(
    messages.map(({ subject, text }) => ({ subject, payload: Buffer.from(text) })),
  );
  expect(outcomes.filter(({ status }) => status !== 'stored')).toEqual([]);
}

/** What the listing says, and what it asked JetStream for. */
async function listing(query: Parameters<StreamDeadLetters['list']>[0]) {
  await world.link.nc.flush();
  asked = [];
  const listed = await letters.list(query);
  await world.link.nc.flush();
  return { listed, asked };
}

beforeAll(async () => {
  world = await startNatsWorld({ partitions: 2, leaseTtlMs: 5_000 });
  const { link } = world;
  publisher = new AckedPublisher(link, { ackTimeoutMs: 30_000 });
  // All letters of partition 1 lie far behind those of partition 0.
  for (let from = 1; from <= LETTERS; from += 1_000) {
    await publish(
      Array.from({ length: 1_000 }, (_, i) => from + i).map((sequence) => {
        const partition = sequence <= 10 ? 1 : 0;
        return { subject: subjects.deadLetter(partition, sequence), text: letter(partition, sequence) };
      }),
    );
  }
  link.nc.subscribe('$JS.API.>', { callback: (_, message) => void asked?.push(message.subject) });
  const jsm = await jetstreamManager(link.nc, { checkAPI: false });
  letters = new StreamDeadLetters({ link, jsm }, { remote: () => Promise.reject(new Error('not redriven here')) });
}, 120_000);

afterAll(() => world.dispose());

describe(`a listing of ${LETTERS} dead letters`, () => {
  it.each([
    ['the newest', { limit: 100 }, 100],
    ['as many as may be asked for', { limit: 1_000 }, 1_000],
    ['those of one partition, the newest', { limit: 100, partition: 0 }, 100],
    ['those of a partition whose letters lie behind thousands of others', { limit: 100, partition: 1 }, 10],
    ['a page in the middle', { limit: 100, before: 5_000 }, 100],
    ['a page before the first', { limit: 100, before: 1 }, 0],
  ])(
    `asks the server ${ROUND_TRIPS_MAX} times at most for %s`,
    async (_, query, count) => {
      const { listed, asked } = await listing(query);
      expect(listed).toHaveLength(count);
      expect(asked.length).toBeGreaterThan(0);
      expect(asked.length).toBeLessThanOrEqual(ROUND_TRIPS_MAX);
      const cursors = listed.map(({ cursor = 0 }) => cursor);
      expect(cursors).toEqual([...cursors].sort((a, b) => b - a));
    },
    60_000,
  );

  it('has every letter on one of its pages, once', async () => {
    const seen: number[] = [];
    for (let before: number | undefined; ;) {
      const page = await letters.list({ limit: 1_000, ...(before === undefined ? {} : { before }) });
      if (page.length === 0) break;
      seen.push(...page.map(({ sequence }) => sequence));
      before = page.at(-1)!.cursor;
    }
    expect(new Set(seen).size).toBe(LETTERS);
    expect(seen).toHaveLength(LETTERS);
  }, 60_000);

  it('passes over what is no letter, says so once, and redrives none of it', async () => {
    const garbage = [
      '',
      'null',
      '[]',
      '{',
      '{"at":1}',
      '{"at":"x","body":{}}',
      '\u0000',
      '['.repeat(200_000),
      '{"at":1,"body":null}',
    ];
    await publish(garbage.map((text, i) => ({ subject: subjects.deadLetter(0, 90_000 + i), text })));
    const before = await letters.list({ limit: 3 });
    expect(before.map(({ sequence }) => sequence)).toEqual([LETTERS, LETTERS - 1, LETTERS - 2]);
    for (const i of garbage.keys())
      await expect(letters.redrive(0, 90_000 + i, 'ops')).rejects.toMatchObject({ code: 'DEAD_LETTER_UNKNOWN' });
    await letters.list({ limit: 3 });
    expect(world.link.unreadable.counts()).toMatchObject({ 'dead-letter': expect.any(Number) });
  }, 60_000);
});
