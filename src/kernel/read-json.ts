/** What somebody else has sent or stored: what cannot be read never throws; it is said, counted and passed over. */
import type { ZodType } from 'zod';
import { JSON_BOUNDS, parseBoundedJson, type JsonBounds } from './bounded-json.js';

/** Lines that one source may cost; everything beyond is counted all the same. */
const SAID_PER_SOURCE_MAX = 20;

/** What is read, as metrics and logs name it. */
export type UnreadableSource =
  | 'campaign-broadcast'
  | 'zone-broadcast'
  | 'dead-letter'
  | 'facts-floor'
  | 'policy-pointer'
  | 'status-reply'
  | 'stored-message'
  | 'request';

/** The value, if the bytes are JSON of this schema and within the bounds; undefined otherwise. */
export function readJson<T>(
  bytes: Uint8Array,
  schema: ZodType<T>,
  bounds: JsonBounds = JSON_BOUNDS.internal,
): T | undefined {
  const read = tryRead(bytes, schema, bounds);
  return 'error' in read ? undefined : read.value;
}

/** How often something was passed over, by what it was. */
export type UnreadableCounts = Readonly<Partial<Record<UnreadableSource, number>>>;

/** Those of several connections, or threads, together. */
export function sumOfUnreadable(...several: readonly UnreadableCounts[]): UnreadableCounts {
  const sum: Partial<Record<UnreadableSource, number>> = {};
  for (const counts of several) {
    for (const [source, count] of Object.entries(counts) as [UnreadableSource, number][]) {
      sum[source] = (sum[source] ?? 0) + count;
    }
  }
  return sum;
}

/** One connection's, and one for all that it reads. */
export class UnreadableBook {
  readonly #counts = new Map<UnreadableSource, number>();
  readonly #said = new Map<UnreadableSource, Set<string>>();

  constructor(private readonly log: { warn(message: string, fields?: Record<string, unknown>): void }) {}

  /** As readJson. `place` says where the bytes stood: a subject, a key, a sequence; each place is logged once. */
  read<T>(
    source: UnreadableSource,
    place: string,
    bytes: Uint8Array,
    schema: ZodType<T>,
    bounds: JsonBounds = JSON_BOUNDS.internal,
  ): T | undefined {
    const read = tryRead(bytes, schema, bounds);
    if (!('error' in read)) return read.value;
    this.passOver(source, place, read.error);
    return undefined;
  }

  /** Counts what was passed over, and logs it where this place was not heard of before. Never throws. */
  passOver(source: UnreadableSource, place: string, error: unknown): void {
    this.#counts.set(source, (this.#counts.get(source) ?? 0) + 1);
    let said = this.#said.get(source);
    if (said === undefined) this.#said.set(source, (said = new Set()));
    if (said.has(place) || said.size >= SAID_PER_SOURCE_MAX) return;
    said.add(place);
    this.log.warn('what cannot be read is passed over', { source, place, error: String(error) });
  }

  /** A subscription's callback that never throws: thrown on, it would break the connection's parser and everybody's traffic. */
  guard<Message extends { readonly subject: string }>(
    source: UnreadableSource,
    work: (message: Message) => void,
  ): (error: Error | null, message: Message) => void {
    return (error, message) => {
      if (error) return;
      try {
        work(message);
      } catch (thrown) {
        this.passOver(source, message.subject, thrown);
      }
    };
  }

  /** How often something was passed over, by what it was. */
  counts(): UnreadableCounts {
    return Object.fromEntries(this.#counts);
  }
}

function tryRead<T>(
  bytes: Uint8Array,
  schema: ZodType<T>,
  bounds: JsonBounds,
): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: schema.parse(parseBoundedJson(bytes, bounds)) };
  } catch (error) {
    return { error };
  }
}
