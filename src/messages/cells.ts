/** H3 cells have one spelling each: fifteen lower-case hex digits. Two spellings of one cell would be two zones. */
import { getResolution, isValidCell } from 'h3-js';

const CELL = /^[0-9a-f]{15}$/;

/** The one spelling of a cell that is written in upper case or with leading zeros; undefined for what is no cell. */
export function canonicalCell(text: string): string | undefined {
  const cell = text.toLowerCase().replace(/^0+/, '');
  return CELL.test(cell) && isValidCell(cell) ? cell : undefined;
}

/** Whether it is the id of a zone: a cell of that resolution, in its one spelling. */
export const isZoneCell = (id: string, resolution: number): boolean =>
  CELL.test(id) && isValidCell(id) && getResolution(id) === resolution;

/** What a zone's id must be, for whoever gave another one. */
export const zoneIdRule = (resolution: number): string =>
  `an H3 cell of resolution ${resolution}: fifteen lower-case hex digits`;
