/** The index that a uniform number falls on. */
export function drawFrom(distribution: readonly number[], uniform: number): number {
  let left = uniform;
  for (let i = 0; i < distribution.length; i++) {
    left -= distribution[i]!;
    if (left < 0) return i;
  }
  return distribution.findLastIndex((p) => p > 0);
}
