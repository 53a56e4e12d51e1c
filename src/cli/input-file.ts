/** Files that tools read: as bytes in bounded memory, gzipped or not, and as text. */
import { createReadStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { pipeline, Transform, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { EngineError } from '../kernel/errors.js';

const HEAD_BYTES = 4;
const GZIP = [0x1f, 0x8b] as const;
/** Of UTF-16 in either order of bytes, and of UTF-32 in one. */
const OTHER_MARKS: readonly (readonly number[])[] = [
  [0xff, 0xfe],
  [0xfe, 0xff],
];

/** Why a file cannot be read as what it is said to be. */
class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';

  /**
   * `truncated`, `broken`: of a gzip stream. `encoding`: text, but not UTF-8. `not-a-file`: a pipe, folder or device: it is
   * read more than once, and from its beginning. `system`: what the system says.
   */
  constructor(
    readonly why: 'truncated' | 'broken' | 'encoding' | 'not-a-file' | 'system',
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/**
 * The file's content; an archive is told by its first bytes, not by its name. `bytesRead` hears of bytes on disk. Rejects
 * with UnreadableFile; what goes wrong later comes out of the iteration, for `inputError` to name.
 */
export async function contentOf(path: string, bytesRead?: (bytes: number) => void): Promise<Readable> {
  const head = await headOf(path);
  const file = createReadStream(path);
  if (bytesRead !== undefined) file.on('data', (chunk) => bytesRead(chunk.length));
  // Whoever iterates the result gets the error too.
  const done = (): void => undefined;
  return startsWith(head, GZIP) ? pipeline(file, createGunzip(), utf8Guard(), done) : pipeline(file, utf8Guard(), done);
}

/** A small text file, without a byte order mark. Rejects with UnreadableFile. */
export async function textOf(path: string): Promise<string> {
  assertUtf8(await headOf(path));
  try {
    return withoutMark(await readFile(path, 'utf8'));
  } catch (error) {
    throw unreadable(error);
  }
}

/** Passes on what begins as UTF-8 may. */
function utf8Guard(): Transform {
  let head: Buffer | undefined = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        if (head !== undefined) {
          head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES)]);
          assertUtf8(head);
          if (head.length >= HEAD_BYTES) head = undefined;
        }
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
  });
}

/** No text begins with a NUL; in other encodings of ASCII there is one among the first four bytes. */
function assertUtf8(head: Uint8Array): void {
  if (OTHER_MARKS.some((mark) => startsWith(head, mark)) || head.subarray(0, HEAD_BYTES).includes(0))
    throw new UnreadableFile('encoding', 'it is not UTF-8, but UTF-16, UTF-32 or no text at all: save it as UTF-8');
}

const withoutMark = (text: string): string => (text.startsWith('\uFEFF') ? text.slice(1) : text);

/** The file, as a tool's `field` names it, and the codes of what may be wrong with it. */
const CODES = {
  log: {
    truncated: 'LOG_TRUNCATED',
    broken: 'LOG_TRUNCATED',
    encoding: 'LOG_ENCODING',
    'not-a-file': 'LOG_UNREADABLE',
    system: 'LOG_UNREADABLE',
  },
  trips: {
    truncated: 'TRIPS_TRUNCATED',
    broken: 'TRIPS_MALFORMED',
    encoding: 'TRIPS_ENCODING',
    'not-a-file': 'TRIPS_UNREADABLE',
    system: 'TRIPS_UNREADABLE',
  },
} as const satisfies Record<string, Record<UnreadableFile['why'], string>>;

/**
 * What went wrong with a file or an archive, as the InvalidRequest that a person is told: `say` gives the sentence. Any other
 * error is handed back as it is.
 */
export function inputError(field: keyof typeof CODES, error: unknown, say: (file: UnreadableFile) => string): unknown {
  const known = unreadable(error);
  if (!(known instanceof UnreadableFile)) return known;
  return new EngineError('InvalidRequest', CODES[field][known.why], say(known), { field, cause: error });
}

/** The UnreadableFile that an error of a file or an archive stands for; any other error as it is. */
function unreadable(error: unknown): unknown {
  if (error instanceof UnreadableFile) return error;
  const { code = '', message } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') return new UnreadableFile('truncated', 'its gzip stream has no end', error);
  if (code.startsWith('Z_')) return new UnreadableFile('broken', `its gzip stream is broken: ${message}`, error);
  if (/^E[A-Z0-9]+$/.test(code)) return new UnreadableFile('system', message, error);
  return error;
}

async function headOf(path: string): Promise<Uint8Array> {
  try {
    // Before it is opened: that would wait for the other end of a pipe.
    if (!(await stat(path)).isFile())
      throw new UnreadableFile('not-a-file', 'it is no regular file: write what comes out of a pipe to one first');
    const handle = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw unreadable(error);
  }
}

const startsWith = (bytes: Uint8Array, mark: readonly number[]): boolean =>
  bytes.length >= mark.length && mark.every((byte, i) => bytes[i] === byte);
