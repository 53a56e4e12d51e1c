import { describe, expect, it } from '@jest/globals';
import { initialMode, nextMode, type LearnerEvent } from './learner.machine.js';

const after = (...events: LearnerEvent[]) => events.reduce(nextMode, initialMode());
const failed: LearnerEvent = { type: 'Failed', code: 'LEARNER_HUNG', reason: 'no answer' };
const published: LearnerEvent[] = [
  { type: 'Warmed' },
  { type: 'PublishDue' },
  { type: 'Evaluated' },
  { type: 'Published' },
];

describe('the modes of a learner', () => {
  it('go round from learning over evaluating and publishing', () => {
    expect(initialMode().value).toBe('warming');
    expect(after(...published).value).toBe('learning');
    expect(after(...published.slice(0, 3)).value).toBe('publishing');
  });

  it('go back to learning where what was learned is put on trial or rejected, and count as recovered', () => {
    const state = after(
      failed,
      { type: 'Restarted' },
      { type: 'Warmed' },
      { type: 'PublishDue' },
      { type: 'Withheld' },
    );
    expect(state.value).toBe('learning');
    expect(state.context).toEqual({ reason: null, failures: 0 });
  });

  it.each([0, 1, 2, 3, 4])('fall to degraded from wherever they are, with the reason: after %d events', (count) => {
    const state = after(...published.slice(0, count), failed);
    expect(state.value).toBe('degraded');
    expect(state.context).toEqual({ reason: 'LEARNER_HUNG: no answer', failures: 1 });
  });

  it('count failures until something is published', () => {
    const again = after(failed, { type: 'Restarted' }, failed, { type: 'Restarted' });
    expect(again.value).toBe('warming');
    expect(again.context.failures).toBe(2);
    expect(published.reduce(nextMode, again).context).toEqual({ reason: null, failures: 0 });
  });

  it('ignore what their mode does not accept', () => {
    expect(after({ type: 'Published' }).value).toBe('warming');
  });
});
