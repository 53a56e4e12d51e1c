import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../kernel/clock.js';
import type { Output } from './fold.js';
import { OutputPublisher } from './output-publisher.js';
import type { Appender, AppendOutcome, JournalMessage } from './ports.js';

const output = (seq: number, target = 'p1'): Output => ({
  target,
  subject: `attune.p.1.output.engine.zone.z.o${seq}`,
  chain: { p: 0, src: 'id', seq, idx: 0, prev: [seq - 1, 0] },
  atMs: 0,
  json: '{}',
});

class ScriptedAppender implements Appender {
  readonly sent: string[][] = [];
  constructor(private readonly script: AppendOutcome['status'][][]) {}

  append(messages: readonly JournalMessage[]): Promise<AppendOutcome[]> {
    this.sent.push(messages.map((m) => m.subject.split('.').at(-1)!));
    const statuses = this.script.shift() ?? messages.map(() => 'stored' as const);
    return Promise.resolve(
      statuses.map((status): AppendOutcome => {
        if (status === 'stored') return { status, sequence: 1 };
        return status === 'refused' ? { status, code: 'X', message: 'x' } : { status };
      }),
    );
  }
}

describe('the output publisher', () => {
  it('takes nothing for acknowledged that was not when it was stopped', async () => {
    const appender = new ScriptedAppender([]);
    const publisher = new OutputPublisher(systemClock, () => appender);
    publisher.publish([output(1)]);
    publisher.stop();
    let acknowledged = false;
    void publisher.acknowledged(1).then(() => (acknowledged = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(acknowledged).toBe(false);
  });

  it('goes back to the first unacknowledged output and sends everything after it again', async () => {
    const appender = new ScriptedAppender([['stored', 'unknown', 'stored']]);
    const publisher = new OutputPublisher(systemClock, () => appender);
    publisher.publish([output(1), output(2), output(3)]);
    await publisher.acknowledged(3);
    expect(appender.sent).toEqual([
      ['o1', 'o2', 'o3'],
      ['o2', 'o3'],
    ]);
    expect(publisher.unacknowledged).toBe(0);
  });

  it('acknowledges a sequence only when the outputs to every target are', async () => {
    const slow = new ScriptedAppender([['refused'], ['unknown']]);
    const fast = new ScriptedAppender([]);
    const publisher = new OutputPublisher(systemClock, (target) => (target === 'x' ? slow : fast));
    publisher.publish([output(1), output(1, 'x'), output(2)]);
    let settled = false;
    const wait = publisher.acknowledged(1).then(() => (settled = true));
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(settled).toBe(false);
    await wait;
    expect(slow.sent.length).toBe(3);
  });

  it('resolves at once where nothing is outstanding', async () => {
    const publisher = new OutputPublisher(systemClock, () => new ScriptedAppender([]));
    await publisher.acknowledged(100);
  });
});
