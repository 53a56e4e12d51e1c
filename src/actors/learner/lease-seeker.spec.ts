import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Clock } from '../../kernel/clock.js';
import { localKeeper } from '../../../test/support/local-keeper.js';
import type { KeyValue, Stored } from '../host/ports.js';
import { LeaseSeeker } from './lease-seeker.js';

const TTL_MS = 1_000;

/** A clock that is turned by hand, and a bucket whose values expire by it. */
let nowMs: number;
let timers: { atMs: number; task: () => void }[];
let stored: (Stored & { untilMs: number }) | undefined;
let revision: number;
let reachable: boolean;

const clock: Clock = {
  nowMs: () => nowMs,
  monotonicMs: () => nowMs,
  after: (delayMs, task) => {
    const timer = { atMs: nowMs + delayMs, task };
    timers.push(timer);
    return () => void (timers = timers.filter((other) => other !== timer));
  },
  soon: (task) => void setImmediate(task),
};
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const present = (): Stored | undefined => (stored !== undefined && stored.untilMs > nowMs ? stored : undefined);
const leases: KeyValue = {
  get: () => (reachable ? Promise.resolve(present()) : Promise.reject(new Error('out of reach'))),
  put: (_key, value, expected) => {
    if (!reachable) return Promise.reject(new Error('out of reach'));
    if ((present()?.revision ?? 0) !== expected) return Promise.resolve(undefined);
    stored = { value, revision: ++revision, untilMs: nowMs + TTL_MS };
    return Promise.resolve(revision);
  },
  remove: () => {
    stored = undefined;
    return Promise.resolve(true);
  },
  keys: () => Promise.resolve([]),
};

async function pass(durationMs: number): Promise<void> {
  const endMs = nowMs + durationMs;
  await settled();
  for (;;) {
    const next = timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
    if (next === undefined) break;
    timers = timers.filter((timer) => timer !== next);
    nowMs = Math.max(nowMs, next.atMs);
    next.task();
    await settled();
  }
  nowMs = endMs;
}

function seeker(host: string): { seeker: LeaseSeeker; heard: string[] } {
  const heard: string[] = [];
  const { keeper } = localKeeper({ leases, hosts: leases, clock, ttlMs: TTL_MS });
  const options = {
    keeper,
    request: { key: 'learner.l', owner: { host, incarnation: '1' }, renewal: 'progress' as const },
    ttlMs: TTL_MS,
    clock,
    onHeld: (epoch: number) => heard.push(`held ${epoch}`),
    onLost: () => heard.push('lost'),
  };
  return { seeker: new LeaseSeeker(options), heard };
}

describe('a lease seeker', () => {
  beforeEach(() => {
    [nowMs, timers, stored, revision, reachable] = [0, [], undefined, 0, true];
  });

  it('holds on to its lease, and another gets it at once when it is given back', async () => {
    const [a, b] = [seeker('a'), seeker('b')];
    a.seeker.start();
    await pass(1);
    b.seeker.start();
    await pass(10_000);
    expect([a.heard, b.heard]).toEqual([['held 1'], []]);
    await a.seeker.stop();
    await pass(TTL_MS / 2);
    expect(b.heard).toEqual([expect.stringMatching(/^held [0-9]+$/)]);
    expect(a.heard).toEqual(['held 1']);
  });

  it('stops before anybody else may begin, when the store is out of reach', async () => {
    const a = seeker('a');
    a.seeker.start();
    await pass(TTL_MS);
    reachable = false;
    const expiresMs = stored!.untilMs;
    await pass(expiresMs - nowMs - 1);
    expect(a.heard).toEqual(['held 1', 'lost']);
    reachable = true;
    await pass(TTL_MS);
    // Claimed anew, with a later epoch.
    expect(a.heard).toEqual(['held 1', 'lost', expect.stringMatching(/^held (?!1$)/)]);
  });

  it('rides out an outage that is shorter than the lease', async () => {
    const a = seeker('a');
    a.seeker.start();
    await pass(TTL_MS);
    reachable = false;
    await pass(TTL_MS / 2);
    reachable = true;
    await pass(TTL_MS * 3);
    expect(a.heard).toEqual(['held 1']);
  });
});
