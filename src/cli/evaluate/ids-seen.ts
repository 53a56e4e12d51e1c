/** Which decisions of a log were read before. */
import { createHash } from 'node:crypto';

/** Bytes of a hash that a number holds exactly: two of five million ids are taken for one with a chance of 5 %. */
const HASH_BYTES = 6;

/** Some 50 bytes an id, whatever its length. */
export class IdsSeen {
  readonly #hashes = new Set<number>();

  /** Whether the id came before; the empty one, which a log without ids has everywhere, never did. */
  repeats(id: string): boolean {
    if (id === '') return false;
    const hash = createHash('sha1').update(id).digest().readUIntBE(0, HASH_BYTES);
    if (this.#hashes.has(hash)) return true;
    this.#hashes.add(hash);
    return false;
  }
}
