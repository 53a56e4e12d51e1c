/**
 * The checker's own fold: a whole journal from its first record, straight from the text of the rules and apart from the
 * host's code. What it computes is what every host must have computed.
 */
import { ENGINE_APP, partitionOf } from '../../kernel/ids.js';
import type { FoldSettings } from '../../messages/settings.js';
import { DataSchema, versionsOf, THIS_BUILD, type Build, type StoredForm } from '../../messages/versions.js';
import { eventHash } from '../host/event-table.js';
import type { ActorAddress, ActorKind, ActorRecord, Effect, Folded, SharedState } from '../host/actor-kind.js';
import { parsePartitionSubject, subjects, type ActorKindName } from '../../messages/subjects.js';
import type { SimulatedStream, StoredRecord } from './stream.js';

/** What one record caused elsewhere, in the order of its chain. */
export interface Emission {
  readonly sequence: number;
  readonly atMs: number;
  readonly target: string;
  readonly subject: string;
  readonly body: unknown;
}

/** One actor's state, and what the host keeps beside it. */
export interface ReplayedActor {
  readonly address: ActorAddress;
  state: unknown;
  timerDue: number;
  timerGeneration: number;
  /** Events with the latest times, at most `settings.events.dedupePerActor`, and the latest second that had to go. */
  readonly seen: { readonly order: bigint; readonly seconds: number }[];
  floor: number;
}

export type Verdict =
  'applied' | 'ignored' | 'refused' | 'rejected' | 'void' | 'duplicate' | 'stale' | 'gap' | 'poison';

/** A record and what became of it. */
export interface ReplayedRecord {
  readonly record: StoredRecord;
  readonly cls: string;
  readonly kind: string;
  readonly token: string;
  readonly name: string;
  readonly json: Record<string, unknown>;
  readonly atMs: number;
  /** The rules in force where it stands. */
  readonly semantics: number;
  readonly verdict: Verdict;
  /** Of a redrive: what it tried again, and where that stood. */
  readonly redriven: Redriven | undefined;
}

/** The innermost original of a redrive. */
export interface Redriven {
  readonly sequence: number;
  readonly atMs: number | undefined;
  readonly cls: string;
  readonly kind: string;
  readonly token: string;
  readonly name: string;
  readonly app: string;
  readonly json: Record<string, unknown> | undefined;
}

type Judged = Pick<ReplayedRecord, 'record' | 'cls' | 'kind' | 'token' | 'name' | 'json'> & { readonly app: string };

type Place = readonly [number, number];
type Json = Record<string, unknown>;

const isAfter = (a: Place, b: Place): boolean => a[0] > b[0] || (a[0] === b[0] && a[1] > b[1]);
const isSame = (a: Place, b: Place): boolean => a[0] === b[0] && a[1] === b[1];

export interface ReplayOptions<Shared> {
  readonly partition: number;
  readonly kinds: ReadonlyMap<string, ActorKind<never, Shared, never>>;
  readonly shared: SharedState<Shared>;
  readonly settings: FoldSettings;
  /** The newest of the run, which reads whatever any host of it has written; this one, where left out. */
  readonly build?: Build | undefined;
  /** Asked after every record; says what is wrong. */
  readonly invariant?: ((replay: Replay<Shared>) => string | undefined) | undefined;
}

export class Replay<Shared> {
  readonly actors = new Map<string, ReplayedActor>();
  readonly records: ReplayedRecord[] = [];
  readonly emissions: Emission[] = [];
  /** What the rules do not allow to stand in a journal. */
  readonly faults: string[] = [];
  shared: Shared;
  private term: Place = [0, 0];
  private foldTimeMs = 0;
  private settings: FoldSettings;
  private semantics: number;
  private readonly idKey: string;
  /** Sequences of the originals whose redrive was applied. */
  readonly redriven = new Set<number>();
  private readonly watermarks = new Map<string, Place>();
  private readonly verdicts: Map<number, string>;

