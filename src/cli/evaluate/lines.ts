/** Files as bytes and as lines, gzipped or not, in bounded memory. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { invalidRequest } from '../../kernel/errors.js';

/** The longest line that is read; a longer one is passed over. */
export const LINE_BYTES_MAX = 8 * 1024 * 1024;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
const NEWLINE = 0x0a;

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Undefined where the line is longer than LINE_BYTES_MAX. */
  readonly text: string | undefined;
}

/** The file's content; an archive is told by its first bytes, not by its name. Errors come out of the iteration. */
export async function contentOf(path: string, bytesRead?: (bytes: number) => void): Promise<Readable> {
  const isArchive = await isGzip(path);
  const file = createReadStream(path);
  if (bytesRead !== undefined) file.on('data', (chunk) => bytesRead(chunk.length));
  // Whoever iterates the result gets the error too.
  return isArchive ? pipeline(file, createGunzip(), () => undefined) : file;
}

/** Lines that are not blank, without their ends. Rejects with InvalidRequest `LOG_UNREADABLE` or `LOG_TRUNCATED`. */
export async function* linesOf(path: string, bytesRead?: (bytes: number) => void): AsyncGenerator<Line> {
  try {
    yield* split(await contentOf(path, bytesRead));
  } catch (error) {
    throw inputError(error);
  }
}

/** What went wrong with the file or archive, as InvalidRequest; any other error as it is. */
export function inputError(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
  if (code === 'Z_BUF_ERROR') return invalidRequest('LOG_TRUNCATED', 'The gzip stream of the log has no end.', 'log');
  if (code.startsWith('Z_')) return invalidRequest('LOG_TRUNCATED', 'The gzip stream of the log is broken.', 'log');
  if (/^E[A-Z]+$/.test(code))
    return invalidRequest('LOG_UNREADABLE', `The log cannot be read: ${(error as Error).message}`, 'log');
  return error;
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

async function isGzip(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer.equals(GZIP_MAGIC);
  } finally {
    await handle.close();
  }
}
