import { beforeEach, describe, expect, it } from '@jest/globals';
import { localKeeper, type LocalKeeper } from '../../../test/support/local-keeper.js';
import { createTotals, HostWorld, idle, SETTINGS, tallyKind, type Total } from '../../../test/support/host-world.js';
import { DEFAULT_HOST_LIMITS } from './limits.js';
import { Host } from './host.js';

const TTL_MS = 1_000;
let world: HostWorld;
let incarnations: number;
/** Of the host that was made last. */
let keeper: LocalKeeper;
/** Whether the main connection answers. */
let up: boolean;

beforeEach(() => {
  world = new HostWorld();
  incarnations = 0;
  up = true;
});

function host(hostId: string): Host<Total> {
  let nonces = 0;
  const incarnation = `i${++incarnations}`;
  const { leases, hosts, clock } = world;
  const ping = (): Promise<void> => (up ? Promise.resolve() : Promise.reject(new Error('down')));
  keeper = localKeeper({ leases, hosts, clock, ttlMs: TTL_MS, ping });
  return new Host<Total>({
    hostId,
    incarnation,
    cluster: world.cluster,
    keeper: keeper.keeper,
    kinds: [tallyKind as never],
    createShared: createTotals,
    services: undefined,
    settings: SETTINGS,
    limits: DEFAULT_HOST_LIMITS,
    leaseTtlMs: TTL_MS,
    clock: world.clock,
    nonce: () => `${hostId}${incarnation}nonce${++nonces}`,
    log: { info: () => undefined, warn: () => undefined },
  });
}

const started = async (hostId: string): Promise<Host<Total>> => {
  const made = host(hostId);
  made.start();
  await world.clock.advance(TTL_MS / 2);
  return made;
};
/** As the server does with leases that nobody renews. */
const expire = (): void => world.leases.stored.clear();
const view = (from: Host<Total>) => from.request({ kind: 'user', token: 'a' }, 'view', {});

describe('hosts', () => {
  it('of the same name do not share a partition, and the other takes it when the first is gone', async () => {
    const [first, second] = [await started('h'), await started('h')];
    await world.clock.advance(3 * TTL_MS);
    expect([first.serves(0), second.serves(0)]).toEqual([true, false]);
    await expect(view(second)).rejects.toMatchObject({ code: 'STALE_OWNER' });
    first.abort();
    expire();
    await world.clock.advance(TTL_MS);
    expect(second.serves(0)).toBe(true);
    second.abort();
  });

  it('end their tenure when they cannot renew the lease, before it can be another’s', async () => {
    const only = await started('h');
    const { put } = world.leases;
    world.leases.put = () => Promise.reject(new Error('out of reach'));
    await world.clock.advance(0.7 * TTL_MS);
    expect(only.serves(0)).toBe(true);
    await world.clock.advance(0.3 * TTL_MS);
    expect(only.serves(0)).toBe(false);
    world.leases.put = put;
    await world.clock.advance(TTL_MS);
    expect(only.serves(0)).toBe(true);
    only.abort();
  });

  it('end their tenure when their keeper has ended, and take the partition under a later epoch from the next one', async () => {
    const only = await started('h');
    const { epoch } = only.status().partitions[0]!;
    keeper.kill();
    await world.clock.advance(0.7 * TTL_MS);
    expect(only.serves(0)).toBe(true);
    await world.clock.advance(0.4 * TTL_MS);
    expect(only.serves(0)).toBe(false);
    await expect(view(only)).rejects.toMatchObject({ code: 'STALE_OWNER' });
    expire();
    world.hosts.stored.clear();
    keeper.launch();
    await world.clock.advance(TTL_MS);
    expect(only.serves(0)).toBe(true);
    expect(only.status().partitions[0]!.epoch).toBeGreaterThan(epoch);
    only.abort();
  });

  it('lose what they have when their own connection makes no round trip, though their keeper’s does', async () => {
    const only = await started('h');
    up = false;
    world.hosts.keys = () => Promise.reject(new Error('down'));
    await world.clock.advance(2 * TTL_MS);
    expect([only.serves(0), only.status().partitions]).toEqual([false, []]);
    only.abort();
  });

  it('answer nothing once the lease has run out, though nobody has told them yet', async () => {
    const only = await started('h');
    const owner = only.owner(0)!;
    keeper.cells.lose(1);
    await expect(owner.request({ kind: 'user', token: 'a' }, 'view', {})).rejects.toMatchObject({
      code: 'STALE_OWNER',
    });
    expect(owner.phase).toBe('stopped');
    only.abort();
  });

  it('lose a partition whose fold hangs, and keep the others’ leases out of it', async () => {
    const only = await started('h');
    const { get } = world.snapshots;
    world.snapshots.get = () => new Promise(() => undefined);
    world.event('add', {}, 'never-loaded');
    await world.clock.advance(2 * TTL_MS);
    expect(only.serves(0)).toBe(false);
    world.snapshots.get = get;
    expect(world.hosts.stored.size).toBe(1);
    only.abort();
  });

  it('go on when the leases’ bucket was made anew, with epochs that rise all the same', async () => {
    world.leases.revision = 1_000;
    const first = await started('h');
    const { epoch } = first.status().partitions[0]!;
    expect(epoch).toBeGreaterThan(1_000);
    first.abort();
    expire();
    world.leases.revision = 0;
    const second = await started('h');
    expect(second.status().partitions).toMatchObject([{ phase: 'serving', epoch: epoch + 1 }]);
    second.abort();
  });

  it('say what they refuse, and no more once it is another’s to serve', async () => {
    const first = await started('a');
    await first.leave();
    const checkpoint = world.snapshots.json<{ body: string }>('checkpoint')!;
    const body = JSON.stringify({ ...JSON.parse(checkpoint.body), sequence: 99 });
    const { revision } = world.snapshots.stored.get('checkpoint')!;
    world.snapshots.stored.set('checkpoint', { value: Buffer.from(JSON.stringify({ ...checkpoint, body })), revision });
    const second = await started('a');
    expect(second.status().refused).toEqual({ 0: expect.stringContaining('CHECKPOINT_AHEAD_OF_JOURNAL') });
    // Somebody comes whom the partition suits better.
    for (let i = 0; second.status().refused[0] !== undefined && i < 50; i++) {
      await world.hosts.put(`other-${i}`, Buffer.from('{}'), 0);
      await world.clock.advance(TTL_MS / 2);
    }
    expect(second.status().refused).toEqual({});
    second.abort();
  });

  it('leave nothing behind when they leave: state saved, lease and announcement gone, no timer running', async () => {
    const first = await started('h');
    world.event('add');
    await idle();
    await first.leave();
    expect(world.snapshots.json('checkpoint')).toMatchObject({ sequence: world.journal.last });
    expect([world.leases.stored.size, world.hosts.stored.size]).toEqual([0, 0]);
    const before = world.leases.revision;
    await world.clock.advance(3 * TTL_MS);
    expect([world.leases.revision, world.hosts.stored.size]).toEqual([before, 0]);
    const second = await started('h');
    expect(await view(second)).toMatchObject({ sum: 1 });
    second.abort();
  });
});
