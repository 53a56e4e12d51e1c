import { describe, expect, it } from '@jest/globals';
import { FairTurns } from './fair-turns.js';

const idle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('FairTurns', () => {
  it('lets everybody in at once while there is room', () => {
    const turns = new FairTurns({ openMax: 2, requestsMax: 8, bytesMax: 1_000 });
    expect([turns.enter('a', 1), turns.enter('a', 1)]).toEqual([undefined, undefined]);
    expect(turns.enter('a', 1)).toBeInstanceOf(Promise);
  });

  it('gives one app the next turn, however many of another wait', async () => {
    const turns = new FairTurns({ openMax: 1, requestsMax: 1_000, bytesMax: 1_000 });
    const served: string[] = [];
    const ask = (app: string, cost = 1): void =>
      void turns.enter(app, cost)?.then(() => {
        served.push(app);
        setImmediate(() => turns.leave(app));
      });
    expect(turns.enter('flood', 1)).toBeUndefined();
    for (let n = 0; n < 400; n++) ask('flood');
    for (let n = 0; n < 3; n++) ask('quiet');
    turns.leave('flood');
    while (turns.present > 0) await idle();
    expect(served).toHaveLength(403);
    // A round is a few requests of each.
    expect(served.lastIndexOf('quiet')).toBeLessThan(12);
  });

  it('counts what requests cost, not how many there are', async () => {
    const turns = new FairTurns({ openMax: 1, requestsMax: 10_000, bytesMax: 1_000 });
    const served: Record<string, number> = { dear: 0, cheap: 0 };
    const ask = (app: string, cost: number): void =>
      void turns.enter(app, cost)?.then(() => {
        served[app]! += cost;
        setImmediate(() => turns.leave(app));
      });
    void turns.enter('first', 1);
    for (let n = 0; n < 200; n++) ask('dear', 4);
    for (let n = 0; n < 800; n++) ask('cheap', 1);
    turns.leave('first');
    while (served['dear']! + served['cheap']! < 400) await idle();
    expect(Math.abs(served['dear']! - served['cheap']!)).toBeLessThanOrEqual(8);
  });

  it('refuses an app over its share, and takes others still', () => {
    const turns = new FairTurns({ openMax: 1, requestsMax: 10, bytesMax: 1_000 });
    for (let n = 0; n < 10; n++) void turns.enter('flood', 1);
    expect(() => turns.enter('flood', 1)).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
    expect(turns.enter('quiet', 1)).toBeInstanceOf(Promise);
    for (let n = 0; n < 20; n++) expect(() => turns.enter('flood', 1)).toThrow();
    expect(turns.present).toBe(11);
  });

  it('refuses an app over its share of bytes, and takes others still', () => {
    const turns = new FairTurns({ openMax: 1, requestsMax: 100, bytesMax: 1_000 });
    const refused = expect.objectContaining({ code: 'OVERLOADED' });
    // One alone is never too large.
    void turns.enter('flood', 1, 1_500);
    expect(() => turns.enter('flood', 1, 1)).toThrow(refused);
    turns.leave('flood', 1_500);
    for (let n = 0; n < 10; n++) void turns.enter('flood', 1, 100);
    expect(() => turns.enter('flood', 1, 1)).toThrow(refused);
    expect(turns.enter('quiet', 1, 400)).toBeInstanceOf(Promise);
    expect(() => turns.enter('quiet', 1, 101)).toThrow(refused);
    expect(turns.enter('quiet', 1, 100)).toBeInstanceOf(Promise);
    // With two here the flood's part is half of it.
    for (let n = 0; n < 5; n++) turns.leave('flood', 100);
    expect(() => turns.enter('flood', 1, 1)).toThrow(refused);
  });

  it('tells those who wait that their turn does not come', async () => {
    const turns = new FairTurns({ openMax: 1, requestsMax: 10, bytesMax: 1_000 });
    void turns.enter('a', 1);
    const waiting = turns.enter('a', 1)!;
    turns.stop(() => new Error('over'));
    await expect(waiting).rejects.toThrow('over');
    turns.leave('a');
    expect(turns.present).toBe(0);
  });
});
