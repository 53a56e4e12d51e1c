import { describe, expect, it } from '@jest/globals';
import { crossingOf, modeAfter, type ZoneMode } from './zone.machine.js';

const SETTINGS = { enterRatio: 2, leaveRatio: 1.2 };

describe("a zone's mode", () => {
  it.each<[ZoneMode, number, ZoneMode]>([
    ['balanced', 1.99, 'balanced'],
    ['balanced', 2, 'undersupplied'],
    ['undersupplied', 1.99, 'undersupplied'],
    ['undersupplied', 1.21, 'undersupplied'],
    ['undersupplied', 1.2, 'balanced'],
    ['balanced', 0.51, 'balanced'],
    ['balanced', 0.5, 'oversupplied'],
    ['oversupplied', 0.51, 'oversupplied'],
    ['oversupplied', 0.83, 'oversupplied'],
    ['oversupplied', 0.84, 'balanced'],
    ['undersupplied', 0.5, 'oversupplied'],
    ['oversupplied', 2, 'undersupplied'],
  ])('%s at a ratio of %d is then %s', (mode, ratio, after) => {
    expect(modeAfter(mode, ratio, SETTINGS)).toBe(after);
  });

  it('does not flutter around one threshold', () => {
    let mode: ZoneMode = 'balanced';
    const seen = new Set<ZoneMode>();
    for (let i = 0; i < 50; i++) {
      mode = modeAfter(mode, i % 2 === 0 ? 2.01 : 1.9, SETTINGS);
      seen.add(mode);
    }
    expect([...seen]).toEqual(['undersupplied']);
    expect(crossingOf('undersupplied', 1.9, SETTINGS)).toBeUndefined();
  });
});
