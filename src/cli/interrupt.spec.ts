import { describe, expect, it, jest } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { Interrupted, onInterrupt, type Signalled } from './interrupt.js';

function signalled() {
  const target = Object.assign(new EventEmitter(), { exit: jest.fn() });
  let nowMs = 5_000;
  const interrupt = onInterrupt(target as unknown as Signalled, { monotonicMs: () => nowMs });
  return {
    interrupt,
    exit: target.exit,
    after: (ms: number, signal: NodeJS.Signals) => {
      nowMs += ms;
      target.emit(signal, signal);
    },
  };
}

describe('onInterrupt', () => {
  it('rejects what is under way with the signal', async () => {
    const { interrupt, after } = signalled();
    const work = interrupt.during(new Promise(() => undefined));
    after(0, 'SIGTERM');
    await expect(work).rejects.toEqual(new Interrupted('SIGTERM'));
    expect(interrupt.signal.aborted).toBe(true);
  });

  it('counts what terminal and npm both send as one press', () => {
    const { exit, after } = signalled();
    after(0, 'SIGINT');
    after(3, 'SIGINT');
    expect(exit).not.toHaveBeenCalled();
  });

  it('ends at once when Ctrl-C is pressed again', () => {
    const { exit, after } = signalled();
    after(0, 'SIGINT');
    after(1_500, 'SIGINT');
    expect(exit).toHaveBeenCalledWith(130);
  });

  it('leaves signals alone once it is released', () => {
    const { interrupt, exit, after } = signalled();
    interrupt.release();
    after(0, 'SIGINT');
    expect(interrupt.signal.aborted).toBe(false);
    expect(exit).not.toHaveBeenCalled();
  });
});
