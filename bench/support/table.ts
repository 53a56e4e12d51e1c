import { meetsTarget, type Result } from '../entry.js';

const HEAD = ['name', 'value', 'unit', 'target', '', 'limit'];

/** Rows of plain text; numbers to the right. */
export function table(results: readonly Result[]): string {
  const rows = results.map((result) => {
    const { name, value, unit, target, limit, better } = result;
    const sign = better === 'more' ? '≥' : '≤';
    const meets = meetsTarget(result);
    return [
      name,
      shown(value),
      unit,
      target === undefined ? '' : `${sign} ${shown(target)}`,
      meets === undefined ? '' : meets ? 'met' : 'MISSED',
      limit === undefined ? '' : shown(limit),
    ];
  });
  const widths = HEAD.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]!.length)));
  return [HEAD, ...rows]
    .map((row) =>
      row
        .map((cell, i) => (i === 1 || i === 3 || i === 5 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function shown(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 1000 || Number.isInteger(value) ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
