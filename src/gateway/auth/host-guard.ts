/**
 * Against DNS rebinding: a page whose name has been made to point at this machine sends its own name as Host, and a page
 * from elsewhere that posts here sends its own Origin. An engine that listens on loopback, where no key may be asked for,
 * answers neither.
 */
import { EngineError } from '../../kernel/errors.js';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|\[::ffff:127(?:\.\d{1,3}){3}\])$/;
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[^:[\]@/\s]+)(?::\d{1,5})?$/;
const ORIGIN = /^https?:\/\/(.+)$/;

export interface Provenance {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
}

/**
 * A check that throws Forbidden `HOST_FORBIDDEN` or `ORIGIN_FORBIDDEN` unless Host, and Origin where there is one, name
 * this machine or one of `allowed` (names without ports, `[…]` around IPv6 addresses).
 */
export function hostGuard(allowed: readonly string[]): (headers: Provenance) => void {
  const names = new Set(allowed.map((name) => name.toLowerCase()));
  const isOurs = (authority: string): boolean => {
    const name = AUTHORITY.exec(authority.toLowerCase())?.[1]?.replace(/\.$/, '');
    return name !== undefined && (LOOPBACK.test(name) || names.has(name));
  };
  /** The last Host that was ours, or none: hardly any caller uses a second. */
  let known: string | undefined;
  return ({ host, origin }) => {
    // Only HTTP/1.0 can be without, and no browser speaks it.
    if (host !== known && host !== undefined && !isOurs(host)) {
      throw new EngineError('Forbidden', 'HOST_FORBIDDEN', 'This engine does not answer to that Host.', {
        field: 'host',
      });
    }
    known = host;
    if (origin === undefined) return;
    const authority = ORIGIN.exec(origin.toLowerCase())?.[1];
    if (authority === undefined || !isOurs(authority)) {
      const message = 'This engine does not answer pages of that Origin.';
      throw new EngineError('Forbidden', 'ORIGIN_FORBIDDEN', message, { field: 'origin' });
    }
  };
}
