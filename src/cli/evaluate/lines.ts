/** A log's lines, in bounded memory. */
import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { contentOf, inputError } from '../input-file.js';

/** The longest line that is read; a longer one is passed over. */
export const LINE_BYTES_MAX = 8 * 1024 * 1024;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Undefined where the line cannot be read. */
  readonly text: string | undefined;
  /** Why: it is longer than LINE_BYTES_MAX, or is not UTF-8. */
  readonly fault?: 'too-long' | 'encoding';
}

/** Lines that are not blank, without their ends. Rejects with InvalidRequest `LOG_UNREADABLE`, `LOG_TRUNCATED` or `LOG_ENCODING`. */
export async function* linesOf(path: string, bytesRead?: (bytes: number) => void): AsyncGenerator<Line> {
  try {
    yield* split(await contentOf(path, bytesRead));
  } catch (error) {
    throw logError(error);
  }
}

/** What went wrong with the log's file or archive, as InvalidRequest; any other error as it is. */
export const logError = (error: unknown): unknown =>
  inputError('log', error, ({ message }) => `The log cannot be read: ${message}.`);

/** A line ends with LF, CR or both. */
async function* split(content: Readable): AsyncGenerator<Line> {
  let number = 0;
  let pending: Buffer[] = [];
  let length = 0;
  const take = (last: Buffer): Line | undefined => {
    number++;
    const bytes = length + last.length > LINE_BYTES_MAX ? undefined : Buffer.concat([...pending, last]);
    [pending, length] = [[], 0];
    if (bytes === undefined) return { number, text: undefined, fault: 'too-long' };
    if (!isUtf8(bytes)) return { number, text: undefined, fault: 'encoding' };
    const text = bytes.toString('utf8').trim();
    return text === '' ? undefined : { number, text };
  };
  let endedByReturn = false;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    let from: number = endedByReturn && chunk[0] === NEWLINE ? 1 : 0;
    const ends = new LineEnds(chunk, from);
    for (let at: number = ends.next(from); at >= 0; at = ends.next(from)) {
      const line = take(chunk.subarray(from, at));
      if (line !== undefined) yield line;
      from = at + (chunk[at] === RETURN && chunk[at + 1] === NEWLINE ? 2 : 1);
    }
    endedByReturn = from === chunk.length && chunk.at(-1) === RETURN;
    length += chunk.length - from;
    // Of a line that is too long nothing needs to be kept but its length.
    if (length > LINE_BYTES_MAX) pending = [];
    else if (from < chunk.length) pending.push(chunk.subarray(from));
  }
  if (length === 0) return;
  const line = take(Buffer.alloc(0));
  if (line !== undefined) yield line;
}

/** Where lines end in a chunk; each of the two bytes is searched for once. */
class LineEnds {
  #newline: number;
  #return: number;

  constructor(
    private readonly chunk: Buffer,
    from: number,
  ) {
    this.#newline = chunk.indexOf(NEWLINE, from);
    this.#return = chunk.indexOf(RETURN, from);
  }

  /** The first end from `from` on, which never goes back; −1 where there is none. */
  next(from: number): number {
    if (this.#newline >= 0 && this.#newline < from) this.#newline = this.chunk.indexOf(NEWLINE, from);
    if (this.#return >= 0 && this.#return < from) this.#return = this.chunk.indexOf(RETURN, from);
    if (this.#newline < 0 || this.#return < 0) return Math.max(this.#newline, this.#return);
    return Math.min(this.#newline, this.#return);
  }
}
