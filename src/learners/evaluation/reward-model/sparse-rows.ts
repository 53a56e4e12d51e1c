/** Sparse rows behind one another in typed arrays that grow. */
import { CONSTANT, type SparseRow } from './encoder.js';

export class SparseRows {
  #columns = new Int32Array(1024);
  #values = new Float64Array(1024);
  #ends = new Int32Array(256);
  #rows = 0;
  #used = 0;

  get rows(): number {
    return this.#rows;
  }

  /** Appends one row: the constant, and all that the parts have. */
  push(parts: readonly SparseRow[]): void {
    this.#add(CONSTANT, 1);
    for (const { columns, values } of parts)
      for (let i = 0; i < columns.length; i++) this.#add(columns[i]!, values[i]!);
    if (this.#rows === this.#ends.length) this.#ends = grown(this.#ends, new Int32Array(this.#rows * 2));
    this.#ends[this.#rows++] = this.#used;
  }

  /** Calls back with where row `row` begins and ends in `columns` and `values`. */
  start(row: number): number {
    return row === 0 ? 0 : this.#ends[row - 1]!;
  }

  end(row: number): number {
    return this.#ends[row]!;
  }

  get columns(): Int32Array {
    return this.#columns;
  }

  get values(): Float64Array {
    return this.#values;
  }

  #add(column: number, value: number): void {
    if (this.#used === this.#columns.length) {
      this.#columns = grown(this.#columns, new Int32Array(this.#used * 2));
      this.#values = grown(this.#values, new Float64Array(this.#used * 2));
    }
    this.#columns[this.#used] = column;
    this.#values[this.#used++] = value;
  }
}

function grown<T extends Int32Array | Float64Array>(from: T, into: T): T {
  into.set(from as never);
  return into;
}
