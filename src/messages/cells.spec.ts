import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { latLngToCell } from 'h3-js';
import { canonicalCell, isZoneCell } from './cells.js';

const cells = fc
  .tuple(
    fc.double({ min: -90, max: 90, noNaN: true }),
    fc.double({ min: -180, max: 180, noNaN: true }),
    fc.nat({ max: 15 }),
  )
  .map(([lat, lng, resolution]) => ({ cell: latLngToCell(lat, lng, resolution), resolution }));

it('every cell has one spelling', () => {
  fc.assert(
    fc.property(cells, fc.nat({ max: 3 }), ({ cell, resolution }, zeros) => {
      const other = '0'.repeat(zeros) + cell.toUpperCase();
      expect(canonicalCell(other)).toBe(cell);
      expect(isZoneCell(cell, resolution)).toBe(true);
      expect(isZoneCell(other, resolution)).toBe(other === cell);
      expect(isZoneCell(cell, (resolution + 1) % 16)).toBe(false);
    }),
  );
});

it.each([
  '',
  '0',
  'nowhere',
  '882a100d69ffff',
  '882a100d69ffffff',
  '0x882a100d69fffff',
  '882a100d69fffff ',
  '982a100d69fffff',
])('%j is no cell', (text) => {
  expect(canonicalCell(text)).toBeUndefined();
  expect(isZoneCell(text, 8)).toBe(false);
});
