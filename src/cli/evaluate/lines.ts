/** A log's lines, in bounded memory. */
import type { Readable } from 'node:stream';
import { EngineError } from '../../kernel/errors.js';
import { contentOf, unreadable, UnreadableFile } from '../input-file.js';

/** The longest line that is read; a longer one is passed over. */
export const LINE_BYTES_MAX = 8 * 1024 * 1024;
const NEWLINE = 0x0a;

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Undefined where the line is longer than LINE_BYTES_MAX. */
  readonly text: string | undefined;
}

/** Lines that are not blank, without their ends. Rejects with InvalidRequest `LOG_UNREADABLE`, `LOG_TRUNCATED` or `LOG_ENCODING`. */
export async function* linesOf(path: string, bytesRead?: (bytes: number) => void): AsyncGenerator<Line> {
  try {
    yield* split(await contentOf(path, bytesRead));
  } catch (error) {
    throw inputError(error);
  }
}

const CODES: Readonly<Record<UnreadableFile['why'], string>> = {
  truncated: 'LOG_TRUNCATED',
  broken: 'LOG_TRUNCATED',
  encoding: 'LOG_ENCODING',
  'not-a-file': 'LOG_UNREADABLE',
  system: 'LOG_UNREADABLE',
};

/** What went wrong with the file or archive, as InvalidRequest; any other error as it is. */
export function inputError(error: unknown): unknown {
  const known = unreadable(error);
  if (!(known instanceof UnreadableFile)) return known;
  return new EngineError('InvalidRequest', CODES[known.why], `The log cannot be read: ${known.message}.`, {
    field: 'log',
    cause: error,
  });
}

async function* split(content: Readable): AsyncGenerator<Line> {
  let number = 0;
  let pending: Buffer[] = [];
  let length = 0;
  const take = (last: Buffer): Line | undefined => {
    number++;
    const tooLong = length + last.length > LINE_BYTES_MAX;
    const text = tooLong
      ? undefined
      : Buffer.concat([...pending, last])
          .toString('utf8')
          .trim();
    [pending, length] = [[], 0];
    return text === '' ? undefined : { number, text };
  };
  for await (const chunk of content as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const line = take(chunk.subarray(from, at));
      if (line !== undefined) yield line;
      from = at + 1;
    }
    length += chunk.length - from;
    // Of a line that is too long nothing needs to be kept but its length.
    if (length > LINE_BYTES_MAX) pending = [];
    else if (from < chunk.length) pending.push(chunk.subarray(from));
  }
  if (length === 0) return;
  const line = take(Buffer.alloc(0));
  if (line !== undefined) yield line;
}
