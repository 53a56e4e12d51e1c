import { describe, expect, it } from '@jest/globals';
import { BoundedActors, BoundedIngress, type AppBounds } from './admission.js';
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

const clock = { monotonicMs: () => 0 };
const app = (name = 'app', bounds: Partial<AppBounds> = {}): AppBounds => ({
  name,
  eventsPerSecondMax: 0,
  eventBytesPerSecondMax: 0,
  ...bounds,
});

describe('BoundedActors', () => {
  it('refuses above the limit and takes again what was freed, also by failures', async () => {
    const inner = held<unknown>();
    const actors = new BoundedActors({ request: inner.next }, 2, ['app']);
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

  it('keeps room for each app, however much another sends', async () => {
    const inner = held<readonly { status: 'unknown' }[]>();
    const ingress = new BoundedIngress({ publish: inner.next }, 8, [app('app'), app('other')], clock);
    const of = (name: string, n: number) => batch(n).map((event) => ({ ...event, app: name }));
    const flood = [ingress.publish(of('app', 3)), ingress.publish(of('app', 3))];
    await expect(ingress.publish(of('app', 1))).rejects.toEqual(OVERLOADED);
    const quiet = ingress.publish(of('other', 2));
    await expect(ingress.publish(of('other', 1))).rejects.toEqual(OVERLOADED);
    for (const settle of inner.calls) settle([]);
    await Promise.all([...flood, quiet]);
    expect(ingress.inFlight).toBe(0);
  });

  it.each([
    ['events', { eventsPerSecondMax: 3 }],
    ['bytes', { eventBytesPerSecondMax: 30 }],
  ])('bounds an app by its %s a second, and no other app', async (_, bounds) => {
    let nowMs = 0;
    const ingress = new BoundedIngress({ publish: async () => [] }, 100, [app('app', bounds), app('other')], {
      monotonicMs: () => nowMs,
    });
    const of = (name: string) => batch(3).map((event) => ({ ...event, app: name, payload: new Uint8Array(10) }));
    await ingress.publish(of('app'));
    await expect(ingress.publish(of('app'))).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    for (let n = 0; n < 10; n++) await ingress.publish(of('other'));
    nowMs = 1_000;
    await ingress.publish(of('app'));
    expect(ingress.inFlight).toBe(0);
  });

  it('takes a batch whole or not at all', async () => {
    const inner = held<readonly { status: 'unknown' }[]>();
    const ingress = new BoundedIngress({ publish: inner.next }, 10, [app()], clock);
    const first = ingress.publish(batch(8));
    await expect(ingress.publish(batch(3))).rejects.toEqual(OVERLOADED);
    const second = ingress.publish(batch(2));
    expect(ingress.inFlight).toBe(10);
    for (const settle of inner.calls) settle([]);
    await Promise.all([first, second]);
    expect(ingress.inFlight).toBe(0);
  });

  it('takes a batch larger than the limit when it is alone', async () => {
    const ingress = new BoundedIngress({ publish: async () => [] }, 10, [app()], clock);
    await expect(ingress.publish(batch(50))).resolves.toEqual([]);
  });
});
