import { describe, expect, it } from '@jest/globals';
import { FakeIngress, fakeWorld } from '../../../test/support/gateway-fakes.js';
import { GatewayServices } from '../services.js';
import { EXPLAINED_MAX } from './ingest.js';

const ORIGIN = { id: '0123456789abcdef0123456789abcdef', app: 'app' };

/** An ingest whose every check takes a millisecond, on a clock that only the test turns. */
function slowIngest() {
  const turns: (() => void)[] = [];
  const world = fakeWorld();
  let nowMs = 0;
  const clock = {
    ...world.deps.clock,
    monotonicMs: () => (nowMs += 0.5),
    soon: (task: () => void) => void turns.push(task),
  };
  const { ingest } = new GatewayServices({ ...world.deps, clock });
  return { ingest, turns, ingress: world.ingress as FakeIngress };
}

const event = (i: number, type: unknown = 'x') => ({
  specversion: '1.0',
  id: `e${i}`,
  source: 's',
  type,
  subject: 'user/1',
});

describe('a large batch', () => {
  it.each([
    ['valid', 'x', 0],
    ['invalid', 7, 100],
  ])('of %s events lets others have their turn', async (_, type, rejections) => {
    const { ingest, turns, ingress } = slowIngest();
    const answer = ingest.accept(
      Array.from({ length: 100 }, (_, i) => event(i, type)),
      ORIGIN,
    );
    let isDone = false;
    void answer.then(() => (isDone = true));
    let taken = 0;
    while (!isDone) {
      await new Promise((resolve) => setImmediate(resolve));
      const due = turns.splice(0);
      if (due.length > 0) taken++;
      for (const task of due) task();
    }
    // Five milliseconds a turn, and no more.
    expect(taken).toBeGreaterThan(5);
    const { rejected, accepted } = await answer;
    expect([rejected.length, accepted.length]).toEqual([rejections, 100 - rejections]);
    expect(ingress.published.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()).id)).toEqual(
      accepted.map(({ id }) => id),
    );
  });

  it('is told what is wrong with the first of its malformed events, and of the others that they are', async () => {
    const { ingest } = new GatewayServices(fakeWorld().deps);
    const batch = Array.from({ length: EXPLAINED_MAX + 3 }, (_, i) => event(i, 7));
    const { rejected, accepted, status } = await ingest.accept([...batch, event(99)], ORIGIN);
    expect([status, accepted.map(({ id }) => id)]).toEqual([202, ['e99']]);
    expect(rejected.map(({ index, id, code }) => [index, id, code])).toEqual(
      batch.map(({ id }, index) => [index, id, 'INVALID_REQUEST']),
    );
    expect(rejected.map(({ field }) => field)).toEqual(batch.map((_, i) => (i < EXPLAINED_MAX ? 'type' : null)));
  });
});
