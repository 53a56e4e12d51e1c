/** A table of action values that grows as pairs of state and action are tried. */

export type QRow = Map<string, number>;
/** Rows in the order of first visits, as saved: state, then actions with their values. */
export type SavedTable = [state: string, row: [action: string, value: number][]][];

export class QValues {
  readonly #rows = new Map<string, QRow>();
  readonly #initial: number;

  constructor(initial: number, saved: SavedTable = []) {
    this.#initial = initial;
    for (const [state, row] of saved) this.#rows.set(state, new Map(row));
  }

  get size(): number {
    return this.#rows.size;
  }

  row(state: string): ReadonlyMap<string, number> | undefined {
    return this.#rows.get(state);
  }

  get(state: string, action: string): number {
    return this.#rows.get(state)?.get(action) ?? this.#initial;
  }

  set(state: string, action: string, value: number): void {
    let row = this.#rows.get(state);
    if (row === undefined) this.#rows.set(state, (row = new Map()));
    row.set(action, value);
  }

  /** The best of the actions that may be taken, the first of equals. */
  best(state: string, eligible: readonly string[]): string | undefined {
    let best: string | undefined;
    let highest = -Infinity;
    for (const action of eligible) {
      const value = this.get(state, action);
      if (value > highest) [best, highest] = [action, value];
    }
    return best;
  }

  save(): SavedTable {
    return [...this.#rows].map(([state, row]) => [state, [...row]]);
  }
}
