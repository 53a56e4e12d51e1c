import { describe, expect, it } from '@jest/globals';
import { FRESH_CURSOR, type FactChange } from './cursor.js';
import { SourceQueue } from './source-queue.js';

const start = { ...FRESH_CURSOR, identity: 'i' };
const change: FactChange = { kind: 'decision', json: '{}' };
const sifted = (sequence: number, changes = 1) => ({
  cursor: { ...start, sequence },
  changes: Array.from({ length: changes }, () => change),
});

describe('SourceQueue', () => {
  it('gives a position that goes with the changes it gives', () => {
    const queue = new SourceQueue(start, start);
    for (let sequence = 1; sequence <= 4; sequence++) queue.push(sifted(sequence), 10);
    const portion = queue.peek(3, 1000)!;
    expect(portion).toMatchObject({ bytes: 30, from: { sequence: 0 }, to: { sequence: 3 } });
    expect(portion.changes).toHaveLength(3);
    queue.settle(portion);
    expect(queue.peek(3, 1000)).toMatchObject({ from: { sequence: 3 }, to: { sequence: 4 } });
    expect([queue.rows, queue.bytes]).toEqual([1, 10]);
  });

  it('keeps what is not settled', () => {
    const queue = new SourceQueue(start, start);
    queue.push(sifted(1), 10);
    expect(queue.peek(10, 1000)).toEqual(queue.peek(10, 1000));
  });

  it('moves past records without facts only when all facts before them are given', () => {
    const queue = new SourceQueue(start, start);
    queue.push(sifted(1), 10);
    queue.push(sifted(2), 10);
    queue.push(sifted(3, 0), 10);
    const portion = queue.peek(1, 1000)!;
    expect(portion.to.sequence).toBe(1);
    queue.settle(portion);
    expect(queue.peek(1, 1000)!.to.sequence).toBe(3);
  });

  it('gives a record that alone is over the limits, and nothing where nothing is new', () => {
    const queue = new SourceQueue(start, start);
    expect(queue.peek(1, 1)).toBeUndefined();
    queue.push(sifted(1, 3), 500);
    const portion = queue.peek(1, 1)!;
    expect(portion.changes).toHaveLength(3);
    queue.settle(portion);
    expect(queue.peek(1, 1)).toBeUndefined();
  });
});
