import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { localKeeper } from '../../../../test/support/local-keeper.js';
import {
  Chainer,
  experience,
  InlineGate,
  MemoryArtifactStore,
  MemoryCheckpointStore,
  MemoryStream,
  MemoryVerdictStore,
  SURFACE,
  until,
} from '../../../../test/support/learning.js';
import { systemClock, type Clock } from '../../../kernel/clock.js';
import type { ExternalReply, ExternalVerb } from '../../../messages/external-learner.js';
import type { KeyValue } from '../../host/ports.js';
import { SimulatedBucket } from '../../simulated/bucket.js';
import { EngineError } from '../../../kernel/errors.js';
import { HeldOutSplit } from '../../../learners/promotion/holdout.js';
import type { Experience } from '../../../messages/decisions.js';
import { encodedArtifact, sealArtifact } from '../../../policies/artifact.js';
import { ThreadOpener } from '../../artifacts/thread-opener.js';
import { learnerSettingsSchema, type LearnerSettings } from '../settings.js';
import { decodeGateCheckpoint } from './checkpoint.js';
import { streamPlaceOf } from './cursor.js';
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
let verdicts: MemoryVerdictStore;
let bucket: SimulatedBucket;
let desks: ExternalLearnerDesk[];
let gateRunner: InlineGate;

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
  verdicts = new MemoryVerdictStore();
  bucket = new SimulatedBucket('leases', TTL_MS);
  desks = [];
  gateRunner = new InlineGate();
});
afterEach(() => Promise.all(desks.map((desk) => desk.stop())));

const opener = new ThreadOpener({ surfaces: [], clock: systemClock });
afterAll(() => opener.stop());

