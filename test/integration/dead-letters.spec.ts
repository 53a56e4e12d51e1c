/** What a listing of dead letters costs the server, however many there are, and what it makes of those that are none. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { AckedPublisher } from '../../src/actors/nats/acked-publisher.js';
import { StreamDeadLetters } from '../../src/engine/dead-letters.js';
import { streams, subjects } from '../../src/messages/subjects.js';
import { startNatsWorld, type NatsWorld } from '../support/nats-world.js';

const LETTERS = 10_000;
/** A look at the stream, one at the newest letter of a partition, and four windows at most. */
const ROUND_TRIPS_MAX = 6;

let world: NatsWorld;
let letters: StreamDeadLetters;
let publisher: AckedPublisher;
let asked: string[];
let jsm: JetStreamManager;
const redriven: { readonly subject: string; readonly body: unknown }[] = [];

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

/** Page after page, to the end. */
async function* pagesOf(query: Parameters<StreamDeadLetters['list']>[0]) {
  for (let before: number | undefined; ;) {
    const { deadLetters, next } = await letters.list({ ...query, ...(before === undefined ? {} : { before }) });
    yield deadLetters;
    if (next === undefined) return;
    before = next;
  }
}

/** What the listing says, and what it asked JetStream for. */
async function listing(query: Parameters<StreamDeadLetters['list']>[0]) {
  await world.link.nc.flush();
  asked = [];
  const { deadLetters: listed } = await letters.list(query);
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
  jsm = await jetstreamManager(link.nc, { checkAPI: false });
  letters = new StreamDeadLetters(
    { link, jsm },
    {
      remote: async (subject, body) => {
        redriven.push({ subject, body });
        return { token: 't', outcome: 'applied' };
      },
    },
  );
});

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
    for await (const page of pagesOf({ limit: 1_000 })) seen.push(...page.map(({ sequence }) => sequence));
    expect(new Set(seen).size).toBe(LETTERS);
    expect(seen).toHaveLength(LETTERS);
  });

  it('goes on to the letters of a partition that lie on both sides of thousands of others', async () => {
    await publish([{ subject: subjects.deadLetter(1, 80_000), text: letter(1, 80_000) }]);
    const seen: number[] = [];
    for await (const page of pagesOf({ limit: 100, partition: 1 })) seen.push(...page.map(({ sequence }) => sequence));
    expect(seen).toEqual([80_000, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

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
    const { deadLetters: before } = await letters.list({ limit: 3 });
    expect(before.map(({ sequence }) => sequence)).toEqual([80_000, LETTERS, LETTERS - 1]);
    for (const i of garbage.keys())
      await expect(letters.redrive(0, 90_000 + i, 'ops')).rejects.toMatchObject({ code: 'DEAD_LETTER_UNKNOWN' });
    await letters.list({ limit: 3 });
    expect(world.link.unreadable.counts()).toMatchObject({ 'dead-letter': expect.any(Number) });
  });
});

describe('a letter of a record of more than 64 KB', () => {
  const subject = subjects.record(1, 'event', 'app', 'user', 'large', 'click');
  const payload = (bytes: number): Buffer => Buffer.from(JSON.stringify({ kind: 'x'.repeat(bytes) }));

  /** Stands in the journal, and its letter has the beginning. */
  async function rejected(whole: Buffer): Promise<number> {
    const [outcome] = await publisher.publish([{ subject, payload: whole }]);
    expect(outcome).toMatchObject({ status: 'stored' });
    const sequence = (await jsm.streams.getMessage(streams.journal(1), { last_by_subj: subject }))!.seq;
    const begun = whole.subarray(0, 64 * 1024).toString('base64');
    const body = { partition: 1, sequence, subject, reason: 'EVENT_MALFORMED', payload: begun, truncated: true };
    await publish([{ subject: subjects.deadLetter(1, sequence), text: JSON.stringify({ v: 2, at: 1, body }) }]);
    return sequence;
  }

  it('is redriven whole, from the journal, and is listed as cut', async () => {
    const whole = payload(100_000);
    const sequence = await rejected(whole);
    const { deadLetters } = await letters.list({ limit: 1, partition: 1 });
    expect(deadLetters).toMatchObject([{ sequence, truncated: true }]);
    expect(await letters.redrive(1, sequence, 'ops')).toMatchObject({ outcome: 'applied' });
    expect(redriven.at(-1)!.body).toMatchObject({ sequence, subject, payload: whole.toString('base64') });
  });

  it('is refused where the journal has been trimmed, or is too large to be journaled once more', async () => {
    const sent = redriven.length;
    const sequence = await rejected(payload(100_000));
    const large = await rejected(payload(230_000));
    await expect(letters.redrive(1, large, 'ops')).rejects.toMatchObject({ code: 'DEAD_LETTER_TOO_LARGE' });
    await jsm.streams.purge(streams.journal(1), { seq: sequence + 1 });
    await expect(letters.redrive(1, sequence, 'ops')).rejects.toMatchObject({ code: 'DEAD_LETTER_TRIMMED' });
    expect(redriven).toHaveLength(sent);
  });
});
