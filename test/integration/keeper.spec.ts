/** The keeper's own thread, beside a main thread that is busy: this one. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Lease } from '../../src/actors/keeper/keeper.js';
import { startKeeperThread, type KeeperThread, type KeeperThreadOptions } from '../../src/actors/nats/keeper-thread.js';
import { systemClock } from '../../src/kernel/clock.js';
import type { EngineError } from '../../src/kernel/errors.js';
import { eventually } from '../support/eventually.js';
import { silentLog, startNatsWorld, type NatsWorld } from '../support/nats-world.js';

const TTL_MS = 2_000;
const HUNG_AFTER_MS = 1_000;
const OWNER = { host: 'h', incarnation: 'i' };

let world: NatsWorld;
const threads: KeeperThread[] = [];

beforeAll(async () => {
  world = await startNatsWorld({ partitions: 1, leaseTtlMs: TTL_MS });
});
afterEach(() => Promise.all(threads.splice(0).map((thread) => thread.stop())));
afterAll(() => world.dispose());

function start(more: Partial<KeeperThreadOptions> = {}): KeeperThread {
  const { url, user, pass: password } = world.server.engine;
  const thread = startKeeperThread({
    nats: { url, user, password },
    name: 'keeper-spec',
    replicas: 1,
    leaseTtlMs: TTL_MS,
    hungAfterMs: HUNG_AFTER_MS,
    leasesMax: 8,
    ping: () => world.cluster.ping(),
    clock: systemClock,
    logLevel: 'error',
    log: silentLog,
    onFatal: (error) => {
      throw error;
    },
    ...more,
  });
  threads.push(thread);
  return thread;
}

const acquired = ({ keeper }: KeeperThread, key: string, renewal: 'progress' | 'asking' = 'progress'): Promise<Lease> =>
  eventually(`the lease ${key}`, () => keeper.acquire({ key, owner: OWNER, renewal }));

function keepBusy(forMs: number): void {
  const endMs = systemClock.monotonicMs() + forMs;
  while (systemClock.monotonicMs() < endMs);
}
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

describe('the keeper’s thread', () => {
  it('keeps leases through a main thread that is busy for less than hungAfterMs, however often', async () => {
    const lease = await acquired(start(), 'p.0');
    const { epoch } = lease;
    for (let busyMs = 0; busyMs < 3 * TTL_MS; busyMs += 0.7 * HUNG_AFTER_MS) {
      keepBusy(0.7 * HUNG_AFTER_MS);
      await turn();
    }
    expect([lease.held, lease.epoch]).toEqual([true, epoch]);
    expect(await lease.confirm()).toBe(true);
    await lease.release();
    expect(lease.held).toBe(false);
    expect(await world.cluster.leases.get('p.0')).toBeUndefined();
  });

  it('lets go of the leases and the announcement of a main thread that hangs, and takes none of them again by itself', async () => {
    const { keeper } = start();
    const lease = await acquired({ keeper } as KeeperThread, 'p.1');
    keeper.announce('h', Buffer.from('{"host":"h"}'));
    await eventually('the announcement', () => world.cluster.hosts.get('h'));
    keepBusy(HUNG_AFTER_MS + TTL_MS + 500);
    expect(lease.held).toBe(false);
    expect(await world.cluster.leases.get('p.1')).toBeUndefined();
    // The process is back, and says so; its leases are for new tenures to acquire.
    await eventually('the announcement is back', () => world.cluster.hosts.get('h'));
    expect(await world.cluster.leases.get('p.1')).toBeUndefined();
    expect(await lease.confirm()).toBe(false);
    const next = await acquired({ keeper } as KeeperThread, 'p.1');
    expect(next.epoch).toBeGreaterThan(lease.epoch);
    await keeper.withdraw();
    expect(await world.cluster.hosts.get('h')).toBeUndefined();
  });

  it('renews no lease whose user does not come by, though the process is well', async () => {
    const thread = start();
    const [stuck, well] = [await acquired(thread, 'p.2'), await acquired(thread, 'p.3')];
    stuck.provenBy(() => undefined);
    await eventually('the end of the lease', () => !stuck.held);
    await eventually('the key is gone', async () => (await world.cluster.leases.get('p.2')) === undefined);
    expect(well.held).toBe(true);
  });

  it('renews no lease while the main connection makes no round trip', async () => {
    let up = true;
    const lease = await acquired(
      start({ ping: () => (up ? world.cluster.ping() : Promise.reject(new Error())) }),
      'p.4',
    );
    up = false;
    await eventually('the end of the lease', () => !lease.held);
  });

  it('holds a lease for somebody else as long as it is asked to', async () => {
    const lease = await acquired(start(), 'learner.l', 'asking');
    for (let i = 0; i < 3; i++) {
      keepBusy(TTL_MS / 4);
      expect(await lease.confirm()).toBe(true);
    }
    await eventually('the end of the lease', () => !lease.held);
  });

  it('holds under the epoch of the barrier, once it is confirmed', async () => {
    const lease = await acquired(start(), 'p.5');
    const epoch = lease.epoch + 100;
    expect(await lease.confirm(epoch)).toBe(true);
    expect([lease.held, lease.epoch]).toEqual([true, epoch]);
  });

  it('that cannot be kept running is said loudly', async () => {
    const fatal = await new Promise<EngineError>((resolve) => {
      const { url, user } = world.server.engine;
      start({ nats: { url, user, password: 'wrong' }, onFatal: resolve });
    });
    expect(fatal.code).toBe('KEEPER_FAILED');
  });
});
