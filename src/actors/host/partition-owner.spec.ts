import { beforeEach, describe, expect, it } from '@jest/globals';
import { HostWorld, idle, tallyKind, type Tally } from '../../../test/support/host-world.js';
import { RECORD_VERSION } from '../../messages/versions.js';
import { subjects } from '../../messages/subjects.js';
import type { ActorKind } from './actor-kind.js';

let world: HostWorld;

beforeEach(() => {
  world = new HostWorld();
});

type Owner = ReturnType<HostWorld['owner']>;

const ask = (owner: Owner, verb: string, body: unknown, token = 'a'): Promise<any> =>
  owner.request({ kind: 'user', token }, verb, body);
const view = (owner: Owner, token?: string): Promise<Tally> => ask(owner, 'view', {}, token);
const barrier = (epoch: number, more: object = {}): number =>
  world.journal.write(subjects.control(0, 'barrier'), {
    v: RECORD_VERSION,
    term: [epoch, 0],
    host: 'other',
    settings: world.owner(1)['options'].settings,
    ...more,
  });

describe('what comes from anybody', () => {
  it('is rejected where its id is half a surrogate pair, and is no poison', async () => {
    const owner = await world.serve(1);
    world.event('add', { id: '\ud800' });
    world.event('add', { id: 'x' });
    world.event('add', { id: 'x' });
    await idle();
    expect(owner.status().counters).toMatchObject({ poisoned: 0, rejected: 1, duplicates: 1 });
    expect(await view(owner)).toMatchObject({ sum: 1 });
  });
});

describe('poison', () => {
  const limits = { poisonShareMax: 0.02, poisonWindowRecords: 100 };

  it('above its share stops the partition, with no verdict on what is above it', async () => {
    const owner = await world.serve(1, {}, limits);
    for (let i = 0; i < 5; i++) world.event('boom');
    await idle();
    expect(owner.status()).toMatchObject({ phase: 'refused', reason: expect.stringContaining('POISON_SHARE') });
    expect(world.journal.bodies('control').filter(({ reason }) => reason)).toHaveLength(2);
  });

  it('that a bad release has left behind does not keep a mended one from going on', async () => {
    await world.serve(1, {}, limits);
    for (let i = 0; i < 5; i++) world.event('boom');
    await idle();
    const mended = {
      ...tallyKind,
      fold: (state: Tally, record: never, ctx: never) => {
        const { event } = record as { event?: { type: string } };
        if (event?.type !== 'boom') return tallyKind.fold(state, record, ctx);
        return { state: { ...state, sum: state.sum + 1 }, outcome: 'applied' as const, effects: [] };
      },
    };
    const kinds = new Map([['user', mended as unknown as ActorKind<never, never, never>]]);
    const owner = await world.serve(2, { kinds: kinds as never }, limits);
    expect(owner.status().phase).toBe('serving');
    expect(await view(owner)).toMatchObject({ sum: 3 });
  });

  it('is not what a newer build has written: that partition is refused, and nothing is condemned', async () => {
    const owner = await world.serve(1);
    world.journal.write('attune.p.0.decision.app.user.a', { v: RECORD_VERSION + 1, term: [1, 0], key: 'k', body: {} });
    await idle();
    expect(owner.status()).toMatchObject({ phase: 'refused', reason: expect.stringContaining('DATA_TOO_NEW') });
    expect(world.journal.bodies('control').filter(({ reason }) => reason)).toEqual([]);
  });

  it('is a record whose output would be larger than its target takes', async () => {
    const owner = await world.serve(1);
    world.event('tell', { bytes: 200_000 });
    world.event('tell', { bytes: 270_000 });
    world.event('tell', { bytes: 1 });
    await idle();
    expect(owner.status()).toMatchObject({ outputsUnacknowledged: 0, counters: { poisoned: 1 } });
    expect(await view(owner, 'b')).toMatchObject({ sum: 2 });
  });

  it('among outputs breaks no chain, even where nothing but the chain can be read', async () => {
    const owner = await world.serve(1);
    const chain = (seq: number, prev: number) => ({ p: 3, src: 'other', seq, idx: 0, prev: [prev, 0] });
    const output = (seq: number, prev: number, more: object) =>
      world.journal.write('attune.p.0.output.engine.user.a.told', { v: 2, chain: chain(seq, prev), ...more });
    output(1, 0, { at: 1, body: { n: 1 } });
    output(2, 1, { at: 'never', body: { n: 10 } });
    output(3, 2, { at: 1, body: { n: 100 } });
    await idle();
    expect(owner.status().counters).toMatchObject({ poisoned: 1, outputsIn: 2 });
    expect(await view(owner)).toMatchObject({ sum: 101 });
  });
});