function openDesk(configured: LearnerSettings = settings): ExternalLearnerDesk {
  const still: Clock = { ...clock, after: () => () => undefined };
  const { keeper } = localKeeper({ leases, hosts: leases, clock: still, ttlMs: TTL_MS });
  const desk = new ExternalLearnerDesk(configured, {
    source: stream,
    artifacts,
    checkpoints,
    verdicts,
    opener,
    launchGate: () => gateRunner,
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
    expect(checkpoints.places).toEqual([streamPlaceOf(page.cursor)]);
    expect(streamPlaceOf(page.cursor)!.position).toBe(page.position);
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

  it('is told where an operator holds the policy: what it publishes is kept, and not live', async () => {
    const desk = openDesk();
    const { epoch } = await claim(desk);
    await ask(desk, 'publish', { epoch, ...publication(PARAMETERS) });
    artifacts.held = { by: 'ada', why: 'accepts fell', atMs: 1 };
    for (const version of [2, 3])
      expect(await ask(desk, 'publish', { epoch, ...publication(PARAMETERS) })).toMatchObject({
        version,
        outcome: 'held',
      });
    expect(desk.status()).toMatchObject({ mode: 'learning', version: 1, held: { by: 'ada', why: 'accepts fell' } });
    artifacts.held = undefined;
    expect(await ask(desk, 'publish', { epoch, ...publication(PARAMETERS) })).toMatchObject({
      version: 4,
      outcome: 'live',
    });
    expect(desk.status()).toMatchObject({ version: 4, held: null });
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

  it.each([
    ['ARTIFACT_TOO_LARGE', 20_000, 'x'.repeat(120)],
    ['JSON_TOO_MANY_KEYS', 40_000, ''],
  ])('refuses an artifact with %s: %i arms are more than it may publish', async (code, arms, padding) => {
    const desk = openDesk();
    const { epoch } = await claim(desk);
    const entries = Array.from({ length: arms }, (_, i) => [`${padding}${i}`, [1, 1]]);
    const text = JSON.stringify({ arms: Object.fromEntries(entries), prior: [1, 1] });
    for (let part = 0; part * 100_000 < text.length; part++)
      await ask(desk, 'upload', { epoch, upload: 'u', part, text: text.slice(part * 100_000, (part + 1) * 100_000) });
    const request = { epoch, ...publication(text), parameters: undefined, upload: 'u' };
    await expect(ask(desk, 'publish', request)).rejects.toMatchObject({ code });
    expect(artifacts.published).toEqual([]);
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

  it('saves a large state while the event loop goes on turning, and gives it back as it was', async () => {
    const desk = openDesk();
    const { epoch } = await claim(desk);
    // An odd length cuts a character in two at the end of every other piece.
    const piece = '🛺"\\\n'.repeat(20_000).slice(0, 99_999);
    const PIECES = 64;
    for (let part = 0; part < PIECES; part++) await ask(desk, 'upload', { epoch, upload: 'u', part, text: piece });
    let turns = 0;
    let over = false;
    const saved = ask(desk, 'save', { epoch, cursor: null, experiences: 3, upload: 'u' }).finally(() => (over = true));
    while (!over) {
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
    }
    await saved;
    expect(turns).toBeGreaterThanOrEqual(PIECES / 8);
    const again = await claim(desk);
    const texts: string[] = [];
    for (let part = 0; part < again.checkpoint!.parts; part++)
      texts.push((await ask(desk, 'load', { epoch: again.epoch, part })).text);
    expect(texts.join('') === piece.repeat(PIECES)).toBe(true);
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

describe('the gate of a learner in another process', () => {
  const gated = learnerSettingsSchema.parse({
    ...settings,
    batchSize: 4,
    publishEvery: 10,
    gate: { holdout: 0.5, decisionsMin: 20, decisionsMax: 200, patience: 60, effectiveMin: 10, weightMax: 4 },
  });
  const split = new HeldOutSplit('l', 0.5);
  const FIRST = '{"arms":{"a":[1,1],"b":[1,1]},"prior":[1,1]}';
  /** Shows the one arm nearly always. */
  const FOR_A = '{"arms":{"a":[40,2],"b":[2,40]},"prior":[1,1]}';
  const FOR_B = '{"arms":{"a":[2,40],"b":[40,2]},"prior":[1,1]}';
  let shown: number;
  beforeEach(() => {
    shown = 0;
  });

  /** Two arms in turn: a earns 1, b 0.5. */
  function show(decisions: number): void {
    if (shown > 4_000) throw new Error('nothing came of it');
    for (let n = 0; n < decisions; n++) {
      const id = shown % 2 === 0 ? 'a' : 'b';
      const log = { slate: [{ id, propensity: 0.5 }], eligible: ['a', 'b'], distribution: [0.5, 0.5] };
      const reward = id === 'a' ? 1 : 0.5;
      stream.push(chain.message(experience({ decisionId: `d${shown++}`, ...log, reward, rewardedId: id })));
    }
  }
  /** Claimed, with a first version live and a second on trial. */
  async function onTrial(parameters: string) {
    const desk = openDesk(gated);
    const { epoch } = await claim(desk);
    await ask(desk, 'publish', { epoch, ...publication(FIRST) });
    const reply = await ask(desk, 'publish', { epoch, ...publication(parameters, { experiences: 3 }) });
    return { desk, epoch, reply };
  }
  const settled = (desk: ExternalLearnerDesk) => desk.status().gate?.settled;

  it('puts all but the first version on trial, and makes it live once it is shown better', async () => {
    const { desk, epoch, reply } = await onTrial(FOR_A);
    expect(reply).toMatchObject({ version: 2, outcome: 'on-trial', checksum: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(artifacts.published.map(({ policy }) => policy.version)).toEqual([1]);
    expect(desk.status()).toMatchObject({
      version: 1,
      publishing: { publish: false, code: 'on-trial' },
      gate: { alias: { champion: 1, challenger: 2, anchor: 1 }, candidates: 1, current: { outcome: 'undecided' } },
    });
    await until(async () => {
      show(20);
      await ask(desk, 'renew', { epoch });
      return settled(desk)?.version === 2;
    });
    expect(artifacts.published.at(-1)).toMatchObject({
      policy: { version: 2 },
      parameters: JSON.parse(FOR_A),
      lineage: { parent: 1, experiences: 3 },
      checksum: reply.checksum,
    });
    expect(verdicts.recorded).toMatchObject([{ outcome: 'promoted', reason: 'better', version: 2, candidate: 1 }]);
    await until(() => desk.status().version === 2);
    expect(desk.status()).toMatchObject({ mode: 'learning', gate: { alias: { champion: 2, anchor: 1 } } });
  });

  it('rejects what is worse, with a verdict: it was live at no time, and the next candidate may come', async () => {
    const { desk, epoch } = await onTrial(FOR_B);
    await until(() => {
      show(20);
      return settled(desk)?.version === 2;
    });
    expect(verdicts.recorded).toMatchObject([{ outcome: 'rejected', version: 2, candidate: 1 }]);
    expect(artifacts.published).toHaveLength(1);
    expect(await ask(desk, 'publish', { epoch, ...publication(FOR_A) })).toMatchObject({
      version: 3,
      outcome: 'on-trial',
    });
    expect(desk.status()).toMatchObject({ version: 1, gate: { candidates: 2 } });
  });

  it('hands no held-out decision to the learner, nor a correction of one', async () => {
    const desk = openDesk(gated);
    const { epoch } = await claim(desk);
    show(40);
    for (let n = 0; n < 40; n++)
      stream.push(chain.message(experience({ decisionId: `d${n}`, status: 'corrected', reward: 9 })));
    const page = await ask(desk, 'next', { epoch, cursor: null, max: 512 });
    const ids = page.records.map((record) => (record.experience as Experience).decisionId);
    const learnable = Array.from({ length: 40 }, (_, n) => `d${n}`).filter((id) => !split.has(id));
    expect(learnable.length).toBeLessThan(40);
    expect(ids).toEqual([...learnable, ...learnable]);
    expect(page).toMatchObject({ position: 80, idle: true });
    await until(() => desk.status().gate?.heldOut === 40 - learnable.length);
  });

  it('takes one candidate at a time; the same once more is answered as before, and too early is no failure', async () => {
    const { desk, epoch, reply } = await onTrial(FOR_A);
    const again = await ask(desk, 'publish', { epoch, ...publication(FOR_A, { experiences: 3 }) });
    expect(again).toEqual(reply);
    await expect(ask(desk, 'publish', { epoch, ...publication(FOR_B) })).rejects.toMatchObject({
      family: 'Conflict',
      code: 'LEARNER_ON_TRIAL',
    });
    expect(desk.status()).toMatchObject({ mode: 'learning', failures: 0, reason: null, gate: { candidates: 1 } });
  });

  it('does not count evidence twice, however often the learner reads it', async () => {
    const { desk, epoch } = await onTrial(FOR_A);
    show(16);
    const held = Array.from({ length: 16 }, (_, n) => `d${n}`).filter((id) => split.has(id)).length;
    for (let n = 0; n < 3; n++) await ask(desk, 'next', { epoch, cursor: null, max: 512 });
    await until(() => desk.status().gate?.current?.decisions === held);
    for (let n = 0; n < 3; n++) await ask(desk, 'next', { epoch, cursor: null, max: 512 });
    expect(desk.status().gate).toMatchObject({ heldOut: held, current: { decisions: held } });
  });

  it('goes on with all its evidence where the desk is served next, and reaches the same verdict', async () => {
    const { desk } = await onTrial(FOR_A);
    show(16);
    const held = Array.from({ length: 16 }, (_, n) => `d${n}`).filter((id) => split.has(id)).length;
    await until(() => desk.status().gate?.current?.decisions === held);
    await desk.stop();
    const next = openDesk(gated);
    const { version } = await claim(next);
    expect(version).toBe(1);
    await until(() => next.status().gate?.current?.decisions === held);
    expect(next.status().gate).toMatchObject({ alias: { champion: 1, challenger: 2 }, candidates: 1, heldOut: held });
    await until(() => {
      show(20);
      return settled(next)?.version === 2;
    });
    expect(artifacts.published.map(({ policy }) => policy.version)).toEqual([1, 2]);
  });

  it.each(['publish', 'record', 'checkpoint'] as const)(
    'promotes once, though its %s failed at the promotion',
    async (where) => {
      const { desk } = await onTrial(FOR_A);
      let failures = 0;
      const fail = (): void => {
        if (failures++ === 0) throw new EngineError('Dependency', 'NATS_UNREACHABLE', 'gone');
      };
      const publish = artifacts.publish.bind(artifacts);
      artifacts.publish = async (artifact, epoch) => {
        if (where === 'publish') fail();
        return await publish(artifact, epoch);
      };
      const record = verdicts.record.bind(verdicts);
      verdicts.record = async (verdict) => {
        if (where === 'record') fail();
        await record(verdict);
      };
      const save = checkpoints.save.bind(checkpoints);
      checkpoints.save = async (...saved) => {
        if (where === 'checkpoint' && artifacts.published.length === 2) fail();
        await save(...saved);
      };
      const { length } = checkpoints.gates;
      await until(() => {
        if (failures === 0) show(20);
        return settled(desk)?.version === 2 && failures > 0 && checkpoints.gates.length > length;
      });
      expect(artifacts.published.map(({ policy }) => policy.version)).toEqual([1, 2]);
      const { cursor } = decodeGateCheckpoint(checkpoints.gates.at(-1)!, 'l', SURFACE);
      expect(checkpoints.places).toContainEqual(streamPlaceOf(cursor));
      expect(verdicts.recorded).toHaveLength(1);
      await until(() => desk.status().reason === null);
    },
  );

  it('rejects its challenger when somebody else has made another version live', async () => {
    const { desk, epoch } = await onTrial(FOR_A);
    const { checksum: _, ...first } = artifacts.published[0]!;
    await artifacts.publish(encodedArtifact(sealArtifact({ ...first, policy: { id: 'p', version: 9 } })), epoch);
    const reply = await ask(desk, 'publish', { epoch, ...publication(FOR_B) });
    expect(reply).toMatchObject({ version: 10, outcome: 'on-trial' });
    expect(verdicts.recorded).toMatchObject([{ candidate: 1, outcome: 'rejected', reason: 'live-changed' }]);
    expect(desk.status().gate).toMatchObject({ alias: { champion: 9, challenger: 10 } });
  });

  it('goes on from its checkpoint when its thread has ended: what is live stays, and no evidence counts twice', async () => {
    const { desk, epoch, reply } = await onTrial(FOR_A);
    show(16);
    const held = Array.from({ length: 16 }, (_, n) => `d${n}`).filter((id) => split.has(id)).length;
    await until(() => desk.status().gate?.current?.decisions === held);
    gateRunner.crash();
    show(2);
    const more = ['d16', 'd17'].filter((id) => split.has(id)).length;
    await until(() => desk.status().gate?.current?.decisions === held + more);
    expect(desk.status().gate).toMatchObject({ candidates: 1, heldOut: held + more, alias: { champion: 1 } });
    expect(artifacts.published).toHaveLength(1);
    gateRunner.crash();
    // The same once more: what was on trial is so still.
    expect(await ask(desk, 'publish', { epoch, ...publication(FOR_A, { experiences: 3 }) })).toEqual(reply);
    await expect(ask(desk, 'publish', { epoch, ...publication(FOR_B) })).rejects.toMatchObject({
      code: 'LEARNER_ON_TRIAL',
    });
    await until(() => {
      show(20);
      return settled(desk)?.version === 2;
    });
    expect(artifacts.published.map(({ policy }) => policy.version)).toEqual([1, 2]);
    await until(() => desk.status().reason === null);
  });

  it('puts nothing on trial that its surface cannot use', async () => {
    const { desk, epoch } = await onTrial(FOR_B);
    await until(() => {
      show(20);
      return settled(desk)?.version === 2;
    });
    await expect(
      ask(desk, 'publish', { epoch, ...publication('{"arms":{"a":["x",1]},"prior":[1,1]}') }),
    ).rejects.toMatchObject({ code: 'POLICY_PARAMETERS' });
    expect(desk.status()).toMatchObject({ mode: 'degraded', gate: { candidates: 1, current: null } });
  });

  it('does not take the checkpoint of anything else for its evidence', async () => {
    await checkpoints.save('l', Buffer.from('{"v":2,"learner":"l","kind":"external"}'), 1, 'gate');
    await expect(claim(openDesk(gated))).rejects.toMatchObject({ code: 'CHECKPOINT_FOREIGN' });
  });
});
