/** Exponential decay: what is left of `value` after `elapsedMs`, by half-life. Time that runs backwards decays nothing. */
export const decayed = (value: number, elapsedMs: number, halfLifeMs: number): number =>
  value === 0 || elapsedMs <= 0 ? value : value * 2 ** (-elapsedMs / halfLifeMs);