describe('a dead letter tried again', () => {
  const letterOf = (sequence: number) => {
    const { subject, payload } = world.journal.records.get(sequence)!;
    return { sequence, subject, payload: Buffer.from(payload).toString('base64') };
  };

  it('counts once, however often it is', async () => {
    const owner = await world.serve(1);
    const sequence = world.event('add');
    await idle();
    const text = Buffer.from(letterOf(sequence).payload, 'base64')
      .toString()
      .replace(/"id":"[^"]*"/, '"id":"unfolded"');
    const letter = { ...letterOf(sequence), payload: Buffer.from(text).toString('base64') };
    const first = owner.redrive(letter, 'me');
    await idle();
    expect(await first).toMatchObject({ outcome: 'applied' });
    const second = owner.redrive(letter, 'me');
    await idle();
    expect(await second).toMatchObject({ outcome: 'duplicate' });
    expect(await view(owner)).toMatchObject({ sum: 2 });
  });

  it('may be the letter of a try that failed', async () => {
    const owner = await world.serve(1);
    const sequence = world.event('nonsense');
    await idle();
    const first = owner.redrive(letterOf(sequence), 'me');
    await idle();
    expect(await first).toMatchObject({ outcome: 'rejected' });
    owner.stop('test');
    const next = await world.serve(2);
    const second = next.redrive(letterOf(world.letters.at(-1)!['sequence']), 'me');
    await idle();
    expect(await second).toMatchObject({ outcome: 'rejected' });
  });

  it('cannot be a control record, whose effect would be another one here', async () => {
    const owner = await world.serve(1);
    const sequence = barrier(0);
    const { subject } = letterOf(sequence);
    const forged = Buffer.from(JSON.stringify({ ...world.journal.bodies('control').at(-1), term: [99, 0] }));
    const tried = owner.redrive({ sequence, subject, payload: forged.toString('base64') }, 'me');
    await idle();
    expect(await tried).toMatchObject({ outcome: 'rejected' });
    expect(owner.status().phase).toBe('serving');
    const added = ask(owner, 'add', { n: 1 });
    await idle();
    expect(await added).toMatchObject({ sequence: expect.any(Number) });
  });

  it('must be of this partition', async () => {
    const owner = await world.serve(1);
    const letter = { sequence: 1, subject: 'attune.p.7.event.app.user.a.add', payload: '' };
    await expect(owner.redrive(letter, 'me')).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });
});

