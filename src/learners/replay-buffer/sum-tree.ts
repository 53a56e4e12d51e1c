/** Nonnegative numbers of which one is drawn in proportion, in logarithmic time. */
export class SumTree {
  /** A power of two. */
  readonly #leaves: number;
  /** Node i has the children 2i and 2i + 1; the leaves are the last half. */
  readonly #nodes: Float64Array;

  constructor(size: number) {
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(2, size)));
    this.#nodes = new Float64Array(2 * this.#leaves);
  }

  get total(): number {
    return this.#nodes[1]!;
  }

  get(index: number): number {
    return this.#nodes[this.#leaves + index]!;
  }

  set(index: number, value: number): void {
    const nodes = this.#nodes;
    let node = this.#leaves + index;
    nodes[node] = value;
    // Sums are made anew, never corrected by a difference: so they depend on the leaves alone, not on their history.
    while (node > 1) {
      node >>= 1;
      nodes[node] = nodes[2 * node]! + nodes[2 * node + 1]!;
    }
  }

  /** The index in whose share of [0, total) the mass lies; never one whose number is 0, while any is above. */
  find(mass: number): number {
    const nodes = this.#nodes;
    let left = mass;
    let node = 1;
    while (node < this.#leaves) {
      const first = nodes[2 * node]!;
      // Rounding may leave a rest beyond the last one that has any mass.
      if (left < first || nodes[2 * node + 1] === 0) node = 2 * node;
      else {
        left -= first;
        node = 2 * node + 1;
      }
    }
    return node - this.#leaves;
  }
}
