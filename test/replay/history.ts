/**
 * A journal as it was written once, and what its fold came to: kept for good, so that every later build is held to fold it
 * to the same. A history has the whole journal, stored state from its middle, and the state at its end.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { CampaignLedgerState } from '../../src/actors/campaign/ledger.js';
import { campaignKind } from '../../src/actors/campaign/campaign.kind.js';
import { Activation, keyOf } from '../../src/actors/host/activation.js';
import type { ActorKind } from '../../src/actors/host/actor-kind.js';
import { PartitionFold, type Output } from '../../src/actors/host/fold.js';
import { freshPartitionState } from '../../src/actors/host/partition-state.js';
import type { JournalRecord } from '../../src/actors/host/ports.js';
import { ALL_PROTECTIONS } from '../../src/actors/host/protections.js';
import { chainOf, decodeRecord } from '../../src/actors/host/record-codec.js';
import {
  decodeCheckpoint,
  decodeSnapshot,
  encodeCheckpoint,
  encodeSnapshot,
  fingerprintOf,
  type Position,
} from '../../src/actors/host/snapshot-codec.js';
import { Slices } from '../../src/kernel/slices.js';
import { TimerIndex } from '../../src/actors/host/timer-index.js';
import { VerdictBook } from '../../src/actors/host/verdict-book.js';
import { userKind } from '../../src/actors/user/user.kind.js';
import { zoneKind } from '../../src/actors/zone/zone.kind.js';
import { systemClock } from '../../src/kernel/clock.js';
import type { CampaignLedger } from '../../src/messages/campaigns.js';
import { THIS_SCHEMA, type Stored } from '../../src/messages/versions.js';

export const HISTORY_FOLDER = join(import.meta.dirname, 'histories');
const SUFFIX = '.json.gz';

interface StoredRecord {
  readonly sequence: number;
  readonly timestampMs: number;
  readonly subject: string;
  /** Text as it was stored. */
  readonly payload: string;
}

/** Snapshots by actor and the checkpoint, each as the JSON that was stored. */
export interface StoredState {
  readonly checkpoint: Stored;
  readonly snapshots: Readonly<Record<string, Stored>>;
}

export interface History {
  readonly partition: number;
  readonly identity: string;
  readonly records: readonly StoredRecord[];
  /** The checkpoint is of an earlier record than some of the snapshots, as it always may be. */
  readonly middle: StoredState;
  readonly end: StoredState;
  readonly outputs: { readonly count: number; readonly digest: string };
}

const kinds: ReadonlyMap<string, ActorKind<unknown, CampaignLedger, never>> = new Map(
  [userKind('user'), userKind('anon'), zoneKind, campaignKind].map((kind) => [kind.kind, kind as never]),
);

/** Folds a journal, from its beginning or from what was stored in its middle. */
export class HistoryFold {
  readonly outputs: Output[] = [];
  private readonly actors = new Map<string, Activation>();
  private readonly shared = new CampaignLedgerState();
  private readonly verdicts = new VerdictBook();
  private readonly fold: PartitionFold<CampaignLedger>;
  private readonly records: readonly JournalRecord[];
  private epoch = 0;

  constructor(
    private readonly history: Pick<History, 'partition' | 'identity' | 'records'>,
    from?: StoredState,
  ) {
    const { partition, identity } = history;
    this.records = history.records.map((record) => ({ ...record, payload: Buffer.from(record.payload), pending: 0 }));
    const checkpoint = from && decodeCheckpoint(bytesOf(from.checkpoint), this.shared);
    const after = checkpoint?.position.sequence ?? 0;
    const control = this.records.filter(({ sequence, subject }) => sequence > after && subject.includes('.control.'));
    this.verdicts.read(checkpoint?.state.term ?? [0, 0], control);
    const first = this.verdicts.first;
    const fresh = (): ReturnType<typeof freshPartitionState<CampaignLedger>> =>
      freshPartitionState(first!.settings, this.shared.create(), false, first!.semantics, first!.idKey);
    const timers = new TimerIndex();
    for (const [key, due, generation] of checkpoint?.timers ?? []) timers.set(key, due, generation);
    const options = { partition, identity, kinds, shared: this.shared, protections: ALL_PROTECTIONS };
    this.fold = new PartitionFold(options, checkpoint?.state ?? fresh(), timers);
    for (const [key, stored] of Object.entries(from?.snapshots ?? {})) {
      const kind = kinds.get(key.slice(0, key.indexOf('.')))! as never;
      this.actors.set(key, decodeSnapshot(key, bytesOf(stored), 1, kind).activation);
    }
  }