describe('epochs', () => {
  it('go on above those of the journal when leases have begun anew', async () => {
    barrier(500);
    const owner = await world.serve(3);
    expect(owner.status()).toMatchObject({ phase: 'serving', epoch: 501 });
    const added = ask(owner, 'add', { n: 1 });
    await idle();
    expect(await added).toMatchObject({ sequence: expect.any(Number) });
    owner.stop('test');
    expect((await world.serve(4)).status()).toMatchObject({ phase: 'serving', epoch: 502 });
  });

  it('of later owners are obeyed by one that has lost its lease', async () => {
    barrier(500);
    const owner = world.owner(3, { confirmLease: () => Promise.resolve(false) });
    await expect(owner.open()).rejects.toMatchObject({ code: 'STALE_OWNER' });
    expect(world.journal.last).toBe(1);
  });

  it('chosen by two owners alike belong to the one whose barrier comes first', async () => {
    barrier(500);
    world.journal.held = true;
    const owners = [world.owner(3), world.owner(4)];
    const opened = owners.map((owner) =>
      owner.open().then(
        () => 'open',
        (error: { code: string }) => error.code,
      ),
    );
    await idle();
    world.journal.release();
    await idle();
    expect(world.journal.bodies('control').map(({ term }) => term[0])).toEqual([500, 501, 501]);
    expect((await Promise.all(opened)).sort()).toEqual(['STALE_OWNER', 'open']);
    expect(owners.map((owner) => owner.phase).sort()).toEqual(['serving', 'stopped']);
  });

  it('that come too late are given up, not waited for', async () => {
    world.journal.held = true;
    const owner = world.owner(3);
    const opened = owner.open().catch((error: { code: string }) => error.code);
    await idle();
    // The end of the leases' bucket was lost with the power: a higher epoch stands in the journal after all.
    const mine = world.journal.records.get(1)!;
    world.journal.records.delete(1);
    world.journal.last = 0;
    barrier(9);
    world.journal.store(mine);
    world.journal.release();
    await idle();
    expect(await opened).toBe('STALE_OWNER');
  });
});

describe('what was stored before', () => {
  it('may be moved on by a former owner while the next one loads it', async () => {
    const first = await world.serve(1);
    const journal = Object.create(world.journal) as typeof world.journal;
    journal.info = async () => {
      const info = await world.journal.info();
      if (world.journal.last > 2) return info;
      world.event('add');
      await idle();
      await world.clock.advance(40_000);
      return info;
    };
    world.event('add');
    await idle();
    const second = await world.serve(2, { cluster: { ...world.cluster, journal: () => journal } });
    for (let i = 0; i < 60; i++) await idle();
    expect(first.status().checkpoint).toBeGreaterThan(2);
    expect(second.status()).toMatchObject({ phase: 'serving', reason: undefined });
    expect(await view(second)).toMatchObject({ sum: 2 });
  });

  it('is refused where the journal has lost its end and gone on with other records', async () => {
    const first = await world.serve(1);
    world.event('add');
    await idle();
    await world.clock.advance(40_000);
    const safe = world.snapshots.stored.get('checkpoint')!;
    world.event('add');
    await idle();
    await world.clock.advance(40_000);
    first.stop('power loss');
    // The snapshot of `a` has survived, the checkpoint after it has not, and the journal's last record is another one.
    world.snapshots.stored.set('checkpoint', safe);
    world.journal.records.delete(world.journal.last--);
    world.event('add', { id: 'another' });
    const second = await world.serve(2);
    expect(second.status()).toMatchObject({
      phase: 'refused',
      reason: expect.stringContaining('SNAPSHOT_DISAGREES'),
    });
  });

  it('refuses the partition when it cannot be read for a request either', async () => {
    const owner = await world.serve(1);
    world.snapshots.stored.set('user.z', { value: Buffer.from('{"v":2}'), revision: 77 });
    await expect(view(owner, 'z')).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED' });
    expect(owner.status().phase).toBe('refused');
  });

  it('may be larger than one message', async () => {
    const first = await world.serve(1);
    world.event('grow', { bytes: 3_000_000 });
    await idle();
    await world.clock.advance(40_000);
    expect(first.status()).toMatchObject({ phase: 'serving', dirty: 0, checkpoint: first.status().sequence });
    first.stop('test');
    const second = await world.serve(2);
    expect((await view(second)).text).toHaveLength(3_000_000);
    world.event('grow', { bytes: 1 });
    await idle();
    await world.clock.advance(40_000);
    expect([...world.snapshots.stored.keys()].sort()).toEqual(['checkpoint', 'user.a']);
  });

  it('and deleted since is built anew from what a trimmed journal holds, on both ends of every chain', async () => {
    const chain = (seq: number, prev: number) => ({ p: 3, src: 'other', seq, idx: 0, prev: [prev, 0] });
    const told = (seq: number, prev: number) =>
      world.journal.write('attune.p.0.output.engine.user.a.told', {
        v: 2,
        chain: chain(seq, prev),
        at: 1,
        body: { n: seq },
      });
    told(1, 0);
    world.event('tell', {}, 'c');
    await world.journal.trim(3);
    told(2, 1);
    world.event('tell', {}, 'c');
    const owner = await world.serve(1);
    told(3, 2);
    await idle();
    expect(await view(owner)).toMatchObject({ sum: 5 });
    // Its own output goes to a receiver that has met the one before it, which is this partition itself.
    expect(await view(owner, 'b')).toMatchObject({ sum: 1 });
  });
});

