/**
 * What is stored beside a journal is only worth something if it is of that journal, not ahead of it, and agrees with the
 * record it was taken at: after a power loss the journal may have lost its end, and gone on from there with other records.
 */
import { EngineError } from '../../kernel/errors.js';
import type { Journal, JournalInfo, JournalRecord } from './ports.js';
import { fingerprintOf, type Position } from './snapshot-codec.js';

export class JournalHistory {
  readonly identity: string;
  /** Snapshots up to here belong to the checkpoint that this tenure began with. */
  private checkpointed = 0;
  private tail: number;
  /** Fingerprints that records not yet folded must have, and the snapshot that says so. */
  private readonly expected = new Map<number, { readonly key: string; readonly fingerprint: string }>();

  constructor(
    private readonly journal: Journal,
    private readonly info: JournalInfo,
  ) {
    this.identity = info.identity;
    this.tail = info.lastSequence;
  }

  /** Rejects with Invariant `CHECKPOINT_*` if the checkpoint is not of this history. */
  async beginWith(checkpoint: Position): Promise<void> {
    const { sequence, identity, fingerprint } = checkpoint;
    if (identity !== this.identity) throw refusal('CHECKPOINT_OF_ANOTHER_JOURNAL', 'the journal was made anew');
    if (sequence > this.tail) {
      throw refusal('CHECKPOINT_AHEAD_OF_JOURNAL', `it covers ${sequence}, the journal ends at ${this.tail}`);
    }
    this.checkpointed = sequence;
    if (sequence === 0 || sequence < this.info.firstSequence) return;
    const record = await this.journal.get(sequence);
    if (record && fingerprintOf(record.subject, record.payload) !== fingerprint) {
      throw refusal('CHECKPOINT_DISAGREES', `record ${sequence} is not the one it was taken at`);
    }
  }

  /**
   * Rejects with Invariant `SNAPSHOT_*` if a snapshot is not of this history. Where the record it was taken at is still
   * to be folded, `folding` will see.
   */
  async check(key: string, position: Position, folded: () => number): Promise<void> {
    const { sequence, identity, fingerprint } = position;
    if (identity !== this.identity) throw ahead(key, 'is of another journal');
    if (sequence > this.tail) {
      // A former owner may have folded records that came after this one looked.
      const info = await this.journal.info();
      if (info.identity !== this.identity) throw ahead(key, 'is of another journal');
      this.tail = Math.max(this.tail, info.lastSequence);
      if (sequence > this.tail) throw ahead(key, 'is ahead of its journal');
    }
    if (sequence <= this.checkpointed) return;
    if (sequence > folded()) {
      const other = this.expected.get(sequence);
      if (other && other.fingerprint !== fingerprint) throw disagrees(key, sequence);
      this.expected.set(sequence, { key, fingerprint });
      return;
    }
    const record = await this.journal.get(sequence);
    if (record && fingerprintOf(record.subject, record.payload) !== fingerprint) throw disagrees(key, sequence);
  }

  /** Told of each record before it is folded; throws Invariant `SNAPSHOT_DISAGREES`. */
  folding(record: JournalRecord): void {
    this.tail = Math.max(this.tail, record.sequence);
    if (this.expected.size === 0) return;
    const snapshot = this.expected.get(record.sequence);
    if (!snapshot) return;
    this.expected.delete(record.sequence);
    if (fingerprintOf(record.subject, record.payload) !== snapshot.fingerprint) {
      throw disagrees(snapshot.key, record.sequence);
    }
  }
}

export const refusal = (code: string, why: string): EngineError =>
  new EngineError('Invariant', code, `The partition is refused: ${why}. See docs/operating.md.`);

const ahead = (key: string, what: string): EngineError =>
  refusal(
    'SNAPSHOT_AHEAD_OF_JOURNAL',
    `the stored state ${key} ${what}; records were lost (power loss, or the stream was deleted)`,
  );

const disagrees = (key: string, sequence: number): EngineError =>
  refusal('SNAPSHOT_DISAGREES', `record ${sequence} is not the one that the snapshot ${key} was taken at`);
