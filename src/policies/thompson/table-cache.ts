import type { ArmDistribution } from './choice-probabilities.js';

/** Tables kept per artifact version; about 2 KB each. */
const TABLES_MAX = 4096;

/** Tables by the evidence they are made of; `make` is pure, so that what was dropped is made again the same. */
export class TableCache<E extends object> {
  readonly #make: (evidence: E) => ArmDistribution;
  readonly #tables = new Map<E, ArmDistribution>();

  constructor(make: (evidence: E) => ArmDistribution) {
    this.#make = make;
  }

  of(evidence: E): ArmDistribution {
    let table = this.#tables.get(evidence);
    if (table === undefined) {
      // Dropping what is oldest is enough: a table is cheap to make again.
      if (this.#tables.size >= TABLES_MAX) this.#tables.delete(this.#tables.keys().next().value!);
      this.#tables.set(evidence, (table = this.#make(evidence)));
    }
    return table;
  }
}
