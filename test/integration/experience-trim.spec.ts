/** The experience stream on a real server: trimmed where it fills, and never past what somebody has yet to read. */
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CheckpointPart } from '../../src/actors/learner/checkpoint.js';
import { openLearnerPorts, type NatsLearnerPorts } from '../../src/actors/learner/nats-learner-ports.js';
import { journalInfoOf } from '../../src/actors/nats/stream-info.js';
import { ExperienceTrim, type ExperienceTrimOptions } from '../../src/engine/experience-trim.js';
import { declaredLearners } from '../../src/engine/learner-role.js';
import { systemClock } from '../../src/kernel/clock.js';
import { streams, subjects } from '../../src/messages/subjects.js';
import { startNatsWorld, type NatsWorld } from '../support/nats-world.js';

const LIMIT = 4 * 1024 * 1024;
const MESSAGE_BYTES = 64 * 1024;
/** So many fill it to three quarters. */
const FILLING = Math.ceil((0.75 * LIMIT) / MESSAGE_BYTES);
const DAY_MS = 86_400_000;

let world: NatsWorld;
let jsm: JetStreamManager;
let ports: NatsLearnerPorts;
let logged: { message: string; heldBy?: unknown }[];

beforeEach(async () => {
  world = await startNatsWorld({ partitions: 1, leaseTtlMs: 1_000, storage: { experienceBytesMax: LIMIT } });
  jsm = await jetstreamManager(world.link.nc);
  ports = await openLearnerPorts(world.link, 1, systemClock, { reseal: () => Promise.reject(new Error('unused')) });
  logged = [];
});
afterEach(() => world.dispose());

async function fill(messages: number): Promise<void> {
  const js = jetstream(world.link.nc);
  const payload = new Uint8Array(MESSAGE_BYTES - 100);
  for (let i = 0; i < messages; i++) await js.publish(subjects.experience('rider.pickup'), payload);
}

const identityNow = async (): Promise<string> => journalInfoOf(await jsm.streams.info(streams.experience)).identity;

async function saved(id: string, position: number, part: CheckpointPart = 'learner', identity?: string): Promise<void> {
  const place = { identity: identity ?? (await identityNow()), position };
  await ports.checkpoints.save(id, Buffer.from('state'), 1, part, place);
}

/** The first sequence that is left after a look. */
async function firstAfter(
  options: Partial<ExperienceTrimOptions> & Pick<ExperienceTrimOptions, 'declared'>,
  last = FILLING,
): Promise<number> {
  const note = (message: string, fields: object = {}): void => void logged.push({ message, ...fields });
  const trim = new ExperienceTrim({
    jsm,
    pointers: ports.pointers,
    keptMs: 30 * DAY_MS,
    factsPosition: () => Infinity,
    clock: systemClock,
    log: { info: note, warn: note },
    ...options,
  });
  await trim.look();
  const { state } = await jsm.streams.info(streams.experience);
  expect(state.last_seq).toBe(last);
  return state.first_seq;
}

const learners = (...ids: string[]) => ids.map((id) => ({ id, hasOwnGate: false }));

describe('the experience stream', () => {
  it('goes as far as the slowest learner has saved, and no further', async () => {
    await fill(FILLING);
    await saved('fast', 40);
    await saved('slow', 7);
    expect(await firstAfter({ declared: learners('fast', 'slow') })).toBe(8);
    await saved('slow', 30);
    expect(await firstAfter({ declared: learners('fast', 'slow') })).toBe(31);
  });

  it('is kept whole for a learner that has saved nothing, and says for whom', async () => {
    await fill(FILLING);
    await saved('fast', 40);
    expect(await firstAfter({ declared: learners('fast', 'new') })).toBe(1);
    expect(logged).toMatchObject([{ heldBy: 'checkpoint.new' }]);
  });

  it('is kept for a learner whose checkpoint does not say what it covers, or covers another stream', async () => {
    await fill(FILLING);
    await ports.checkpoints.save('old', Buffer.from('state'), 1, 'learner', undefined);
    expect(await firstAfter({ declared: learners('old') })).toBe(1);
    await saved('old', 40, 'learner', 'another');
    expect(await firstAfter({ declared: learners('old') })).toBe(1);
  });

  it('is kept for the gate of a learner that runs elsewhere', async () => {
    await fill(FILLING);
    await saved('outside', 40);
    const [outside] = declaredLearners([{ id: 'outside', kind: 'external', surface: 's', policy: 'p', gate: {} }]);
    expect(await firstAfter({ declared: [outside!] })).toBe(1);
    await saved('outside', 20, 'gate');
    expect(await firstAfter({ declared: [outside!] })).toBe(21);
  });

  it('is kept for learners that only others declare, as long as these may have something to read', async () => {
    await fill(FILLING);
    await saved('here', 40);
    await saved('elsewhere', 0);
    expect(await firstAfter({ declared: learners('here') })).toBe(1);
    expect(logged).toMatchObject([{ heldBy: 'checkpoint.elsewhere' }]);
    // One that has saved nothing for as long as experience is kept has gone; one that is declared never has.
    const clock = { ...systemClock, nowMs: () => Date.now() + 31 * DAY_MS };
    expect(await firstAfter({ declared: learners('here', 'elsewhere'), clock })).toBe(1);
    expect(await firstAfter({ declared: learners('here'), clock })).toBe(41);
  });

  it('is kept for the facts sink', async () => {
    await fill(FILLING);
    await saved('fast', 40);
    const identity = await identityNow();
    const factsPosition = (of: string): number => (of === identity ? 12 : 0);
    expect(await firstAfter({ declared: learners('fast'), factsPosition: () => 0 })).toBe(1);
    expect(logged).toMatchObject([{ heldBy: 'the facts sink' }]);
    expect(await firstAfter({ declared: learners('fast'), factsPosition })).toBe(13);
  });

  it('keeps what is not old while it has room, whoever has read it', async () => {
    await fill(10);
    await saved('fast', 10);
    expect(await firstAfter({ declared: learners('fast') }, 10)).toBe(1);
  });

  it('can be emptied without losing its count', async () => {
    await fill(FILLING);
    await saved('fast', FILLING);
    expect(await firstAfter({ declared: learners('fast') })).toBe(FILLING + 1);
    await fill(1);
    expect((await jsm.streams.info(streams.experience)).state).toMatchObject({
      first_seq: FILLING + 1,
      last_seq: FILLING + 1,
    });
  });

  it('is nobody’s, and goes, where there is no learner and no sink', async () => {
    await fill(FILLING);
    expect(await firstAfter({ declared: [] })).toBe(FILLING + 1);
  });

  it('is kept where a pointer cannot be read', async () => {
    await fill(FILLING);
    await saved('fast', 40);
    const pointers = { keys: async () => [], get: async () => ({ value: Buffer.from('no'), revision: 1 }) };
    expect(await firstAfter({ declared: learners('fast'), pointers })).toBe(1);
    expect(logged).toMatchObject([{ message: 'the experience stream could not be looked after' }]);
  });
});
