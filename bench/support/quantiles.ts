/** The value that `share` (0 to 1) of the samples do not exceed, by nearest rank. Sorts a copy. */
export function quantile(samples: readonly number[] | Float64Array, share: number): number {
  if (samples.length === 0) throw new Error('there are no samples');
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))]!;
}
