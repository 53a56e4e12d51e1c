import { describe, expect, it } from '@jest/globals';
import { BoundedActors, BoundedIngress } from './admission.js';
import type { OutgoingEvent } from './ports.js';

const OVERLOADED = expect.objectContaining({ code: 'OVERLOADED', family: 'Overloaded', retryAfterMs: 1000 });

/** Promises that are settled by hand, in the order they were made. */
function held<T>(): { calls: ((value: T) => void)[]; fail: ((error: Error) => void)[]; next: () => Promise<T> } {
  const calls: ((value: T) => void)[] = [];
  const fail: ((error: Error) => void)[] = [];
  const next = (): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      calls.push(resolve);
      fail.push(reject);
    });
  return { calls, fail, next };
}

describe('BoundedActors', () => {
  it('refuses above the limit and takes again what was freed, also by failures', async () => {
    const inner = held<unknown>();
    const actors = new BoundedActors({ request: inner.next }, 2);
    const ask = () => actors.request('user', '1', 'view', {}, { deadlineMs: 1, app: 'app' });
    const [first, second] = [ask(), ask()];
    await expect(ask()).rejects.toEqual(OVERLOADED);
    inner.fail[0]!(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    const third = ask();
    await expect(ask()).rejects.toEqual(OVERLOADED);
    inner.calls[1]!('a');
    inner.calls[2]!('b');
    await expect(Promise.all([second, third])).resolves.toEqual(['a', 'b']);
    expect(actors.inFlight).toBe(0);
  });
});

describe('BoundedIngress', () => {
  const batch = (n: number): OutgoingEvent[] =>
    Array.from({ length: n }, () => ({ app: 'app', kind: 'user', token: '1', type: 't', payload: new Uint8Array() }));

  it('takes a batch whole or not at all', async () => {
    const inner = held<readonly { status: 'unknown' }[]>();
    const ingress = new BoundedIngress({ publish: inner.next }, 10);
    const first = ingress.publish(batch(8));
    await expect(ingress.publish(batch(3))).rejects.toEqual(OVERLOADED);
    const second = ingress.publish(batch(2));
    expect(ingress.inFlight).toBe(10);
    for (const settle of inner.calls) settle([]);
    await Promise.all([first, second]);
    expect(ingress.inFlight).toBe(0);
  });

  it('takes a batch larger than the limit when it is alone', async () => {
    const ingress = new BoundedIngress({ publish: async () => [] }, 10);
    await expect(ingress.publish(batch(50))).resolves.toEqual([]);
  });
});