describe('an owner whose lease has run out', () => {
  it('neither saves, nor moves the checkpoint, nor trims', async () => {
    let held = true;
    const owner = await world.serve(1, { leaseHeld: () => held }, { retentionMs: 1 });
    world.event('add');
    await idle();
    held = false;
    await world.clock.advance(40_000);
    expect(world.snapshots.stored.size).toBe(0);
    expect(world.journal.trims).toEqual([]);
    expect(owner.status().phase).toBe('stopped');
  });
});

describe('an owner that hands over', () => {
  it('moves the checkpoint to the last folded record, also where it is being moved already', async () => {
    const owner = await world.serve(1);
    world.event('add');
    await idle();
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const { put } = world.snapshots;
    world.snapshots.put = (...args) => gate.then(() => put(...args));
    await world.clock.advance(30_000);
    world.event('add');
    await idle();
    const released = owner.release();
    await idle();
    open();
    await released;
    expect(world.snapshots.json('checkpoint')).toMatchObject({ sequence: world.journal.last });
  });
});

describe('trimming', () => {
  it('never passes the stored checkpoint, however often moving it has failed', async () => {
    await world.serve(1, {}, { retentionMs: 60_000 });
    const { put } = world.snapshots;
    world.snapshots.put = (key, ...rest) =>
      key === 'checkpoint' ? Promise.reject(new Error('out of reach')) : put(key, ...rest);
    for (let i = 0; i < 10; i++) {
      world.event('add');
      await world.clock.advance(20_000);
    }
    world.snapshots.put = put;
    await world.clock.advance(30_000);
    expect(world.journal.trims).toEqual([]);
    world.event('add');
    await world.clock.advance(120_000);
    expect(world.journal.trims.length).toBeGreaterThan(0);
    expect(Math.max(...world.journal.trims)).toBeLessThanOrEqual(world.snapshots.json<any>('checkpoint').sequence);
  });

  it('never passes what others still need of the journal, and follows them', async () => {
    let needed = 3;
    await world.serve(1, { trimFloor: () => needed }, { retentionMs: 60_000 });
    for (let i = 0; i < 10; i++) {
      world.event('add');
      await world.clock.advance(30_000);
    }
    expect(Math.max(...world.journal.trims)).toBe(3);
    needed = 5;
    world.event('add');
    await world.clock.advance(60_000);
    expect(Math.max(...world.journal.trims)).toBe(5);
  });
});

describe('a journal that fills', () => {
  it('is folded no further ahead of its checkpoint than what comes of it has room', async () => {
    const owner = await world.serve(1);
    world.journal.roomNow = { bytes: 70_000, limit: 100_000, reserve: 25_000, intake: 'all', leftOut: [] };
    await world.clock.advance(2_000);
    world.journal.fate = ({ subject }) => (subject.includes('.output.') ? { status: 'unknown' } : undefined);
    const before = owner.status().sequence;
    for (let i = 0; i < 200; i++) world.event('tell', { bytes: 1 });
    await world.clock.advance(2_000);
    const { sequence } = owner.status();
    expect(sequence).toBeGreaterThan(before);
    expect(sequence).toBeLessThan(before + 30);
    world.journal.fate = () => undefined;
    await world.clock.advance(60_000);
    expect(owner.status()).toMatchObject({ lag: 0, outputsUnacknowledged: 0 });
  });
});

