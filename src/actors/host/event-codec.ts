/** Events as anybody may write them to a journal → what the fold works on. Nothing in them may throw. */
import { isUtf8 } from 'node:buffer';
import { excessOf, JSON_BOUNDS } from '../../kernel/bounded-json.js';
import { decodeToken, encodeToken } from '../../kernel/ids.js';
import { parseRfc3339 } from '../../kernel/rfc3339.js';
import { canonicalCell } from '../../messages/cells.js';
import { EVENT_TYPE, eventDataSchema, oversizeOf, unreadPurposesOf } from '../../messages/events.js';
import { idSchema, isId } from '../../messages/id-schema.js';
import { ACTOR_KINDS, type ActorKindName } from '../../messages/subjects.js';
import type { DecodedEvent } from './record-codec.js';

const KINDS: ReadonlySet<string> = new Set(ACTOR_KINDS);
const ID_LENGTH_MAX = 256;
const ID = idSchema(ID_LENGTH_MAX);

/**
 * An event from the parts of its subject and its payload, a structured CloudEvent or the bare data of one; or why it is
 * none, for ever the same. What has a `specversion` is a CloudEvent. Attributes of null are unset, but for that one.
 */
export function decodeEvent(
  kind: string,
  token: string,
  type: string,
  payload: Uint8Array,
): Omit<DecodedEvent, 'app'> | string {
  if (!KINDS.has(kind)) return `EVENT_KIND_UNKNOWN: ${kind} is not a kind of actor`;
  if (decodeToken(token) === undefined) return 'EVENT_ID_INVALID: the id is not a well-formed token';
  if (!EVENT_TYPE.test(type)) return 'EVENT_TYPE_INVALID: the type must be lower-case words joined by dots';
  const excess = excessOf(payload, JSON_BOUNDS.event);
  if (excess) return `${excess.code}: ${excess.message}`;
  const envelope = payload.length === 0 ? {} : parseObject(payload);
  if (typeof envelope === 'string') return envelope;
  const isCloudEvent = Object.hasOwn(envelope, 'specversion');
  if (isCloudEvent && envelope.specversion !== '1.0') return "EVENT_MALFORMED: specversion: must be '1.0'";
  if (isCloudEvent && (envelope.data_base64 ?? undefined) !== undefined) {
    return 'EVENT_MALFORMED: data_base64: is not read; send JSON in data';
  }
  const unread = unreadPurposesOf(type, envelope, !isCloudEvent);
  if (unread !== undefined) {
    return `EVENT_MALFORMED: ${unread}: purposes of consent are read in ${isCloudEvent ? 'data' : 'the payload itself'}`;
  }
  const contradiction = isCloudEvent ? contradictionOf(envelope, kind, token, type) : undefined;
  if (contradiction !== undefined) return contradiction;
  const given = isCloudEvent ? (envelope.data ?? {}) : envelope;
  const oversize = oversizeOf(given);
  if (oversize) return `EVENT_MALFORMED: data.${oversize.field}: ${oversize.message}`;
  const data = eventDataSchema.safeParse(given);
  if (!data.success) {
    const issue = data.error.issues[0]!;
    return `EVENT_MALFORMED: data.${issue.path.join('.')}: ${issue.message}`;
  }
  for (const name of isCloudEvent ? (['id', 'source'] as const) : (['id'] as const)) {
    const value = envelope[name];
    if (isId(value, ID_LENGTH_MAX)) continue;
    // Bare data may have an id that is none of an event's: such an event is never a repeat.
    if (value === undefined || value === null || (!isCloudEvent && typeof value !== 'string')) continue;
    const id = ID.safeParse(value);
    if (!id.success) return `EVENT_MALFORMED: ${name}: ${id.error.issues[0]!.message}`;
  }
  const timeMs = typeof envelope.time === 'string' ? parseRfc3339(envelope.time) : undefined;
  if (timeMs === undefined && (envelope.time ?? undefined) !== undefined) {
    return 'EVENT_MALFORMED: time: must be an RFC 3339 time stamp';
  }
  return {
    cls: 'event',
    address: { kind: kind as ActorKindName, token },
    type,
    source: isCloudEvent && typeof envelope.source === 'string' ? envelope.source : 'nats',
    id: typeof envelope.id === 'string' ? envelope.id : '',
    timeMs,
    data: data.data,
  };
}

/** What a CloudEvent says of itself must be what the subject says that it was sent on. */
function contradictionOf(
  { subject, type: ownType }: Record<string, unknown>,
  kind: string,
  token: string,
  type: string,
): string | undefined {
  if ((ownType ?? undefined) !== undefined && ownType !== type) return 'EVENT_CONTRADICTS_SUBJECT: type is another one';
  if ((subject ?? undefined) === undefined) return undefined;
  return typeof subject === 'string' && tokenIn(subject, kind) === token
    ? undefined
    : 'EVENT_CONTRADICTS_SUBJECT: subject names another actor';
}

/** The token of the actor that `<kind>/<id>` names; undefined for another kind, or no id. */
function tokenIn(subject: string, kind: string): string | undefined {
  if (!subject.startsWith(`${kind}/`)) return undefined;
  const id = subject.slice(kind.length + 1);
  if (kind === 'anon') return id;
  try {
    return encodeToken(kind === 'zone' ? (canonicalCell(id) ?? id) : id);
  } catch {
    return undefined;
  }
}

function parseObject(payload: Uint8Array): Record<string, unknown> | string {
  // What is no UTF-8 would be read with U+FFFD in its place, and different ids would become one.
  if (!isUtf8(payload)) return 'EVENT_MALFORMED: the payload is not UTF-8';
  try {
    const json: unknown = JSON.parse(
      Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'),
    );
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  } catch {
    // Said below.
  }
  return 'EVENT_MALFORMED: the payload is not a JSON object';
}
