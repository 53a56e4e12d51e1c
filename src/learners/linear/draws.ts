/** Draws of the shared weights, for policies that sample them (DESIGN.md section 4: stored in the artifact). */
import { seededRandom, type Random } from '../../kernel/random.js';
import type { SharedBelief } from '../../policies/linear/model.js';

/** Rounds after which sfc32 has mixed any seed. */
const WARM_UP = 12;

/**
 * `count` draws from N(mean, scale²·P), one after the other. They depend on the belief, the seed and `learned` alone, so
 * exporting a version twice gives the same; the next version has fresh ones.
 */
export function drawWeights(
  { weights, covariance }: SharedBelief,
  count: number,
  scale: number,
  { seed, learned }: { seed: number; learned: number },
): Float32Array {
  const random = seededRandom([seed | 0, learned | 0, Math.floor(learned / 0x100000000) | 0, 1]);
  for (let i = 0; i < WARM_UP; i++) random.next();
  const size = weights.length;
  const normals = new Float64Array(size);
  const away = new Float64Array(size);
  const draws = new Float32Array(count * size);
  for (let k = 0; k < count; k++) {
    fillNormals(random, normals);
    covariance.spread(normals, away);
    for (let i = 0; i < size; i++) draws[k * size + i] = weights[i]! + scale * away[i]!;
  }
  return draws;
}

/** Independent standard normal numbers (Box and Muller, 1958). */
export function fillNormals(random: Random, into: Float64Array): void {
  for (let i = 0; i < into.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
    const angle = 2 * Math.PI * random.next();
    into[i] = radius * Math.cos(angle);
    if (i + 1 < into.length) into[i + 1] = radius * Math.sin(angle);
  }
}
