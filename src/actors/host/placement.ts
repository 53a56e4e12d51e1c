import { fnv1a } from '../../kernel/ids.js';

/**
 * Rendezvous (highest random weight) hashing: the live host that should own a partition. Hosts joining or leaving move
 * only the partitions they win or lose. Source: Thaler and Ravishankar, "Using name-based mappings to increase hit
 * rates", IEEE/ACM Transactions on Networking, 1998.
 */
export function preferredHost(partition: number, hosts: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestWeight = -1;
  for (const host of hosts) {
    const weight = mix(fnv1a(`${partition}/${host}`));
    if (weight > bestWeight || (weight === bestWeight && best !== undefined && host < best)) {
      best = host;
      bestWeight = weight;
    }
  }
  return best;
}

/** Final avalanche of MurmurHash3: FNV's high bits alone are too alike for names that differ in one character. */
function mix(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
