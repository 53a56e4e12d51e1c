import { beforeEach, describe, expect, it } from '@jest/globals';
import { HandClock, MemoryBucket } from '../../../test/support/host-world.js';
import { localKeeper, type LocalKeeper } from '../../../test/support/local-keeper.js';
import type { Lease } from './keeper.js';

const TTL_MS = 1_000;
const OWNER = { host: 'h', incarnation: 'i' };

let clock: HandClock;
let leases: MemoryBucket;
let hosts: MemoryBucket;
let keeper: LocalKeeper;
let up: boolean;

beforeEach(async () => {
  clock = new HandClock();
  leases = new MemoryBucket();
  hosts = new MemoryBucket();
  up = true;
  const ping = (): Promise<void> => (up ? Promise.resolve() : Promise.reject(new Error('down')));
  keeper = localKeeper({ leases, hosts, clock, ttlMs: TTL_MS, ping });
  await clock.advance(0);
});

const acquire = async (renewal: 'progress' | 'asking' = 'progress', key = 'p.0'): Promise<Lease> =>
  (await keeper.keeper.acquire({ key, owner: OWNER, renewal }))!;
const revisionOf = (key = 'p.0'): number => leases.stored.get(key)!.revision;

describe('a keeper', () => {
  it('renews what makes progress, under one epoch', async () => {
    const lease = await acquire();
    await clock.advance(10 * TTL_MS);
    expect([lease.held, lease.epoch]).toEqual([true, 1]);
    expect(revisionOf()).toBeGreaterThan(10);
  });

  it('renews nothing that has made no progress for hungAfterMs, and nothing for somebody who is not heard of', async () => {
    const [kept, asked] = [await acquire(), await acquire('asking', 'learner.l')];
    up = false;
    await clock.advance(TTL_MS / 2 + TTL_MS / 5);
    const last = revisionOf();
    await clock.advance(5 * TTL_MS);
    expect([kept.held, revisionOf(), asked.held, revisionOf('learner.l')]).toEqual([false, last, false, 2]);
  });

  it('never acquires by itself what has run out, though it makes progress again and the key is free', async () => {
    const lease = await acquire();
    up = false;
    await clock.advance(2 * TTL_MS);
    leases.stored.clear();
    up = true;
    await clock.advance(2 * TTL_MS);
    expect([lease.held, leases.stored.size]).toEqual([false, 0]);
    expect(await lease.confirm()).toBe(false);
    expect((await acquire()).epoch).toBeGreaterThan(lease.epoch);
  });

  it('shows in the cell at once that a lease was given back, and gives its cell to another only then', async () => {
    const lease = await acquire();
    const { remove } = leases;
    let removing: (() => void) | undefined;
    leases.remove = (...of) => new Promise((resolve) => (removing = () => resolve(remove.apply(leases, of))));
    const done = lease.release();
    await clock.advance(0);
    expect(keeper.cells.holds(1, lease.epoch, clock.monotonicMs())).toBe(false);
    const other = await acquire('progress', 'p.1');
    expect(keeper.cells.holds(2, other.epoch, clock.monotonicMs())).toBe(true);
    removing!();
    await done;
    expect(leases.stored.has('p.0')).toBe(false);
    await acquire('progress', 'p.2');
    expect([lease.held, other.held, keeper.cells.holds(1, lease.epoch, clock.monotonicMs())]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('leaves a lease that is abandoned where it is, and renews it no more', async () => {
    const lease = await acquire();
    await lease.abandon();
    const last = revisionOf();
    await clock.advance(TTL_MS);
    expect([lease.held, revisionOf()]).toEqual([false, last]);
  });

  it('holds under the epoch that was confirmed, and under no other', async () => {
    const lease = await acquire();
    expect(await lease.confirm(77)).toBe(true);
    expect([lease.held, keeper.cells.holds(1, 1, clock.monotonicMs())]).toEqual([true, false]);
    await clock.advance(3 * TTL_MS);
    expect([lease.held, lease.epoch]).toEqual([true, 77]);
  });

  it('announces as long as the process makes progress, and again once it does', async () => {
    keeper.keeper.announce('h', Buffer.from('{"host":"h"}'));
    await clock.advance(TTL_MS);
    const { revision } = hosts.stored.get('h')!;
    up = false;
    await clock.advance(TTL_MS);
    const last = hosts.stored.get('h')!.revision;
    await clock.advance(5 * TTL_MS);
    expect(hosts.stored.get('h')!.revision).toBe(last);
    expect(last).toBeGreaterThanOrEqual(revision);
    up = true;
    await clock.advance(TTL_MS);
    expect(hosts.stored.get('h')!.revision).toBeGreaterThan(last);
    await keeper.keeper.withdraw();
    await clock.advance(5 * TTL_MS);
    expect(hosts.stored.size).toBe(0);
  });

  it('that has ended rejects what it was asked, and the next one announces again', async () => {
    keeper.keeper.announce('h', Buffer.from('{}'));
    await clock.advance(0);
    leases.get = () => new Promise(() => undefined);
    const asked = keeper.keeper.acquire({ key: 'p.9', owner: OWNER, renewal: 'progress' });
    keeper.kill();
    await expect(asked).rejects.toMatchObject({ code: 'KEEPER_GONE', family: 'Dependency' });
    hosts.stored.clear();
    keeper.launch();
    await clock.advance(TTL_MS);
    expect(hosts.stored.size).toBe(1);
  });
});
