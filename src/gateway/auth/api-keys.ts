import { hash, timingSafeEqual } from 'node:crypto';
import { EngineError } from '../../kernel/errors.js';
import { SCOPES, type Scope } from '../../kernel/scopes.js';

export interface ApiKey {
  readonly name: string;
  /** SHA-256 of the key, lower-case hex. */
  readonly sha256: string;
  readonly scopes: readonly Scope[];
}

/** Who calls, and what that allows. */
export interface Caller {
  readonly name: string;
  /** The name of the key; undefined where none was needed, and the address is all that is known. */
  readonly key: string | undefined;
  readonly scopes: ReadonlySet<Scope>;
}

export interface Credentials {
  readonly authorization?: string | undefined;
  readonly 'x-api-key'?: string | readonly string[] | undefined;
}

/** On a route that is open to all. */
export const ANONYMOUS: Caller = { name: 'anonymous', key: undefined, scopes: new Set() };

/** Where no keys are configured: whoever can connect may do everything. */
export const TRUSTED: Caller = { ...ANONYMOUS, scopes: new Set(SCOPES) };

const BEARER = /^Bearer +(\S+)$/i;

/**
 * Says who calls: `Authorization: Bearer <key>` or `X-Api-Key: <key>`. Throws Unauthenticated (`API_KEY_MISSING`,
 * `API_KEY_INVALID`). Every configured key is compared, in constant time, so that the time taken says nothing.
 */
export function authenticator(keys: readonly ApiKey[]): (headers: Credentials) => Caller {
  if (keys.length === 0) return () => TRUSTED;
  const known = keys.map(({ name, sha256, scopes }) => ({
    caller: { name, key: name, scopes: new Set(scopes) },
    digest: Buffer.from(sha256, 'hex'),
  }));
  return (headers) => {
    const presented = presentedKey(headers);
    if (presented === undefined) {
      throw new EngineError('Unauthenticated', 'API_KEY_MISSING', 'Send an API key: Authorization: Bearer <key>.');
    }
    const digest = hash('sha256', presented, 'buffer');
    let caller: Caller | undefined;
    for (const one of known) if (timingSafeEqual(one.digest, digest)) caller = one.caller;
    if (caller === undefined) throw new EngineError('Unauthenticated', 'API_KEY_INVALID', 'The API key is not known.');
    return caller;
  };
}

/** Throws Forbidden `SCOPE_MISSING` unless the caller has one of the scopes. */
export function demandScope(caller: Caller, scopes: readonly Scope[]): void {
  if (scopes.some((scope) => caller.scopes.has(scope))) return;
  throw new EngineError('Forbidden', 'SCOPE_MISSING', `The key ${caller.name} needs the scope ${scopes.join(' or ')}.`);
}

function presentedKey(headers: Credentials): string | undefined {
  const match = headers.authorization === undefined ? null : BEARER.exec(headers.authorization);
  if (match) return match[1];
  const key = headers['x-api-key'];
  return typeof key === 'string' && key !== '' ? key : undefined;
}
