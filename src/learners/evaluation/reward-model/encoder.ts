/** Turns a logged choice into the sparse columns that reward models are fitted on. */
import { numericFeatures } from '../features.js';
import type { JsonObject, LoggedAction } from '../logged.js';

/** Names that get a column, by kind, first come first served; what comes later has none. */
export const COLUMNS_MAX = { action: 500, context: 256, feature: 256, position: 50 } as const;
type ColumnKind = keyof typeof COLUMNS_MAX;

/** Column 0 is the constant. */
export const CONSTANT = 0;

/** Values of the columns that are not zero. */
export interface SparseRow {
  readonly columns: readonly number[];
  readonly values: readonly number[];
}

export const NO_ROW: SparseRow = { columns: [], values: [] };

/**
 * Main effects: a constant, one column for each action and each position, and one for each feature of the context and of
 * the action. Once `frozen`, names not seen before have no column.
 */
export class Encoder {
  readonly #columns = new Map<string, number>();
  readonly #used: Record<ColumnKind, number> = { action: 0, context: 0, feature: 0, position: 0 };
  #count = 1;
  frozen = false;

  get columns(): number {
    return this.#count;
  }

  context(context: JsonObject, subject: Readonly<Record<string, number>>): SparseRow {
    const row = new RowBuilder();
    for (const [name, value] of numericFeatures(context)) row.add(this.#column('context', name), value);
    for (const [name, value] of Object.entries(subject)) row.add(this.#column('context', `subject.${name}`), value);
    return row;
  }

  position(position: number): SparseRow {
    const row = new RowBuilder();
    row.add(this.#column('position', String(position)), 1);
    return row;
  }

  action({ id, features }: LoggedAction): SparseRow {
    const row = new RowBuilder();
    row.add(this.#column('action', id), 1);
    for (const [name, value] of numericFeatures(features)) row.add(this.#column('feature', name), value);
    return row;
  }

  #column(kind: ColumnKind, name: string): number | undefined {
    const key = `${kind}\0${name}`;
    const known = this.#columns.get(key);
    if (known !== undefined || this.frozen || this.#used[kind] >= COLUMNS_MAX[kind]) return known;
    this.#used[kind]++;
    this.#columns.set(key, this.#count);
    return this.#count++;
  }
}

class RowBuilder implements SparseRow {
  readonly columns: number[] = [];
  readonly values: number[] = [];

  add(column: number | undefined, value: number): void {
    if (column === undefined || value === 0) return;
    this.columns.push(column);
    this.values.push(value);
  }
}
