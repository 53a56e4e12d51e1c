/** Journal bytes → what the fold works on. One JSON parse a record; nothing here depends on state. */
import { JSON_BOUNDS, refuseExcess } from '../../kernel/bounded-json.js';
import type { EventData } from '../../messages/events.js';
import {
  barrierSchema,
  chainSchema,
  markerSchema,
  outputRecordSchema,
  redriveSchema,
  verdictSchema,
  type Barrier,
  type Chain,
  type Redrive,
  type Term,
  type Verdict,
} from '../../messages/records.js';
import { ACTOR_KINDS, parsePartitionSubject, type ActorKindName } from '../../messages/subjects.js';
import {
  assertSemantics,
  isVersionRefusal,
  THIS_SCHEMA,
  type DataSchema,
  type Stored,
} from '../../messages/versions.js';
import type { ActorAddress } from './actor-kind.js';
import { decodeEvent } from './event-codec.js';
import type { JournalRecord } from './ports.js';

export interface DecodedEvent {
  readonly cls: 'event';
  /** Whose it is: ids of two apps are never the same. */
  readonly app: string;
  readonly address: ActorAddress;
  readonly type: string;
  readonly source: string;
  /** Empty where the sender gave none: such an event is never a duplicate. */
  readonly id: string;
  readonly timeMs: number | undefined;
  readonly data: EventData;
}

/** What a redrive is of, in the end: a letter's own record, also where it is the letter of a redrive that failed. */
export interface Original {
  readonly sequence: number;
  /** Its fold time, where that was said. */
  readonly atMs: number | undefined;
}

export type Decoded =
  | DecodedEvent
  | {
      readonly cls: 'decision' | 'command';
      readonly address: ActorAddress;
      readonly term: Term;
      readonly key: string;
      readonly body: unknown;
    }
  | {
      readonly cls: 'timer';
      readonly address: ActorAddress;
      readonly term: Term;
      readonly due: number;
      readonly generation: number;
    }
  | {
      readonly cls: 'output';
      /** Undefined: addressed to the partition itself. */
      readonly address: ActorAddress | undefined;
      readonly name: string;
      readonly chain: Chain;
      readonly body: unknown;
    }
  | { readonly cls: 'barrier'; readonly record: Barrier }
  | { readonly cls: 'marker'; readonly term: Term }
  | { readonly cls: 'verdict'; readonly record: Verdict }
  | { readonly cls: 'redrive'; readonly record: Redrive; readonly inner: Decoded; readonly original: Original }
  /** About what this cluster has no use for: passed over, and not kept anywhere else. */
  | { readonly cls: 'foreign'; readonly reason: string }
  /** Written by a client and not understandable: rejected, the same for ever. */
  | { readonly cls: 'malformed'; readonly reason: string };

const KINDS: ReadonlySet<string> = new Set(ACTOR_KINDS);

/**
 * Throws on engine-written records that are damaged: those are poison. Throws Configuration `DATA_*` or `SEMANTICS_*`
 * on those of another build: they are not for this one to judge.
 */
export function decodeRecord(
  record: Pick<JournalRecord, 'subject' | 'payload'>,
  schema: DataSchema = THIS_SCHEMA,
): Decoded {
  const subject = parsePartitionSubject(record.subject);
  if (!subject) throw new Error(`unexpected subject ${record.subject}`);
  if (subject.cls === 'event') {
    if (!KINDS.has(subject.kind)) {
      return { cls: 'foreign', reason: `EVENT_KIND_UNKNOWN: ${subject.kind} is not a kind of actor` };
    }
    const event = decodeEvent(subject.kind, subject.token, subject.name, record.payload);
    return typeof event === 'string' ? malformed(event) : { ...event, app: subject.app };
  }
  // An output may carry what somebody outside wrote.
  if (subject.cls === 'output') refuseExcess(record.payload, JSON_BOUNDS.internal);
  const stored = parseJson(record.payload) as Stored | undefined;
  if (stored === undefined || stored === null || typeof stored !== 'object')
    throw new Error('the record is not a JSON object');
  if (subject.cls === 'control') return decodeControl(subject.kind, stored, schema);
  if (subject.cls === 'req') throw new Error('requests are no records');
  const json = schema.read(subject.cls, stored);
  switch (subject.cls) {
    case 'decision':
    case 'command':
      return {
        cls: subject.cls,
        address: addressOf(subject.kind, subject.token),
        term: termOf(json.term),
        key: stringOf(json.key, 'key'),
        body: json.body,
      };
    case 'timer':
      return {
        cls: 'timer',
        address: addressOf(subject.kind, subject.token),
        term: termOf(json.term),
        due: numberOf(json.due, 'due'),
        generation: numberOf(json.generation, 'generation'),
      };
    case 'output': {
      const output = outputRecordSchema.parse(json);
      return {
        cls: 'output',
        address: subject.kind === 'partition' ? undefined : addressOf(subject.kind, subject.token),
        name: subject.name,
        chain: output.chain,
        body: output.body,
      };
    }
  }
}

