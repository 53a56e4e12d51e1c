import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { localKeeper } from '../../../../test/support/local-keeper.js';
import {
  Chainer,
  experience,
  MemoryArtifactStore,
  MemoryCheckpointStore,
  MemoryStream,
  SURFACE,
} from '../../../../test/support/learning.js';
import { systemClock, type Clock } from '../../../kernel/clock.js';
import type { ExternalReply, ExternalVerb } from '../../../messages/external-learner.js';
import type { KeyValue } from '../../host/ports.js';
import { SimulatedBucket } from '../../simulated/bucket.js';
import { learnerSettingsSchema } from '../settings.js';
import { ExternalLearnerDesk } from './desk.js';

const TTL_MS = 1_000;
const settings = learnerSettingsSchema.parse({
  id: 'l',
  kind: 'external',
  surface: SURFACE,
  policy: 'p',
  config: { prior: [1, 1] },
});

let nowMs: number;
let stream: MemoryStream;
let chain: Chainer;
let artifacts: MemoryArtifactStore;
let checkpoints: MemoryCheckpointStore;
let bucket: SimulatedBucket;
let desks: ExternalLearnerDesk[];

/** Leases run by hand; waits for records are real, and short. */
const clock: Clock = { ...systemClock, monotonicMs: () => nowMs, nowMs: () => nowMs };
const leases: KeyValue = {
  get: (key) => Promise.resolve(bucket.get(key, nowMs)),
  put: (key, value, expected) => Promise.resolve(bucket.put(key, value, expected, nowMs)),
  remove: (key, expected) => Promise.resolve(bucket.remove(key, expected, nowMs)),
  keys: (prefix) => Promise.resolve(bucket.keys(prefix, nowMs)),
};

beforeEach(() => {
  nowMs = 0;
  stream = new MemoryStream();
  chain = new Chainer();
  artifacts = new MemoryArtifactStore();
  checkpoints = new MemoryCheckpointStore();
  bucket = new SimulatedBucket('leases', TTL_MS);
  desks = [];
});
afterEach(() => Promise.all(desks.map((desk) => desk.stop())));

function openDesk(): ExternalLearnerDesk {
  const still: Clock = { ...clock, after: () => () => undefined };
  const { keeper } = localKeeper({ leases, hosts: leases, clock: still, ttlMs: TTL_MS });
  const desk = new ExternalLearnerDesk(settings, {
    source: stream,
    artifacts,
    checkpoints,
    clock,
    ttlMs: TTL_MS,
    leaseFor: (owner) => keeper.acquire({ key: 'learner.l', owner, renewal: 'asking' }),
  });
  desks.push(desk);
  return desk;
}

/** A process sends the secret of its session with every request; so does `ask`, by the epoch. */
const sessions = new Map<number, string>();
async function ask<V extends ExternalVerb>(desk: ExternalLearnerDesk, verb: V, request: object) {
  const { epoch } = request as { epoch?: number };
  const named = epoch === undefined ? request : { session: sessions.get(epoch), ...request };
  const reply = (await desk.handle(verb, Buffer.from(JSON.stringify(named)))) as ExternalReply<V>;
  if (verb === 'claim') {
    const claimed = reply as ExternalReply<'claim'>;
    sessions.set(claimed.epoch, claimed.session);
  }
  return reply;
}
const claim = (desk: ExternalLearnerDesk, instance = 'i') => ask(desk, 'claim', { worker: 'w', instance });
const happen = (...rewards: number[]): void =>
  rewards.forEach((reward) => void stream.push(chain.message(experience({ reward }))));
const publication = (text: string, part: object = {}) => ({
  schema: 1,
  family: 'beta-thompson',
  parameters: text,
  sha256: createHash('sha256').update(text).digest('hex'),
  cursor: null,
  experiences: 0,
  ...part,
});
const PARAMETERS = '{"arms":{"a":[2.0,1e0]},"prior":[1,1]}';

