/**
 * Objects in the object store under a fenced pointer in a bucket: what the pointer names is the value. The object is
 * written first under a name of its own, then the pointer is compared and set, so that a reader never sees half a
 * value and a writer that was overtaken changes nothing.
 */
import type { ObjectStore } from '@nats-io/obj';
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import { dependency } from '../nats/nats-errors.js';
import type { KeyValue } from '../host/ports.js';

const CONFLICTS_MAX = 8;

export interface FencedWrite<Pointer> {
  readonly key: string;
  /** Undefined where only the pointer changes. */
  readonly bytes: Uint8Array | undefined;
  readonly parse: (value: Uint8Array) => Pointer;
  /** What to write in place of the present pointer; throws where that may not be done. */
  readonly decide: (present: Pointer | undefined) => { readonly pointer: Pointer; readonly objectKey: string };
  /** Objects that nothing needs once the new pointer stands. */
  readonly obsolete: (before: Pointer | undefined, after: Pointer) => readonly string[];
}

export class NatsFencedObjects {
  readonly #pointers: KeyValue;
  readonly #objects: ObjectStore;

  constructor(pointers: KeyValue, objects: ObjectStore) {
    this.#pointers = pointers;
    this.#objects = objects;
  }

  async pointer<Pointer>(key: string, parse: (value: Uint8Array) => Pointer): Promise<Pointer | undefined> {
    const stored = await this.#pointers.get(key);
    return stored === undefined ? undefined : parse(stored.value);
  }

  /**
   * An object's bytes, alone in their memory; undefined where there is none. Rejects with InvalidRequest `OBJECT_TOO_LARGE`
   * without reading more than `bytesMax`.
   */
  async object(objectKey: string, bytesMax = Infinity): Promise<Uint8Array | undefined> {
    const found = await this.#reach(() => this.#objects.get(objectKey));
    if (found === null) return undefined;
    const { size } = found.info;
    if (size > bytesMax) {
      await this.#reach(() => found.data.cancel());
      throw invalidRequest('OBJECT_TOO_LARGE', `${objectKey} has ${size} bytes; ${bytesMax} are allowed.`);
    }
    return this.#reach(async () => {
      const [bytes, failure] = await Promise.all([readInto(size, found.data), found.error]);
      if (failure) throw failure;
      return bytes;
    });
  }

  async #reach<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      throw dependency('The object store', error);
    }
  }

  /** Rejects with what `decide` throws, or with Dependency errors; then nothing has changed. */
  async write<Pointer>(write: FencedWrite<Pointer>): Promise<void> {
    const { key, bytes, parse, decide, obsolete } = write;
    /** Objects of ours that no pointer came to name: whoever was first has left them for nobody. */
    const lost = new Set<string>();
    const collect = async (named: string): Promise<void> => {
      for (const orphan of lost) {
        if (!named.includes(JSON.stringify(orphan))) await this.#objects.delete(orphan).catch(() => undefined);
      }
    };
    for (let tries = 0; tries < CONFLICTS_MAX; tries++) {
      const stored = await this.#pointers.get(key);
      const present = stored === undefined ? undefined : parse(stored.value);
      let decided: { readonly pointer: Pointer; readonly objectKey: string };
      try {
        decided = decide(present);
      } catch (error) {
        await collect(stored === undefined ? '' : Buffer.from(stored.value).toString('utf8'));
        throw error;
      }
      const { pointer, objectKey } = decided;
      if (bytes !== undefined) await this.#put(objectKey, bytes);
      const value = Buffer.from(JSON.stringify(pointer), 'utf8');
      const revision = await this.#pointers.put(key, value, stored?.revision ?? 0);
      if (revision === undefined) {
        if (bytes !== undefined) lost.add(objectKey);
        continue;
      }
      await collect(value.toString('utf8'));
      for (const old of obsolete(present, pointer)) {
        // Left behind, it only takes room.
        if (old !== objectKey) await this.#objects.delete(old).catch(() => undefined);
      }
      return;
    }
    const last = await this.#pointers.get(key);
    await collect(last === undefined ? '' : Buffer.from(last.value).toString('utf8'));
    throw new EngineError('Dependency', 'POINTER_CONTENDED', `Too many writers change ${key} at once.`);
  }

  async #put(name: string, bytes: Uint8Array): Promise<void> {
    await this.#reach(() => this.#objects.putBlob({ name }, bytes));
  }
}

/** Chunk by chunk as they come: megabytes copied in one go would hold up decisions. */
async function readInto(size: number, chunks: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
