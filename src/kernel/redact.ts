/** Keeps secrets out of logs and error messages. */

const SECRET_KEY = /password|passwd|secret|authorization|cookie|api-?key$|sha256|credential/i;
/** The userinfo of a URL, as in `nats://user:password@host`; a password may hold an unescaped `@` or `/`. */
const URL_CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)[^\s"',]*@/gi;
const DEPTH_MAX = 6;

export const REDACTED = '[redacted]';

export const isSecretKey = (key: string): boolean => SECRET_KEY.test(key);

/** The text with the credentials of every URL in it replaced. */
export const redactText = (text: string): string => text.replace(URL_CREDENTIALS, `$1${REDACTED}@`);

/** A copy in which values under secret keys, and credentials in texts, are replaced; errors become plain fields. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Error) return redactError(value, depth);
  if (depth >= DEPTH_MAX) return '[deep]';
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  const entries = Object.entries(value).map(([key, item]) => [
    key,
    isSecretKey(key) && item !== undefined && item !== null ? REDACTED : redact(item, depth + 1),
  ]);
  return Object.fromEntries(entries) as unknown;
}

function redactError(error: Error, depth: number): unknown {
  const { code, family, field } = error as { code?: unknown; family?: unknown; field?: unknown };
  return {
    name: error.name,
    message: redactText(error.message),
    ...(code === undefined ? {} : { code }),
    ...(family === undefined ? {} : { family }),
    ...(field === undefined ? {} : { field }),
    stack: redactText(error.stack ?? ''),
    ...(error.cause === undefined || depth >= DEPTH_MAX ? {} : { cause: redact(error.cause, depth + 1) }),
  };
}
