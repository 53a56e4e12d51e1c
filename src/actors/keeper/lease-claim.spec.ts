import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Clock } from '../../kernel/clock.js';
import { LeaseClaim } from './lease-claim.js';
import type { KeyValue, Stored } from '../host/ports.js';

const TTL_MS = 1_000;
let nowMs: number;
let store: Map<string, Stored>;
let revision: number;
let loseNextAnswer: boolean;
/** From a write's being stored until its answer has come. */
let answerTakesMs: number;

const clock = { monotonicMs: () => nowMs } as Clock;
const leases: KeyValue = {
  get: (key) => Promise.resolve(store.get(key)),
  put: (key, value, expected) => {
    if ((store.get(key)?.revision ?? 0) !== expected) return Promise.resolve(undefined);
    store.set(key, { value, revision: ++revision });
    nowMs += answerTakesMs;
    if (loseNextAnswer) {
      loseNextAnswer = false;
      return Promise.reject(new Error('timeout'));
    }
    return Promise.resolve(revision);
  },
  remove: (key, expected) => {
    const matches = store.get(key)?.revision === expected;
    if (matches) store.delete(key);
    return Promise.resolve(matches);
  },
  keys: () => Promise.resolve([...store.keys()]),
};
const claim = (host: string, incarnation = '1'): LeaseClaim =>
  new LeaseClaim({ leases, key: 'p.0', owner: { host, incarnation }, ttlMs: TTL_MS, clock });

describe('a lease claim', () => {
  beforeEach(() => {
    nowMs = 0;
    store = new Map();
    revision = 0;
    loseNextAnswer = false;
    answerTakesMs = 0;
  });

  it('is not acquired while another holds it, nor by a restarted host of the same name', async () => {
    expect(await claim('a').acquire()).toBe(true);
    expect(await claim('b').acquire()).toBe(false);
    expect(await claim('a', '2').acquire()).toBe(false);
  });

  it('keeps its epoch over renewals, and the next owner gets a higher one', async () => {
    const a = claim('a');
    await a.acquire();
    const { epoch } = a;
    nowMs = 500;
    expect(await a.renew()).toBe(true);
    expect(a.epoch).toBe(epoch);
    await a.release();
    const b = claim('b');
    expect(await b.acquire()).toBe(true);
    expect(b.epoch).toBeGreaterThan(epoch);
  });

  it('ends by its own clock before the server lets it expire', async () => {
    const a = claim('a');
    await a.acquire();
    nowMs = TTL_MS - 1;
    expect(a.held).toBe(false);
  });

  it('counts from before a write was sent, however long its answer takes', async () => {
    const a = claim('a');
    answerTakesMs = 400;
    await a.acquire();
    nowMs = TTL_MS - 1;
    expect(a.held).toBe(false);
    const b = claim('b');
    store.clear();
    nowMs = 0;
    await b.acquire();
    await b.renew();
    nowMs = 400 + TTL_MS - 1;
    expect(b.held).toBe(false);
  });

  it('is lost when another has written', async () => {
    const a = claim('a');
    await a.acquire();
    store.clear();
    await claim('b').acquire();
    expect(await a.renew()).toBe(false);
    expect(a.held).toBe(false);
    expect(a.epoch).toBe(0);
  });

  it('that has run out is over: nothing renews it, though the store would still take it', async () => {
    const a = claim('a');
    await a.acquire();
    nowMs = TTL_MS - 1;
    expect(await a.renew()).toBe(false);
    expect(a.epoch).toBe(0);
  });

  it('takes a value that is nobody’s for another’s', async () => {
    for (const value of ['', 'null', '[]', 'not json', '{"host":1}']) {
      store.set('p.0', { value: Buffer.from(value), revision: ++revision });
      expect(await claim('a').acquire()).toBe(false);
    }
  });

  it('survives a renewal whose answer was lost', async () => {
    const a = claim('a');
    await a.acquire();
    const { epoch } = a;
    loseNextAnswer = true;
    await expect(a.renew()).rejects.toThrow();
    nowMs = 100;
    expect(await a.renew()).toBe(true);
    expect(a.epoch).toBe(epoch);
  });

  it('takes over its own acquisition whose answer was lost, under a new epoch', async () => {
    const a = claim('a');
    loseNextAnswer = true;
    await expect(a.acquire()).rejects.toThrow();
    expect(await a.acquire()).toBe(true);
    expect(a.epoch).toBe(2);
  });
});
