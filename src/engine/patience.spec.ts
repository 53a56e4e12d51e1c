import { describe, expect, it } from '@jest/globals';
import { EngineError } from '../kernel/errors.js';
import { jumpClock } from '../../test/support/jump-clock.js';
import { withPatience } from './patience.js';

const away = (): EngineError => new EngineError('Dependency', 'NATS_UNREACHABLE', 'NATS does not answer.');

function starting(...outcomes: readonly (Error | string)[]) {
  let calls = 0;
  return {
    start: () => {
      const outcome = outcomes[Math.min(calls++, outcomes.length - 1)]!;
      return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
    },
    calls: () => calls,
  };
}

describe('a start', () => {
  const { signal } = new AbortController();
  const said: unknown[] = [];
  const log = { warn: (message: string, fields?: Record<string, unknown>) => void said.push({ message, ...fields }) };

  it('waits until what it needs is there, and says what it waits for', async () => {
    const { start, calls } = starting(away(), away(), away(), 'started');
    expect(await withPatience(start, { clock: jumpClock(), log, signal })).toBe('started');
    expect(calls()).toBe(4);
    expect(said).toHaveLength(3);
    expect(said[0]).toMatchObject({ code: 'NATS_UNREACHABLE', error: 'NATS does not answer.' });
  });

  it('does not wait for what no waiting mends', async () => {
    for (const error of [new EngineError('Configuration', 'CONFIG_INVALID', 'no'), new Error('EADDRINUSE')]) {
      const { start, calls } = starting(error);
      await expect(withPatience(start, { clock: jumpClock(), log, signal })).rejects.toBe(error);
      expect(calls()).toBe(1);
    }
  });

  it('ends with what it waited for in vain', async () => {
    const clock = jumpClock();
    const last = away();
    await expect(withPatience(starting(last).start, { clock, log, signal })).rejects.toBe(last);
    expect(clock.monotonicMs()).toBeGreaterThan(100_000);
    expect(clock.monotonicMs()).toBeLessThanOrEqual(120_000);
  });

  it('ends at once where it is interrupted, before a try, in one and between two', async () => {
    const why = new Error('ended by SIGTERM');
    const ended = AbortSignal.abort(why);
    const never = starting('started');
    await expect(withPatience(never.start, { clock: jumpClock(), log, signal: ended })).rejects.toBe(why);
    expect(never.calls()).toBe(0);

    const during = new AbortController();
    const interrupted = (): Promise<never> => {
      during.abort(why);
      return Promise.reject(away());
    };
    await expect(withPatience(interrupted, { clock: jumpClock(), log, signal: during.signal })).rejects.toBe(why);

    const between = new AbortController();
    const standing = { monotonicMs: () => 0, after: () => () => undefined };
    const waiting = { warn: () => void setImmediate(() => between.abort(why)) };
    const { start, calls } = starting(away(), 'started');
    await expect(withPatience(start, { clock: standing, log: waiting, signal: between.signal })).rejects.toBe(why);
    expect(calls()).toBe(1);
  });
});
