import { invalidRequest } from './errors.js';

/** The longest id an actor may have, in UTF-8 bytes; its token is at most three times as long. */
export const ID_BYTES_MAX = 256;

/** An app's name: one token of a subject, a NATS user, and part of the name of its NATS account. */
export const APP_NAME = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
/** Stands in an app's place in the subjects of what the engine writes and asks by itself. */
export const ENGINE_APP = 'engine';

/** An app as whoever acted, in audit trails and logs: never like a key's name by chance. */
export const appName = (app: string): string => `app:${app}`;
/** The one app of an installation that names none. */
export const DEFAULT_APP = 'app';
/** Names that no app may have: they are the engine's own NATS users. */
export const RESERVED_APPS: readonly string[] = [ENGINE_APP, 'learner', 'sys'];

const SAFE = /^[A-Za-z0-9_-]+$/;

const isSafeByte = (b: number): boolean =>
  (b >= 0x30 && b <= 0x39) || (b >= 0x41 && b <= 0x5a) || (b >= 0x61 && b <= 0x7a) || b === 0x5f || b === 0x2d;

/** What is wrong with text that is no id. */
export const NOT_TEXT = 'must be well-formed text without NUL';

/**
 * Whether every store keeps it as it is: a lone surrogate becomes U+FFFD in UTF-8, and PostgreSQL takes no NUL, so that
 * different ids would become one.
 */
export const isIdText = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

/**
 * Encodes any id as one NATS subject token: `[A-Za-z0-9_-]` stay, every other UTF-8 byte becomes `=XX`.
 * One id has exactly one token. Throws InvalidRequest (`ID_EMPTY`, `ID_TOO_LONG`, `ID_NOT_TEXT`).
 */
export function encodeToken(id: string, field = 'id'): string {
  if (id.length === 0) throw invalidRequest('ID_EMPTY', `${field} must not be empty.`, field);
  if (id.length > ID_BYTES_MAX) throw tooLong(field);
  if (SAFE.test(id)) return id;
  if (!isIdText(id)) throw invalidRequest('ID_NOT_TEXT', `${field} ${NOT_TEXT}.`, field);
  const bytes = Buffer.from(id, 'utf8');
  if (bytes.length > ID_BYTES_MAX) throw tooLong(field);
  let token = '';
  for (const b of bytes) {
    token += isSafeByte(b) ? String.fromCharCode(b) : `=${b.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return token;
}

/** The reverse of encodeToken; `undefined` for a token that encodeToken cannot have made. */
export function decodeToken(token: string): string | undefined {
  if (SAFE.test(token)) return token.length <= ID_BYTES_MAX ? token : undefined;
  if (!/^(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$/.test(token)) return undefined;
  const bytes = Buffer.from(
    token.replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  );
  if (bytes.length > ID_BYTES_MAX) return undefined;
  const id = bytes.toString('utf8');
  try {
    return encodeToken(id) === token ? id : undefined;
  } catch {
    return undefined;
  }
}

function tooLong(field: string): Error {
  return invalidRequest('ID_TOO_LONG', `${field} must be at most ${ID_BYTES_MAX} bytes of UTF-8.`, field);
}

/** 32-bit FNV-1a over the bytes of an ASCII string: the hash behind NATS's `{{partition(n,token)}}`. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/** The partition that nats-server maps an actor token to, in `[0, partitions)`. */
export function partitionOf(token: string, partitions: number): number {
  return fnv1a(token) % partitions;
}
