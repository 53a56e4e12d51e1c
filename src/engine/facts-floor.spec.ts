import { expect, it } from '@jest/globals';
import type { Stored } from '../actors/host/ports.js';
import { UnreadableBook } from '../kernel/read-json.js';
import { FactsFloor } from './facts-floor.js';

function floorOf(stored: () => Stored | undefined, isExpected: boolean) {
  const said: string[] = [];
  const constants = { get: () => Promise.resolve(stored()) };
  const log = { warn: (message: string) => void said.push(message) };
  const unreadable = new UnreadableBook({ warn: () => undefined });
  const floor = new FactsFloor(constants, isExpected, unreadable, log);
  return { floor, said, unreadable };
}

const value = (text: string): Stored => ({ value: Buffer.from(text), revision: 1 });

it('keeps everything while an expected sink was never announced, and says so', async () => {
  const { floor, said } = floorOf(() => undefined, true);
  await floor.refresh();
  expect(floor.of(0)).toBe(0);
  expect(said).toHaveLength(1);
  floor.stop();
});

it('waits for nobody where no facts are expected', async () => {
  const { floor } = floorOf(() => undefined, false);
  expect(floor.of(0)).toBe(0);
  await floor.refresh();
  expect(floor.of(0)).toBe(Infinity);
  floor.stop();
});

it('knows how far the experience stream is sunk, and that of no other one', async () => {
  const { floor } = floorOf(() => value('{"0":7,"experience.id1":9}'), true);
  expect(floor.ofExperience('id1')).toBe(0);
  await floor.refresh();
  expect([floor.ofExperience('id1'), floor.ofExperience('id2'), floor.of(0)]).toEqual([9, 0, 7]);
  floor.stop();
});

it.each(['', 'null', '[]', '{"0":"x"}', '{"0":-1}', '{"0":1e999}', '\u0000'])(
  'goes on with the last floor it could read when it finds %j',
  async (text) => {
    let now = value('{"0":7}');
    const { floor, said, unreadable } = floorOf(() => now, true);
    await floor.refresh();
    now = value(text);
    await expect(floor.refresh()).resolves.toBeUndefined();
    expect([floor.of(0), floor.of(1)]).toEqual([7, 0]);
    expect(said).toHaveLength(1);
    expect(unreadable.counts()).toEqual({ 'facts-floor': 1 });
    floor.stop();
  },
);
