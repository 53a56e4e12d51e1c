/** What is left of a count after `elapsedMs`, halving every `halfLifeMs`. */
export const decayed = (count: number, elapsedMs: number, halfLifeMs: number): number =>
  count === 0 ? 0 : count * 2 ** (-elapsedMs / halfLifeMs);

/**
 * How long until (demand·x + 1) / (supply + 1) has fallen to `ratio`, where x = 2^(−t / halfLifeMs) decays the demand; 0
 * where it is there already, Infinity where decay alone never brings it there.
 */
export function msUntilRatio(demand: number, supply: number, ratio: number, halfLifeMs: number): number {
  const x = (ratio * (supply + 1) - 1) / demand;
  if (!(x > 0)) return Infinity;
  return x >= 1 ? 0 : -Math.log2(x) * halfLifeMs;
}