  constructor(
    private readonly options: ReplayOptions<Shared>,
    stream: SimulatedStream,
  ) {
    this.shared = options.shared.create();
    // What comes before the first barrier is folded as it says.
    const first = firstBarrierOf(stream.records);
    this.settings = (first?.settings as FoldSettings | undefined) ?? options.settings;
    this.semantics = (first?.semantics as number | undefined) ?? 1;
    this.idKey = (first?.idKey as string | undefined) ?? '';
    this.verdicts = verdictsOf(stream.records);
    for (const record of stream.records) this.take(record);
  }

  private take(record: StoredRecord): void {
    const { cls, kind, token, name, app } = parsePartitionSubject(record.subject)!;
    const parsed = this.read(record.subject, record.payload);
    if (parsed === undefined && cls !== 'event') this.faults.push(`record ${record.sequence} is not JSON`);
    const json = parsed ?? {};
    this.foldTimeMs = Math.max(this.foldTimeMs, record.timestampMs);
    const redriven = cls === 'control' && kind === 'redrive' ? this.originalOf(json) : undefined;
    const entry = { record, cls, kind, token, name, app, json };
    const { semantics } = this;
    const reason = this.verdicts.get(record.sequence);
    let verdict: Verdict;
    if (reason !== undefined) {
      verdict = 'poison';
      if (cls === 'output' && this.chainStands(json) === 'next') this.acceptChain(json);
      this.emit(
        record.sequence,
        this.foldTimeMs,
        'd',
        `attune.deadletter.${this.options.partition}.${record.sequence}`,
        {
          kind: 'poison',
          sequence: record.sequence,
        },
      );
    } else if (cls === 'event' && isMalformed(parsed)) {
      verdict = 'rejected';
      this.reject(record.sequence, this.foldTimeMs);
    } else {
      verdict = redriven === undefined ? this.judge(entry) : this.redrive(entry, redriven);
    }
    this.records.push({ ...entry, atMs: this.foldTimeMs, semantics, verdict, redriven });
    const wrong = this.options.invariant?.(this);
    if (wrong !== undefined) this.faults.push(`after record ${record.sequence}: ${wrong}`);
  }

  /** Counts once, by its innermost original, and only once it has been applied. */
  private redrive({ record, json }: Judged, original: Redriven): Verdict {
    if (!isSame(json.term as Place, this.term)) return 'void';
    if (this.redriven.has(original.sequence)) return 'duplicate';
    const { cls } = original;
    const isUnreadable = cls === 'event' ? isMalformed(original.json) : cls === 'control' || !original.json;
    if (isUnreadable) {
      this.reject(record.sequence, this.foldTimeMs);
      return 'rejected';
    }
    const verdict = this.judge({ ...original, record, json: original.json! }, original);
    if (verdict === 'applied') this.redriven.add(original.sequence);
    return verdict;
  }

  /** A redrive of a redrive is one of what that one tried. */
  private originalOf({ sequence, atMs, subject, payload }: Json): Redriven {
    const { cls, kind, token, name, app } = parsePartitionSubject(subject as string)!;
    const json = this.read(subject as string, Buffer.from(payload as string, 'base64'));
    if (cls === 'control' && kind === 'redrive' && json) return this.originalOf(json);
    return { sequence: sequence as number, atMs: atMs as number | undefined, cls, kind, token, name, app, json };
  }

  /** The record's JSON as this build's schema has it, whichever build has written it. */
  private read(subject: string, payload: Uint8Array): Json | undefined {
    const json = parse(payload);
    const { cls, kind } = parsePartitionSubject(subject)!;
    if (cls === 'event' || !isObject(json)) return json;
    return plainOf((cls === 'control' ? kind : cls) as StoredForm, json, this.options.build);
  }

