/**
 * The originals whose redrive was applied, by their sequence in the partition's journal. Exact: what comes one after the
 * other is one range, and of more ranges than are kept the lowest goes; of originals at or below it nothing is known any more,
 * and they are refused.
 */
const RANGES_MAX = 4096;

export type Range = readonly [first: number, last: number];

export class Redriven {
  /** Ascending, apart from each other. */
  private ranges: Range[] = [];

  constructor(
    ranges: readonly Range[] = [],
    /** Highest sequence that is not known any more. */
    private bottom = 0,
    private readonly rangesMax = RANGES_MAX,
  ) {
    this.ranges = [...ranges];
  }

  standing(sequence: number): 'repeat' | 'new' | 'unknown' {
    if (sequence <= this.bottom) return 'unknown';
    const range = this.ranges[this.find(sequence)];
    return range !== undefined && range[0] <= sequence ? 'repeat' : 'new';
  }

  add(sequence: number): void {
    if (this.standing(sequence) !== 'new') return;
    const at = this.find(sequence);
    const [before, after] = [this.ranges[at - 1], this.ranges[at]];
    const joinsBefore = before !== undefined && before[1] === sequence - 1;
    const joinsAfter = after !== undefined && after[0] === sequence + 1;
    const joined: Range = [joinsBefore ? before[0] : sequence, joinsAfter ? after[1] : sequence];
    this.ranges.splice(joinsBefore ? at - 1 : at, Number(joinsBefore) + Number(joinsAfter), joined);
    while (this.ranges.length > this.rangesMax) this.bottom = this.ranges.shift()![1];
  }

  save(): readonly [ranges: readonly Range[], bottom: number] {
    return [[...this.ranges], this.bottom];
  }

  /** Index of the first range that ends at `sequence` or after it. */
  private find(sequence: number): number {
    let [low, high] = [0, this.ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ranges[middle]![1] < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
