/** A number as reasons say it in words: to three places, and finite wherever the number is. */
export function rounded(value: number): number {
  // From there on no number has a fraction, and a thousand times the largest of them is none.
  return Math.abs(value) >= 2 ** 52 ? value : Math.round(value * 1000) / 1000;
}
