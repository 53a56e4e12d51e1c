/**
 * Values larger than the server takes in one message, cut into chunks under keys of their own. What stands under the
 * value's own key is then a header that names them, and compare-and-set on the header decides which chunks count.
 */
import { z } from 'zod';
import type { Slices } from '../../kernel/slices.js';
import type { KeyValue } from './ports.js';

/** Chunks have this size, and values up to it are not cut: half of nats-server's default limit for a message. */
export const CHUNK_BYTES = 512 * 1024;

/** Stored under the value's key. `chunks` comes first in its JSON: that is how it is told from a value. */
export interface ChunkHeader {
  readonly chunks: readonly string[];
  readonly epoch: number;
  readonly sequence: number;
}

export const chunkHeaderSchema = z.object({ chunks: z.array(z.string()), epoch: z.number(), sequence: z.number() });

const HEADER_START = Buffer.from('{"chunks":');
const CHUNK_GROUP = 16;

export const isChunkHeader = (bytes: Uint8Array): boolean =>
  Buffer.compare(bytes.subarray(0, HEADER_START.length), HEADER_START) === 0;

const prefixOf = (key: string): string => `chunk.${key}.`;

export class LargeValues {
  /** Makes the chunks of every value written here its own, so that none is ever written over. */
  private written = 0;
  /** Keys under which a header stands, or may stand. */
  private readonly cutKeys = new Set<string>();

  constructor(
    private readonly bucket: KeyValue,
    private readonly epoch: number,
    private readonly slices: Slices,
  ) {}

  /** Stores the chunks of a large value and resolves to the header to store; to undefined where it need not be cut. */
  async cut(key: string, bytes: Uint8Array, sequence: number): Promise<ChunkHeader | undefined> {
    if (bytes.length <= CHUNK_BYTES) return undefined;
    this.cutKeys.add(key);
    const stem = `${prefixOf(key)}${this.epoch}.${sequence}.${++this.written}`;
    const count = Math.ceil(bytes.length / CHUNK_BYTES);
    const chunks = Array.from({ length: count }, (_, i) => `${stem}.${i}`);
    // Each is copied on its way out.
    await inGroups(chunks, (chunk, i) =>
      this.slices.run(() => this.bucket.put(chunk, bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES), 0)),
    );
    return { chunks, epoch: this.epoch, sequence };
  }

  /** The value behind a header; undefined if a chunk is gone, because the header has been replaced since it was read. */
  join(key: string, header: ChunkHeader): Promise<Uint8Array | undefined> {
    this.expect(key);
    return joinChunks(this.bucket, header);
  }

  /** Removes the chunks of a value whose header was not set, because another owner's was. Never rejects. */
  async discard(header: ChunkHeader | undefined): Promise<void> {
    if (header === undefined) return;
    try {
      await inGroups(header.chunks, (chunk) => this.remove(chunk));
    } catch {
      // Room lost, nothing else: the next to save the key removes them.
    }
  }

  private async remove(chunk: string): Promise<void> {
    const stored = await this.bucket.get(chunk);
    if (stored) await this.bucket.remove(chunk, stored.revision);
  }

  /** Chunks of this key are known to be stored. */
  expect(key: string): void {
    this.cutKeys.add(key);
  }

  /**
   * After this value has been stored: removes the chunks that former values of the key, or attempts that failed, have
   * left. Those of a later epoch are not ours to judge. Never rejects: what stays is removed the next time.
   */
  async tidy(key: string, current: ChunkHeader | undefined): Promise<void> {
    if (!this.cutKeys.has(key)) return;
    const prefix = prefixOf(key);
    try {
      const kept = new Set(current?.chunks);
      const stale = (await this.bucket.keys(prefix)).filter(
        (chunk) => !kept.has(chunk) && Number(chunk.slice(prefix.length).split('.')[0]) <= this.epoch,
      );
      await inGroups(stale, (chunk) => this.remove(chunk));
      if (!current) this.cutKeys.delete(key);
    } catch {
      // Room lost, nothing else.
    }
  }
}

/** See LargeValues.join. */
export async function joinChunks(bucket: KeyValue, { chunks }: ChunkHeader): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  let isWhole = true;
  await inGroups(chunks, async (chunk, i) => {
    const stored = await bucket.get(chunk);
    if (stored) parts[i] = stored.value;
    else isWhole = false;
  });
  return isWhole ? Buffer.concat(parts) : undefined;
}

async function inGroups<T>(items: readonly T[], work: (item: T, index: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += CHUNK_GROUP) {
    await Promise.all(items.slice(from, from + CHUNK_GROUP).map((item, i) => work(item, from + i)));
  }
}