describe('a full buffer', () => {
  it('of bytes stops the reader as one of records does, and nothing is lost', async () => {
    const owner = await world.serve(1, {}, { readAheadBytesMax: 1_000 });
    for (let i = 0; i < 200; i++) world.event('add');
    for (let i = 0; i < 10; i++) await idle();
    expect(await view(owner)).toMatchObject({ sum: 200 });
    expect(world.journal.opened).toBeGreaterThan(10);
  });
});

describe('timers', () => {
  it('fire however many requests are in flight', async () => {
    const owner = await world.serve(1, {}, { timersPerTickMax: 4, requestsPerActorMax: 100 });
    world.event('wake', { value: 1_000 });
    await idle();
    // Nobody hears of the decisions.
    const { append } = world.journal;
    world.journal.append = (messages) =>
      messages.some(({ subject }) => subject.includes('.decision.')) ? new Promise(() => undefined) : append(messages);
    for (let i = 0; i < 8; i++) void ask(owner, 'add', { n: 1 }, 'c').catch(() => undefined);
    await idle();
    expect(owner.status().recordsInFlight).toBe(8);
    await world.clock.advance(1_500);
    expect(world.journal.bodies('timer')).toHaveLength(1);
  });

  it('that come back void are tried again at leisure', async () => {
    const owner = await world.serve(1);
    world.event('wake', { value: 1_000 });
    await idle();
    // The session is raised by a marker that does not arrive, so that what follows under it is void.
    world.journal.fate = ({ subject }) =>
      subject.includes('.decision.') || subject.includes('.marker') ? { status: 'unknown' } : undefined;
    void ask(owner, 'add', { n: 1 }).catch(() => undefined);
    await world.clock.advance(2_000);
    expect(world.journal.bodies('timer').length).toBeGreaterThan(1);
    expect(world.journal.bodies('timer').length).toBeLessThan(15);
    world.journal.fate = () => undefined;
    await world.clock.advance(1_000);
    expect(await view(owner)).toMatchObject({ sum: 1_000 });
  });
});

describe('memory', () => {
  it('keeps to its limit of activations however fast they come', async () => {
    const owner = await world.serve(1, {}, { activationsPerPartitionMax: 10 });
    for (let i = 0; i < 4_500; i++) world.event('add', {}, `u${i}`);
    for (let i = 0; i < 20; i++) await idle();
    expect(owner.status().activations).toBeLessThan(100);
    await world.clock.advance(5_000);
    for (let i = 0; i < 20; i++) await idle();
    expect(owner.status().activations).toBe(10);
    expect(await view(owner, 'u7')).toMatchObject({ sum: 1 });
  });

  it('keeps to it while a long journal is replayed', async () => {
    world.journal.held = true;
    for (let i = 0; i < 1_000; i++) world.event('add', {}, `u${i}`);
    const owner = world.owner(1, {}, { activationsPerPartitionMax: 10 });
    const opened = owner.open();
    await idle();
    expect(owner.phase).toBe('replaying');
    let most = 0;
    const look = setInterval(() => (most = Math.max(most, owner.status().activations)), 0);
    world.journal.release();
    await opened;
    clearInterval(look);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(200);
    expect(await view(owner, 'u7')).toMatchObject({ sum: 1 });
  });
});

describe('a flood of events of new actors', () => {
  const EVENTS = 300;

  it('is read ahead of the fold; its app is left out of the journal until it is folded', async () => {
    const bounds = { eventsWaitingMax: 100, eventBytesWaitingMax: Infinity };
    const owner = await world.serve(1, { apps: new Map([['app', bounds]]) });
    const { get } = world.snapshots;
    let answer!: () => void;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const asked = new Set<string>();
    world.snapshots.get = async (key) => {
      asked.add(key);
      await answered;
      return get(key);
    };
    world.journal.held = true;
    for (let i = 0; i < EVENTS; i++)
      world.journal.write(subjects.record(0, 'event', 'app', 'user', `u${i}`, 'add'), {});
    world.journal.release();
    await idle();
    // The fold stands still, and yet more than a batch was asked for.
    expect(owner.status().counters.events).toBe(0);
    expect(asked.size).toBeGreaterThanOrEqual(EVENTS);
    expect(world.journal.leavings).toEqual([['app']]);
    answer();
    await world.clock.advance(2_000);
    expect(owner.status().counters.events).toBe(EVENTS);
    expect(world.journal.leavings).toEqual([['app'], []]);
  });
});

