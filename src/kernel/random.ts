/** Uniform numbers in [0, 1). */
export interface Random {
  next(): number;
}

/** A generator whose whole state is four 32-bit words, so it can be checkpointed and resumed bit for bit. */
export interface SeededRandom extends Random {
  state(): readonly number[];
}

/**
 * sfc32 (C. Doty-Humphrey, PractRand): 128 bits of state, 32-bit output joined to 53-bit doubles.
 * Seeded by a number, or resumed from a saved state.
 */
export function seededRandom(seed: number | readonly number[]): SeededRandom {
  let a: number, b: number, c: number, counter: number;
  const word = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  if (typeof seed === 'number') {
    [a, b, c, counter] = [seed | 0, Math.floor(seed / 0x100000000) | 0, 0x9e3779b9 | 0, 1];
    for (let i = 0; i < 15; i++) word();
  } else {
    [a, b, c, counter] = seed as [number, number, number, number];
  }
  return {
    next: () => ((word() >>> 5) * 0x4000000 + (word() >>> 6)) / 0x20000000000000,
    state: () => [a, b, c, counter],
  };
}
