import { describe, expect, it } from '@jest/globals';
import type { Chain } from '../../messages/records.js';
import { ChainWatermarks } from './chain-watermarks.js';

const link = (seq: number, prev: [number, number], idx = 0, p = 0, src = 'j'): Chain => ({ p, src, seq, idx, prev });

describe('chain watermarks', () => {
  it('apply each output once, in chain order, however often and in whatever order it arrives', () => {
    const marks = new ChainWatermarks();
    const [a, b, c] = [link(4, [0, 0]), link(4, [4, 0], 1), link(9, [4, 1])];
    // b came before a was stored; then the source sent both again.
    expect([b, a, b, a, c, c].map((chain) => marks.offer(chain))).toEqual([
      'ahead',
      'next',
      'next',
      'past',
      'next',
      'past',
    ]);
  });

  it('keep the chains of partitions and of recreated journals apart', () => {
    const marks = new ChainWatermarks();
    expect(marks.offer(link(5, [0, 0]))).toBe('next');
    expect(marks.offer(link(1, [0, 0], 0, 1))).toBe('next');
    expect(marks.offer(link(1, [0, 0], 0, 0, 'new'))).toBe('next');
    expect(marks.offer(link(6, [5, 0]))).toBe('next');
  });

  it('go on behind a gap after rejoin, once, and never back', () => {
    const marks = new ChainWatermarks();
    marks.offer(link(5, [0, 0]));
    marks.rejoin();
    expect(marks.offer(link(3, [2, 0]))).toBe('past');
    expect(marks.offer(link(9, [8, 0]))).toBe('next');
    expect(marks.offer(link(12, [10, 0]))).toBe('ahead');
    expect(marks.offer(link(20, [19, 0], 0, 7))).toBe('next');
  });

  it('go on with a source that was rebuilt from a journal without its beginning', () => {
    const marks = new ChainWatermarks();
    marks.offer(link(5, [0, 0]));
    expect(marks.offer(link(5, [0, 0]))).toBe('past');
    expect(marks.offer(link(9, [0, 0]))).toBe('next');
    expect(marks.offer(link(9, [9, 0], 1))).toBe('next');
    expect(marks.offer(link(9, [3, 0], 1))).toBe('past');
    expect(marks.offer(link(12, [10, 0]))).toBe('ahead');
  });

  it('are the same after saving', () => {
    const marks = new ChainWatermarks();
    marks.offer(link(5, [0, 0]));
    const again = new ChainWatermarks(JSON.parse(JSON.stringify(marks.save())));
    expect(again.offer(link(5, [0, 0]))).toBe('past');
    expect(again.offer(link(7, [6, 0]))).toBe('ahead');
    expect(again.offer(link(7, [5, 0]))).toBe('next');
  });
});