  private judge(entry: Judged, original?: Redriven): Verdict {
    const { cls, kind, token, name, app, json, record } = entry;
    const address = { kind: kind as ActorKindName, token };
    switch (cls) {
      case 'control':
        return this.control(kind, json);
      case 'event':
        return this.options.kinds.has(kind) ? this.event(entry, address, original) : 'ignored';
      case 'decision':
      case 'command':
        if (!original && !isSame(json.term as Place, this.term)) return 'void';
        return this.fold(record.sequence, this.actor(address), { type: cls, body: json.body });
      case 'timer': {
        if (!original && !isSame(json.term as Place, this.term)) return 'void';
        const actor = this.actor(address);
        if (actor.timerGeneration !== json.generation) return 'stale';
        const dueMs = json.due as number;
        return this.fold(record.sequence, actor, { type: 'timer', dueMs }, Math.max(this.foldTimeMs, dueMs));
      }
      case 'output': {
        if (!original) {
          const stands = this.chainStands(json);
          if (stands !== 'next') return stands === 'past' ? 'duplicate' : 'gap';
          this.acceptChain(json);
        }
        const from = (json.chain as { p: number }).p;
        if (kind !== 'partition') {
          return this.fold(record.sequence, this.actor(address), { type: 'output', name, from, body: json.body });
        }
        try {
          this.operate(record.sequence, this.foldTimeMs, name, json.body);
        } catch (error) {
          this.faults.push(`record ${record.sequence} cannot be folded and has no verdict: ${String(error)}`);
          return 'poison';
        }
        return 'applied';
      }
      default:
        this.faults.push(`${app} ${cls} does not belong in a journal`);
        return 'poison';
    }
  }

  private event({ json, app, name, record }: Judged, address: ActorAddress, original: Redriven | undefined): Verdict {
    const actor = this.actor(address);
    const { pastMaxMs, futureMaxMs, dedupePerActor } = this.settings.events;
    const firstFoldedMs = original?.atMs ?? this.foldTimeMs;
    const saidMs = typeof json.time === 'string' ? Date.parse(json.time) : firstFoldedMs;
    const isAhead = saidMs > firstFoldedMs + futureMaxMs;
    const ownMs = isAhead ? firstFoldedMs : saidMs;
    const seconds = Math.floor(ownMs / 1000);
    const { high, low } = eventHash(this.idKey, app, String(json.source), String(json.id));
    const order = (BigInt(high) << 32n) | BigInt(low);
    const hasId = typeof json.id === 'string';
    if (hasId && actor.seen.some((one) => one.order === order)) return 'duplicate';
    const isUnknown = hasId && typeof json.time === 'string' && !isAhead && seconds <= actor.floor;
    if (isAhead && !this.kindOf(address).countsWhenever?.(name)) {
      this.reject(record.sequence, this.foldTimeMs);
      return 'rejected';
    }
    const isIdempotent = this.kindOf(address).isIdempotent?.(name) ?? false;
    if ((isUnknown || ownMs < firstFoldedMs - pastMaxMs) && !isIdempotent) {
      this.reject(record.sequence, this.foldTimeMs);
      return 'rejected';
    }
    const event = {
      source: String(json.source),
      id: hasId ? String(json.id) : `${this.options.partition}-${original?.sequence ?? record.sequence}`,
      type: name,
      timeMs: Math.min(Math.max(saidMs, this.foldTimeMs - pastMaxMs), this.foldTimeMs + futureMaxMs),
      saidMs: typeof json.time === 'string' ? saidMs : undefined,
      firstFoldedMs,
      data: dataOf(json) as Json,
    };
    const verdict = this.fold(record.sequence, actor, { type: 'event', event });
    if (hasId && !isUnknown && verdict !== 'rejected') {
      actor.seen.push({ order, seconds });
      actor.seen.sort((a, b) => a.seconds - b.seconds || (a.order < b.order ? -1 : 1));
      while (actor.seen.length > dedupePerActor) {
        actor.floor = Math.max(actor.floor, actor.seen.shift()!.seconds);
      }
    }
    return verdict;
  }

