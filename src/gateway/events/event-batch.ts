/** The shapes in which events arrive over HTTP → a plain list. CloudEvents 1.0 HTTP binding. */
import { invalidRequest } from '../../kernel/errors.js';
import { BATCH_TYPE_JSON, EVENT_TYPE_JSON } from '../http/body-parsing.js';

export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Structured (one object), batched (an array), plain JSON (either), or binary (`ce-*` headers, the body is the data).
 * Throws `INVALID_REQUEST`, `BODY_EMPTY`, `EVENTS_TOO_MANY`.
 */
export function readBatch(headers: Headers, body: unknown, max: number): readonly unknown[] {
  const type = (headers['content-type'] ?? '') as string;
  if (headers['ce-specversion'] !== undefined && !type.startsWith('application/cloudevents')) {
    return [fromHeaders(headers, body)];
  }
  if (body === undefined) throw invalidRequest('BODY_EMPTY', 'The request needs a body.');
  const isList = Array.isArray(body);
  if (isList && type.startsWith(EVENT_TYPE_JSON)) {
    throw invalidRequest('INVALID_REQUEST', `${EVENT_TYPE_JSON} is one event; a list is ${BATCH_TYPE_JSON}.`);
  }
  if (!isList && type.startsWith(BATCH_TYPE_JSON)) {
    throw invalidRequest('INVALID_REQUEST', `${BATCH_TYPE_JSON} is a list of events.`);
  }
  if (!isList) return [body];
  if (body.length > max) {
    throw invalidRequest('EVENTS_TOO_MANY', `The batch has ${body.length} events; at most ${max} are allowed.`);
  }
  return body;
}

/** Header values are unquoted and then percent-decoded once, as UTF-8 (section 3.1.3.2 of the binding). */
function fromHeaders(headers: Headers, data: unknown): Record<string, unknown> {
  const event: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith('ce-') || typeof value !== 'string') continue;
    event[name.slice(3)] = decodeValue(name, value);
  }
  if (data !== undefined && data !== null) event.data = data;
  return event;
}

const PRINTABLE = /^[\x20-\x7e]*$/;
/** A quoted string (RFC 7230, section 3.2.6): what is not `"` or `\` stands for itself, and a backslash quotes what follows. */
const QUOTED = /^"((?:[^"\\]|\\.)*)"$/;

function decodeValue(name: string, value: string): string {
  if (!PRINTABLE.test(value)) {
    throw invalidRequest('INVALID_REQUEST', `${name} must be percent-encoded where it is not printable ASCII.`, name);
  }
  const quoted = QUOTED.exec(value)?.[1];
  if (value.startsWith('"') && quoted === undefined) {
    throw invalidRequest('INVALID_REQUEST', `${name} is a quoted string without an end.`, name);
  }
  try {
    return decodeURIComponent(quoted === undefined ? value : quoted.replace(/\\(.)/g, '$1'));
  } catch {
    throw invalidRequest('INVALID_REQUEST', `${name} is not well-formed percent-encoding.`, name);
  }
}
