/** Small dense matrices, done the slow way: what fast code is compared with. */
import type { Random } from '../../src/kernel/random.js';

export type Matrix = number[][];

/** Standard normal numbers, by the sum of twelve uniform ones: near enough for test data. */
export const normals = (random: Random, size: number): Float64Array =>
  Float64Array.from({ length: size }, () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += random.next();
    return sum;
  });

/** Gauss and Jordan, with the largest pivot of each column. */
export function inverted(matrix: Matrix): Matrix {
  const size = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let i = column + 1; i < size; i++)
      if (Math.abs(rows[i]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = i;
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const scale = rows[column]![column]!;
    rows[column] = rows[column]!.map((value) => value / scale);
    for (let i = 0; i < size; i++) {
      if (i === column) continue;
      const factor = rows[i]![column]!;
      rows[i] = rows[i]!.map((value, j) => value - factor * rows[column]![j]!);
    }
  }
  return rows.map((row) => row.slice(size));
}

export const times = (matrix: Matrix, x: ArrayLike<number>): number[] =>
  matrix.map((row) => row.reduce((sum, value, j) => sum + value * x[j]!, 0));

/** x'Mx. */
export const quadratic = (matrix: Matrix, x: ArrayLike<number>): number =>
  times(matrix, x).reduce((sum, value, i) => sum + value * x[i]!, 0);