  private control(name: string, json: Json): Verdict {
    const term = json.term as Place;
    switch (name) {
      case 'barrier':
        if (term[0] <= this.term[0]) return 'void';
        this.term = [term[0], 0];
        this.settings = json.settings as FoldSettings;
        this.semantics = Math.max(this.semantics, json.semantics as number);
        return 'applied';
      case 'marker':
        if (term[0] !== this.term[0] || term[1] <= this.term[1]) return 'void';
        this.term = term;
        return 'applied';
      case 'verdict':
        return isSame(term, this.term) ? 'applied' : 'void';
      default:
        this.faults.push(`unexpected control ${name}`);
        return 'ignored';
    }
  }

  private actor(address: ActorAddress): ReplayedActor {
    const key = `${address.kind}.${address.token}`;
    const known = this.actors.get(key);
    if (known) return known;
    const kind = this.kindOf(address);
    const actor = { address, state: kind.create(address), timerDue: 0, timerGeneration: 0, seen: [], floor: -1 };
    this.actors.set(key, actor);
    return actor;
  }

  private kindOf(address: ActorAddress): ActorKind<unknown, Shared, never> {
    return this.options.kinds.get(address.kind) as unknown as ActorKind<unknown, Shared, never>;
  }

  private fold(sequence: number, actor: ReplayedActor, record: ActorRecord, atMs = this.foldTimeMs): Verdict {
    const kind = this.kindOf(actor.address);
    let folded: Folded<unknown>;
    try {
      folded = kind.fold(actor.state, record, {
        address: actor.address,
        partition: this.options.partition,
        sequence,
        atMs,
        settings: this.settings,
        semantics: this.semantics,
        shared: this.shared,
      });
    } catch (error) {
      this.faults.push(`record ${sequence} cannot be folded and has no verdict: ${String(error)}`);
      return 'poison';
    }
    const { outcome } = folded;
    const before = actor.timerDue;
    if (outcome === 'applied') {
      actor.state = folded.state;
      actor.timerDue = kind.timer(folded.state);
    } else if (record.type === 'timer') {
      actor.timerDue = 0;
    }
    if (actor.timerDue !== before || record.type === 'timer') actor.timerGeneration = sequence;
    if (outcome === 'rejected') this.reject(sequence, atMs);
    const effects = folded.effects.filter(
      (effect) => outcome === 'applied' || (outcome === 'refused' && effect.to === 'experience'),
    );
    for (const effect of effects) if (effect.to !== 'shared') this.effect(sequence, atMs, effect);
    for (const effect of effects) if (effect.to === 'shared') this.operate(sequence, atMs, 'op', effect.op);
    return outcome;
  }

  private reject(sequence: number, atMs: number): void {
    this.emit(sequence, atMs, 'd', `attune.deadletter.${this.options.partition}.${sequence}`, {
      kind: 'rejected',
      sequence,
    });
  }

  private operate(sequence: number, atMs: number, name: string, body: unknown): void {
    const { partition, shared } = this.options;
    const applied = shared.apply(this.shared, name, body, {
      partition,
      sequence,
      atMs,
      settings: this.settings,
      semantics: this.semantics,
    });
    this.shared = applied.shared;
    for (const effect of applied.effects) this.effect(sequence, atMs, effect);
  }

  private effect(sequence: number, atMs: number, effect: Effect): void {
    switch (effect.to) {
      case 'actor': {
        const { kind, token } = effect.address;
        const to = partitionOf(token, this.settings.partitions);
        this.emit(
          sequence,
          atMs,
          `p${to}`,
          subjects.record(to, 'output', ENGINE_APP, kind, token, effect.name),
          effect.body,
        );
        return;
      }
      case 'partition': {
        const to = effect.partition;
        this.emit(sequence, atMs, `p${to}`, subjects.partitionOutput(to, effect.name), effect.body);
        return;
      }
      case 'experience':
        this.emit(sequence, atMs, 'x', `attune.experience.${effect.surface}`, effect.body);
        return;
      case 'shared':
        this.faults.push(`record ${sequence}: a shared operation caused another one`);
    }
  }

