import { describe, expect, it } from '@jest/globals';
import { childTraceparent, traceIdOf } from './trace.js';

const ID = '0af7651916cd43dd8448eb211c80319c';

describe('traceIdOf', () => {
  it.each([`00-${ID}-b7ad6b7169203331-01`, `01-${ID}-b7ad6b7169203331-00-more`])('takes it from %s', (header) => {
    expect(traceIdOf(header)).toBe(ID);
  });

  it.each([
    undefined,
    '',
    ID,
    `ff-${ID}-b7ad6b7169203331-01`,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${ID}-${'0'.repeat(16)}-01`,
    `00-${ID.toUpperCase()}-b7ad6b7169203331-01`,
  ])('makes a new one for %j', (header) => {
    const made = traceIdOf(header);
    expect(made).toMatch(/^[0-9a-f]{32}$/);
    expect(made).not.toBe(ID);
  });

  it('never makes the same one twice', () => {
    const made = new Set(Array.from({ length: 2000 }, () => traceIdOf(undefined)));
    expect(made.size).toBe(2000);
  });
});

it('hands the trace on under a new span', () => {
  expect(traceIdOf(childTraceparent(ID))).toBe(ID);
  expect(childTraceparent(ID)).not.toBe(childTraceparent(ID));
});
