import { describe, expect, it } from '@jest/globals';
import { InTurn } from './in-turn.js';

describe('tasks in turn', () => {
  it('begin once those before them are over, also where these have failed', async () => {
    const turn = new InTurn();
    const seen: string[] = [];
    let end = (): void => undefined;
    const first = turn.run(async () => {
      seen.push('first begins');
      await new Promise<void>((resolve) => (end = resolve));
      seen.push('first ends');
      throw new Error('no');
    });
    const second = turn.run(() => void seen.push('second'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual(['first begins']);
    end();
    await expect(first).rejects.toThrow('no');
    await second;
    expect(seen).toEqual(['first begins', 'first ends', 'second']);
  });

  it('give what they come to, or what they throw at once', async () => {
    const turn = new InTurn();
    expect(await turn.run(() => 1)).toBe(1);
    expect(await turn.run(() => Promise.resolve(2))).toBe(2);
    const failing = turn.run(() => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
  });

  it('are over once the last of them is, however it ended', async () => {
    const turn = new InTurn();
    let ended = false;
    const failing = turn.run(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      ended = true;
      throw new Error('no');
    });
    const refused = expect(failing).rejects.toThrow('no');
    await turn.over();
    expect(ended).toBe(true);
    await refused;
  });
});