  /** Folds up to and with the record at `sequence`. */
  to(sequence: number): this {
    for (const record of this.records) {
      if (record.sequence > this.fold.state.sequence && record.sequence <= sequence) this.take(record);
    }
    return this;
  }

  /** What a host would store now: of all actors, or of those that `isSaved`. */
  async stored(isSaved: (key: string) => boolean = () => true): Promise<StoredState> {
    const position = this.position();
    const { state, timers } = this.fold;
    const at = { position, state, timers: timers.entries(), marks: [] };
    return {
      checkpoint: jsonOf(await encodeCheckpoint(at, new Slices(systemClock))),
      snapshots: Object.fromEntries(
        [...this.actors]
          .filter(([key]) => isSaved(key))
          .map(([key, activation]) => [key, jsonOf(encodeSnapshot(activation, position))]),
      ),
    };
  }

  private take(record: JournalRecord): void {
    const verdict = this.verdicts.get(record.sequence);
    if (verdict !== undefined) {
      this.outputs.push(...this.fold.skip(record, chainOf(record), verdict).outputs);
      return;
    }
    const decoded = decodeRecord(record);
    if (decoded.cls === 'barrier') this.epoch = Math.max(this.epoch, decoded.record.term[0]);
    const address = PartitionFold.addressOf(decoded);
    let activation: Activation | undefined;
    if (address) {
      const key = keyOf(address);
      activation = this.actors.get(key) ?? new Activation(key, address, kinds.get(address.kind)!.create(address));
      this.actors.set(key, activation);
    }
    this.outputs.push(...this.fold.apply(record, decoded, activation).outputs);
  }

  private position(): Position {
    const { sequence } = this.fold.state;
    const record = this.records.find((one) => one.sequence === sequence)!;
    const fingerprint = fingerprintOf(record.subject, record.payload);
    return { epoch: this.epoch, sequence, identity: this.history.identity, fingerprint };
  }
}

export const digestOf = (outputs: readonly Output[]): History['outputs'] => ({
  count: outputs.length,
  digest: createHash('sha256').update(JSON.stringify(outputs)).digest('hex'),
});

/** Stored state as this build has it, without what depends on when it was saved. */
export function comparable({ checkpoint, snapshots }: StoredState): unknown {
  const { counters: _counters, timers, ...rest } = THIS_SCHEMA.read('checkpoint', checkpoint);
  const actors = Object.entries(snapshots).map(([key, snapshot]) => {
    const {
      traces: _traces,
      epoch: _epoch,
      sequence: _at,
      fingerprint: _print,
      ...kept
    } = THIS_SCHEMA.read('snapshot', snapshot);
    return [key, kept] as const;
  });
  return {
    checkpoint: { ...rest, epoch: undefined, timers: [...(timers as unknown[])].sort() },
    actors: Object.fromEntries(actors.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

export const historyNames = (): string[] =>
  readdirSync(HISTORY_FOLDER)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .sort();

export const readHistory = (name: string): History =>
  JSON.parse(gunzipSync(readFileSync(join(HISTORY_FOLDER, name + SUFFIX))).toString('utf8')) as History;

export const writeHistory = (name: string, history: History): void =>
  writeFileSync(join(HISTORY_FOLDER, name + SUFFIX), gzipSync(JSON.stringify(history), { level: 9 }));

const bytesOf = (stored: Stored): Uint8Array => Buffer.from(JSON.stringify(stored));
const jsonOf = (bytes: Uint8Array): Stored => JSON.parse(Buffer.from(bytes).toString('utf8')) as Stored;
