import { hash, timingSafeEqual } from 'node:crypto';
import { EngineError } from '../../kernel/errors.js';

export interface ApiKey {
  readonly name: string;
  /** SHA-256 of the key, lower-case hex. */
  readonly sha256: string;
}

export interface Credentials {
  readonly authorization?: string | undefined;
  readonly 'x-api-key'?: string | readonly string[] | undefined;
}

/** Name of the caller where no keys are configured. */
export const ANONYMOUS = 'anonymous';

const BEARER = /^Bearer +(\S+)$/i;

/**
 * Says who calls: `Authorization: Bearer <key>` or `X-Api-Key: <key>`. Throws Unauthenticated (`API_KEY_MISSING`,
 * `API_KEY_INVALID`). Every configured key is compared, in constant time, so that the time taken says nothing.
 */
export function authenticator(keys: readonly ApiKey[]): (headers: Credentials) => string {
  if (keys.length === 0) return () => ANONYMOUS;
  const known = keys.map((key) => ({ name: key.name, digest: Buffer.from(key.sha256, 'hex') }));
  return (headers) => {
    const presented = presentedKey(headers);
    if (presented === undefined) {
      throw new EngineError('Unauthenticated', 'API_KEY_MISSING', 'Send an API key: Authorization: Bearer <key>.');
    }
    const digest = hash('sha256', presented, 'buffer');
    let caller: string | undefined;
    for (const key of known) if (timingSafeEqual(key.digest, digest)) caller = key.name;
    if (caller === undefined) throw new EngineError('Unauthenticated', 'API_KEY_INVALID', 'The API key is not known.');
    return caller;
  };
}

function presentedKey(headers: Credentials): string | undefined {
  const match = headers.authorization === undefined ? null : BEARER.exec(headers.authorization);
  if (match) return match[1];
  const key = headers['x-api-key'];
  return typeof key === 'string' && key !== '' ? key : undefined;
}
