import { describe, expect, it } from '@jest/globals';
import { mismatchesOf, reportText, type ReplayReport } from './report.js';

describe('mismatchesOf', () => {
  it('lists every cell that the two counts do not agree on', () => {
    const recount = new Map([
      ['b', 2],
      ['a', 1],
      ['same', 3],
    ]);
    const folded = new Map([
      ['same', 3],
      ['a', 2],
      ['c', 4],
    ]);
    expect(mismatchesOf(recount, folded)).toEqual([
      { cell: 'a', recount: 1, folded: 2 },
      { cell: 'b', recount: 2, folded: 0 },
      { cell: 'c', recount: 0, folded: 4 },
    ]);
    expect(mismatchesOf(recount, recount)).toEqual([]);
  });
});

describe('reportText', () => {
  const report: ReplayReport = {
    file: {
      name: 'f.csv',
      rows: 1_002,
      badRows: 2,
      bad: [{ row: 4, code: 'TRIP_TIME_INVALID', reason: 'Date/Time is "x"' }],
    },
    hours: 6,
    events: { sent: 1_000, accepted: 1_000, rejected: 0, repeated: 0, rejections: [], perSecond: 12_345.6 },
    zones: { counted: 3, countedBefore: 0, folded: 1_000, mismatches: [] },
    guidance: {
      surface: 'driver.heatmap',
      hoursScored: 5,
      pickupsScored: 900,
      asked: 5,
      degraded: {},
      fallbacks: { 'x: POLICY_MISSING': 1 },
      policies: { 'demand-softmax@1': 5 },
      shares: [{ k: 5, served: 0.3, byScore: 0.31, popularity: 0.25, best: 0.5 }],
    },
    seconds: { total: 2, sending: 0.5, waiting: 1, asking: 0.25 },
  };

  it('says that all is equal, and how good the guidance was', () => {
    const text = reportText(report);
    expect(text).toContain('1,000 of 1,000 (12,346/s)');
    expect(text).toContain('equal to a recount of the file in all 3 zones');
    expect(text).toContain('row 4: TRIP_TIME_INVALID: Date/Time is "x"');
    expect(text).toContain('… and 1 more');
    expect(text).toMatch(/5 +30\.00 % +31\.00 % +25\.00 % +50\.00 % +\+20\.0 % +60\.00 %/);
  });

  it('lists the zones that differ', () => {
    const text = reportText({
      ...report,
      zones: { ...report.zones, mismatches: [{ cell: 'a', recount: 1, folded: 2 }] },
    });
    expect(text).toContain('NOT equal to a recount of the file: 1 of 3 zones differ');
    expect(text).toContain('a: 1 in the file, 2 folded');
  });
});