describe('a flood of new actors of one app, where another shares the partition', () => {
  it('is not looked up so far ahead that what comes of it keeps the other waiting', async () => {
    const unbound = { eventsWaitingMax: Infinity, eventBytesWaitingMax: Infinity };
    const askedBy = async (apps: readonly string[]): Promise<number> => {
      world = new HostWorld();
      const owner = await world.serve(1, { apps: new Map(apps.map((app) => [app, unbound])) });
      const asked = new Set<string>();
      world.snapshots.get = (key) => new Promise(() => void asked.add(key));
      world.journal.held = true;
      for (let i = 0; i < 2_000; i++)
        world.journal.write(subjects.record(0, 'event', 'app', 'user', `new-${i}`, 'add'), {});
      world.journal.release();
      await idle();
      owner.stop('enough');
      return asked.size;
    };
    expect([await askedBy(['app', 'other']), await askedBy(['app'])]).toEqual([256, 1_024]);
  });
});

describe('actors of several apps in one memory', () => {
  it('leave it by whose records and requests they are there for: a flood of one app lets no actor of another go', async () => {
    const unbound = { eventsWaitingMax: Infinity, eventBytesWaitingMax: Infinity };
    const apps = new Map([
      ['app', unbound],
      ['flood', unbound],
    ]);
    const owner = await world.serve(1, { apps }, { activationsPerPartitionMax: 20 });
    const calm = ['asked', 'told'];
    await owner.request({ kind: 'user', token: 'asked' }, 'add', { n: 1 }, { app: 'app', trace: undefined });
    world.event('add', {}, 'told');
    await idle();
    for (let i = 0; i < 200; i++)
      world.journal.write(subjects.record(0, 'event', 'flood', 'user', `new-${i}`, 'add'), { specversion: '1.0' });
    await world.clock.advance(10_000);
    expect(owner.status()).toMatchObject({ lag: 0, activations: 20, counters: { events: 201 } });
    expect(calm.filter((token) => owner['store'].peek(`user.${token}`))).toEqual(calm);
  });
});

describe('a broadcast that was not heard', () => {
  const telling = { ...tallyKind, broadcast: ({ sum }: Tally) => ({ sum }) };
  const kinds = new Map([['user', telling as never]]);
  const refusing = (said: string[], takes: () => boolean) => ({
    ...world.cluster,
    requests: {
      serve: () => () => undefined,
      broadcast: (_: string, payload: Uint8Array) => {
        said.push(Buffer.from(payload).toString('utf8'));
        return Promise.resolve(takes());
      },
    },
  });

  it.each([
    ['the checkpoint has passed its records', true],
    ['its snapshot is ahead of the checkpoint', false],
  ])('is said by the next owner, though %s', async (_, isCheckpointed) => {
    const limits = { checkpointEveryMs: 1e9, activationIdleMs: 0, sweepEveryMs: 1_000 };
    const deaf = refusing([], () => false);
    const owner = await world.serve(1, { kinds, cluster: deaf }, isCheckpointed ? {} : limits);
    world.event('add', { value: 5 });
    await idle();
    await world.clock.advance(isCheckpointed ? 120_000 : 2_000);
    expect(owner.status().checkpoint > 1).toBe(isCheckpointed);
    expect(world.snapshots.json('user.a')).toMatchObject({ state: { sum: 5 } });
    owner.stop('died');
    const said: string[] = [];
    await world.serve(2, { kinds, cluster: refusing(said, () => true) });
    await world.clock.advance(1_000);
    expect(said).toEqual(['{"sum":5}']);
  });
});