describe('the desk of a learner in another process', () => {
  it('tells whoever claims what to learn, and where it stopped', async () => {
    const desk = openDesk();
    expect(desk.status()).toMatchObject({ mode: 'standby', reason: 'No process has claimed it.' });
    const first = await claim(desk);
    expect(first).toMatchObject({
      learner: 'l',
      surface: SURFACE,
      policy: 'p',
      config: { prior: [1, 1] },
      version: null,
      checkpoint: null,
      ttlMs: TTL_MS,
    });
    const { epoch } = first;
    happen(1, 0);
    const page = await ask(desk, 'next', { epoch, cursor: null });
    await ask(desk, 'save', { epoch, cursor: page.cursor, experiences: 2, state: '{"sum":1}' });
    const again = await claim(desk);
    expect(again.epoch).toBeGreaterThan(epoch);
    expect(again.checkpoint).toMatchObject({ cursor: page.cursor, experiences: 2, parts: 1 });
    expect(await ask(desk, 'load', { epoch: again.epoch, part: 0 })).toEqual({ part: 0, parts: 1, text: '{"sum":1}' });
    expect(desk.status()).toMatchObject({ mode: 'learning', learned: 2 });
  });

  it('gives each experience of its surface once, in order, and goes on behind any cursor', async () => {
    const desk = openDesk();
    const { epoch } = await claim(desk);
    happen(1, 2);
    stream.push(chain.message(experience({ reward: 9 }), 'another.surface'));
    happen(3);
    // A host that was not sure published its outputs once more.
    const repeated = stream.records[1]!;
    stream.push(repeated);
    happen(4);
    const rewards = (page: ExternalReply<'next'>) =>
      page.records.map((r) => (r.experience as { reward: number }).reward);
    const one = await ask(desk, 'next', { epoch, cursor: null, max: 2 });
    const two = await ask(desk, 'next', { epoch, cursor: one.cursor, max: 100 });
    expect([rewards(one), rewards(two)]).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(two).toMatchObject({ idle: true, position: 6 });
    expect(desk.status().skipped).toEqual({ past: 1, ahead: 0, malformed: 0 });
    expect(rewards(await ask(desk, 'next', { epoch, cursor: one.cursor, max: 100 }))).toEqual([3, 4]);
    const nothing = await ask(desk, 'next', { epoch, cursor: two.cursor, waitMs: 5 });
    expect(nothing).toEqual({ records: [], cursor: two.cursor, position: 6, idle: true });
  });

  it('does not let a page outgrow a message', async () => {
    const desk = openDesk();
    const { epoch } = await claim(desk);
    for (let i = 0; i < 6; i++) stream.push(chain.message(experience({ context: { text: 'x'.repeat(200_000) } })));
    let cursor: string | null = null;
    const sizes: number[] = [];
    for (let done = 0; done < 6;) {
      const page: ExternalReply<'next'> = await ask(desk, 'next', { epoch, cursor });
      sizes.push(page.records.length);
      expect(JSON.stringify(page).length).toBeLessThan(1024 * 1024);
      expect(page.idle).toBe(page.position === 6);
      done += page.records.length;
      cursor = page.cursor;
    }
    expect(sizes).toEqual([2, 2, 2]);
  });

  it('publishes the next version of its own policy, whatever the numbers look like', async () => {
    const desk = openDesk();
    const { epoch } = await claim(desk);
    const first = await ask(desk, 'publish', { epoch, ...publication(PARAMETERS) });
    const second = await ask(desk, 'publish', { epoch, ...publication(PARAMETERS, { experiences: 7 }) });
    expect([first.version, second.version]).toEqual([1, 2]);
    expect(artifacts.published[1]).toMatchObject({
      policy: { id: 'p', version: 2 },
      parameters: { arms: { a: [2, 1] }, prior: [1, 1] },
      lineage: { learner: 'l', parent: 1, experiences: 7 },
      checksum: second.checksum,
    });
    expect(desk.status()).toMatchObject({ version: 2, reason: null });
  });

  it.each([
    ['ARTIFACT_CHECKSUM', { sha256: '0'.repeat(64) }],
    ['ARTIFACT_SCHEMA', { schema: 2 }],
    ['ARTIFACT_FAMILY_UNKNOWN', { family: 'oracle' }],
    ['POLICY_PARAMETERS', publication('{"arms":{"a":["x",1]},"prior":[1,1]}')],
    ['POLICY_PARAMETERS', publication('{"arms":{},"prior":[0,0]}')],
    ['ARTIFACT_MALFORMED', publication('{"arms":{"a":[NaN,1]},"prior":[1,1]}')],
    ['ARTIFACT_NOT_FINITE', publication('{"arms":{"a":[1e999,1]},"prior":[1,1]}')],
    ['CURSOR_INVALID', { cursor: 'nonsense' }],
    ['INVALID_REQUEST', { parameters: undefined }],
    ['UPLOAD_UNKNOWN', { parameters: undefined, upload: 'u' }],
  ])('refuses an artifact and says %s; the last good one stays', async (code, part) => {
    const desk = openDesk();
    const { epoch } = await claim(desk);
    await ask(desk, 'publish', { epoch, ...publication(PARAMETERS) });
    await expect(ask(desk, 'publish', { epoch, ...publication(PARAMETERS), ...part })).rejects.toMatchObject({ code });
    expect(artifacts.published).toHaveLength(1);
    expect(desk.status()).toMatchObject({ mode: 'degraded', version: 1, failures: 1 });
    expect(desk.status().reason).toContain(code);
  });

  it('takes long texts in parts', async () => {
    const desk = openDesk();
    const { epoch } = await claim(desk);
    const state = '🛺"\\'.repeat(70_000);
    const pieces = [state.slice(0, 100_000), state.slice(100_000, 220_000), state.slice(220_000)];
    const send = (part: number) => ask(desk, 'upload', { epoch, upload: 'u', part, text: pieces[part]! });
    await expect(send(1)).rejects.toMatchObject({ code: 'UPLOAD_OUT_OF_ORDER' });
    for (const part of [0, 0, 1, 1, 2]) await send(part);
    await ask(desk, 'save', { epoch, cursor: null, experiences: 0, upload: 'u' });
    await expect(ask(desk, 'save', { epoch, cursor: null, experiences: 0, upload: 'u' })).rejects.toMatchObject({
      code: 'UPLOAD_UNKNOWN',
    });
    const again = await claim(desk);
    const parts = Array.from({ length: again.checkpoint!.parts }, (_, part) => part);
    expect(parts.length).toBeGreaterThan(1);
    const texts = await Promise.all(parts.map((part) => ask(desk, 'load', { epoch: again.epoch, part })));
    expect(texts.map(({ text }) => text).join('')).toBe(state);
    await expect(ask(desk, 'load', { epoch: again.epoch, part: parts.length })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      field: 'part',
    });
  });

  it('serves one process at a time, another one once the lease has run out, and the first no more', async () => {
    const desk = openDesk();
    const { epoch } = await claim(desk, 'first');
    await expect(claim(desk, 'second')).rejects.toMatchObject({ code: 'LEARNER_LEASE_HELD', retryAfterMs: TTL_MS });
    for (let i = 0; i < 5; i++) {
      nowMs += TTL_MS / 2;
      await ask(desk, 'renew', { epoch });
    }
    nowMs += TTL_MS;
    const later = await claim(desk, 'second');
    expect(later.epoch).toBeGreaterThan(epoch);
    for (const [verb, request] of [
      ['renew', {}],
      ['next', { cursor: null }],
      ['upload', { upload: 'u', part: 0, text: '' }],
      ['publish', publication(PARAMETERS)],
      ['save', { cursor: null, experiences: 0, state: '' }],
      ['load', { part: 0 }],
      ['release', {}],
    ] as const)
      await expect(ask(desk, verb, { ...request, epoch })).rejects.toMatchObject({ code: 'LEARNER_LEASE_LOST' });
    expect(artifacts.published).toEqual([]);
    await ask(desk, 'release', { epoch: later.epoch });
    expect((await claim(desk, 'first')).epoch).toBeGreaterThan(later.epoch);
  });

  it('does not take an epoch for a session: who has guessed it gets nothing, changes nothing and renews nothing', async () => {
    const desk = openDesk();
    const { epoch, session } = await claim(desk);
    expect(session.length).toBeGreaterThanOrEqual(22);
    nowMs += TTL_MS / 2;
    for (const guess of ['', 'guess', session.slice(1), `${session}x`, session.toLowerCase()].filter(
      (g) => g !== session,
    ))
      for (const [verb, request] of [
        ['renew', {}],
        ['next', { cursor: null }],
        ['upload', { upload: 'u', part: 0, text: '' }],
        ['publish', publication(PARAMETERS)],
        ['save', { cursor: null, experiences: 0, state: '' }],
        ['load', { part: 0 }],
        ['release', {}],
      ] as const)
        await expect(ask(desk, verb, { ...request, epoch, session: guess })).rejects.toMatchObject({
          code: guess === '' ? 'INVALID_REQUEST' : 'LEARNER_LEASE_LOST',
        });
    expect([artifacts.published, desk.status().failures]).toEqual([[], 0]);
    await ask(desk, 'renew', { epoch, session });
    nowMs += TTL_MS / 2;
    await expect(ask(desk, 'renew', { epoch, session: 'guess' })).rejects.toMatchObject({ code: 'LEARNER_LEASE_LOST' });
    nowMs += TTL_MS / 2;
    await expect(ask(desk, 'renew', { epoch, session })).rejects.toMatchObject({ code: 'LEARNER_LEASE_LOST' });
    const again = await claim(desk);
    expect(again.session).not.toBe(session);
    await expect(ask(desk, 'renew', { epoch: again.epoch, session })).rejects.toMatchObject({
      code: 'LEARNER_LEASE_LOST',
    });
  });

  it('is moved: the same process goes on at once where it is served next, another one has to wait', async () => {
    const [desk, next] = [openDesk(), openDesk()];
    const { epoch } = await claim(desk, 'first');
    await desk.stop();
    await expect(ask(desk, 'renew', { epoch })).rejects.toMatchObject({ code: 'LEARNER_LEASE_LOST' });
    await expect(claim(next, 'second')).rejects.toMatchObject({ code: 'LEARNER_LEASE_HELD' });
    await expect(ask(next, 'renew', { epoch })).rejects.toMatchObject({ code: 'LEARNER_LEASE_LOST' });
    expect((await claim(next, 'first')).epoch).toBeGreaterThan(epoch);
  });

  it.each([
    ['dance', '{}', 'UNKNOWN_VERB'],
    ['claim', 'not JSON', 'INVALID_REQUEST'],
    ['claim', '{"worker":"w"}', 'INVALID_REQUEST'],
    ['claim', '{"worker":"w","instance":"i","more":1}', 'INVALID_REQUEST'],
    ['renew', '{"epoch":1,"session":"s"}', 'LEARNER_LEASE_LOST'],
    ['renew', '{"epoch":1}', 'INVALID_REQUEST'],
    ['renew', '{"epoch":1,"session":null}', 'INVALID_REQUEST'],
  ])('answers %s of %s with %s', async (verb, payload, code) => {
    await expect(openDesk().handle(verb, Buffer.from(payload))).rejects.toMatchObject({ code });
  });

  it('does not hand a checkpoint of another kind of learner to a process that cannot read it', async () => {
    await checkpoints.save('l', Buffer.from('{"v":2,"learner":"l","kind":"beta-thompson"}'), 1);
    await expect(claim(openDesk())).rejects.toMatchObject({ code: 'CHECKPOINT_FOREIGN' });
  });
});