  private emit(sequence: number, atMs: number, target: string, subject: string, body: unknown): void {
    this.emissions.push({ sequence, atMs, target, subject, body });
  }

  private chainStands(json: Json): 'past' | 'next' | 'gap' {
    const chain = json.chain as { p: number; src: string; seq: number; idx: number; prev: Place };
    const watermark = this.watermarks.get(`${chain.p} ${chain.src}`) ?? [0, 0];
    if (!isAfter([chain.seq, chain.idx], watermark)) return 'past';
    return isSame(chain.prev, watermark) ? 'next' : 'gap';
  }

  private acceptChain(json: Json): void {
    const chain = json.chain as { p: number; src: string; seq: number; idx: number };
    this.watermarks.set(`${chain.p} ${chain.src}`, [chain.seq, chain.idx]);
  }
}

/** What any build of a run has stored, as this build's schema has it. */
export function plainOf(form: StoredForm, json: Json, build: Build = THIS_BUILD): Json {
  const schema = new DataSchema(build, versionsOf(THIS_BUILD).schema);
  return schema.write(form, schema.read(form, json));
}

const isControl = (subject: string, name: string): boolean => {
  const parsed = parsePartitionSubject(subject);
  return parsed?.cls === 'control' && parsed.kind === name;
};

function firstBarrierOf(records: readonly StoredRecord[]): Json | undefined {
  const first = records.find(({ subject }) => isControl(subject, 'barrier'));
  return first && parse(first.payload);
}

function parse(payload: Uint8Array): Json | undefined {
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8')) as Json;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** On NATS an event may be its bare data. */
const dataOf = (json: Json): unknown => (Object.hasOwn(json, 'specversion') ? (json.data ?? {}) : json);

/** What apps of the simulation send that is no event: no object, data that is none, a place that is nowhere. */
function isMalformed(json: Json | undefined): boolean {
  if (!isObject(json)) return true;
  const data = dataOf(json);
  if (!isObject(data)) return true;
  return data.lat !== undefined && !(typeof data.lat === 'number' && Math.abs(data.lat) <= 90);
}

/** Verdicts count if their term is the current one where they stand; of several, the first. */
function verdictsOf(records: readonly StoredRecord[]): Map<number, string> {
  const verdicts = new Map<number, string>();
  let term: Place = [0, 0];
  for (const record of records) {
    const { cls, kind: name } = parsePartitionSubject(record.subject)!;
    if (cls !== 'control') continue;
    const json = JSON.parse(Buffer.from(record.payload).toString('utf8')) as Json;
    const own = json.term as Place;
    if (name === 'barrier' && own[0] > term[0]) term = [own[0], 0];
    else if (name === 'marker' && own[0] === term[0] && own[1] > term[1]) term = own;
    else if (name === 'verdict' && isSame(own, term)) {
      const about = json.sequence as number;
      if (about < record.sequence && !verdicts.has(about)) verdicts.set(about, String(json.reason));
    }
  }
  return verdicts;
}

/** Applies messages of several chains as their receiver does: each once, each chain in order. */
export function receive(stream: SimulatedStream): Map<number, { subject: string; body: unknown; sequence: number }[]> {
  const watermarks = new Map<string, Place>();
  const received = new Map<number, { subject: string; body: unknown; sequence: number }[]>();
  for (const record of stream.records) {
    const json = JSON.parse(Buffer.from(record.payload).toString('utf8')) as Json;
    const chain = json.chain as { p: number; src: string; seq: number; idx: number; prev: Place };
    const source = `${chain.p} ${chain.src}`;
    const watermark = watermarks.get(source) ?? [0, 0];
    if (!isAfter([chain.seq, chain.idx], watermark) || !isSame(chain.prev, watermark)) continue;
    watermarks.set(source, [chain.seq, chain.idx]);
    const list = received.get(chain.p) ?? [];
    list.push({ subject: record.subject, body: json.body, sequence: chain.seq });
    received.set(chain.p, list);
  }
  return received;
}