function decodeControl(name: string, json: Stored, schema: DataSchema): Decoded {
  switch (name) {
    case 'barrier':
      return { cls: 'barrier', record: decodeBarrier(schema.read(name, json), schema) };
    case 'marker':
      return { cls: 'marker', term: markerSchema.parse(schema.read(name, json)).term };
    case 'verdict':
      return { cls: 'verdict', record: verdictSchema.parse(schema.read(name, json)) };
    case 'redrive': {
      const redrive = redriveSchema.parse(schema.read(name, json));
      return { cls: 'redrive', record: redrive, ...decodeInner(redrive, schema) };
    }
    default:
      throw new Error(`control ${name} is not known`);
  }
}

function decodeBarrier(json: Stored, schema: DataSchema): Barrier {
  const barrier = barrierSchema.parse(json);
  assertSemantics(barrier.semantics, schema.build);
  return barrier;
}

/**
 * What could not be decoded once may not be now either: it is then rejected for good, not poison again. A try that
 * failed stands for what it tried. Control records have had their effect where they stood, or none.
 */
function decodeInner(redrive: Redrive, schema: DataSchema): { inner: Decoded; original: Original } {
  const original = { sequence: redrive.sequence, atMs: redrive.atMs };
  let inner: Decoded;
  try {
    inner = decodeRecord({ subject: redrive.subject, payload: Buffer.from(redrive.payload, 'base64') }, schema);
  } catch (error) {
    // A letter of an older cluster's stays unreadable; one of a newer build's is for that build.
    if (isVersionRefusal(error) && error.code.endsWith('_NEW')) throw error;
    const reason = `REDRIVE_UNREADABLE: ${error instanceof Error ? error.message : String(error)}`;
    return { inner: malformed(reason), original };
  }
  switch (inner.cls) {
    case 'redrive':
      return { inner: inner.inner, original: inner.original };
    case 'barrier':
    case 'marker':
    case 'verdict':
      return { inner: malformed('REDRIVE_UNREADABLE: control records are not tried again'), original };
    default:
      return { inner, original };
  }
}

/** The place in its chain that an output claims, even if nothing else of it can be read. */
export function chainOf({ subject, payload }: Pick<JournalRecord, 'subject' | 'payload'>): Chain | undefined {
  if (parsePartitionSubject(subject)?.cls !== 'output') return undefined;
  const json = parseJson(payload) as { chain?: unknown } | null | undefined;
  return chainSchema.safeParse(json?.chain).data;
}

/** Under which key and term an owner wrote this record; undefined for what owners do not wait for. */
export function writtenAs(decoded: Decoded): { readonly key: string; readonly term: Term } | undefined {
  switch (decoded.cls) {
    case 'decision':
    case 'command':
      return decoded;
    case 'timer':
      return { key: timerKey(decoded.address, decoded.generation), term: decoded.term };
    case 'redrive':
      return decoded.record;
    default:
      return undefined;
  }
}

/** A timer is written once a generation. */
export const timerKey = (address: ActorAddress, generation: number): string =>
  `timer ${address.kind}.${address.token} ${generation}`;

const malformed = (reason: string): Decoded => ({ cls: 'malformed', reason });

function parseJson(payload: Uint8Array): unknown {
  try {
    // A view on the same memory: Buffer decodes UTF-8 faster than TextDecoder for small messages.
    return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}

function addressOf(kind: string, token: string): ActorAddress {
  if (!KINDS.has(kind)) throw new Error(`${kind} is not a kind of actor`);
  return { kind: kind as ActorKindName, token };
}

function termOf(value: unknown): Term {
  if (!Array.isArray(value) || typeof value[0] !== 'number' || typeof value[1] !== 'number')
    throw new Error('term is malformed');
  return value as unknown as Term;
}

function numberOf(value: unknown, field: string): number {
  if (typeof value !== 'number') throw new Error(`${field} must be a number`);
  return value;
}

function stringOf(value: unknown, field: string): string {
  if (typeof value !== 'string') throw new Error(`${field} must be a string`);
  return value;
}
