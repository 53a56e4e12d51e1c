/**
 * Judges records that cannot be folded: the fold waits until a verdict stands in the journal, and obeys it. Only the owner
 * whose barrier is in force condemns; everybody obeys what it has.
 */
import type { Clock } from '../../kernel/clock.js';
import type { Term, Verdict } from '../../messages/records.js';
import { subjects } from '../../messages/subjects.js';
import type { DataSchema } from '../../messages/versions.js';
import { superseded } from './activation-store.js';
import { refusal } from './journal-history.js';
import type { HostLimits } from './limits.js';
import type { Journal, JournalRecord } from './ports.js';
import type { VerdictBook } from './verdict-book.js';

const RETRY_MS = 100;
const REASON_LENGTH_MAX = 500;

export interface PoisonJudgeOptions {
  readonly partition: number;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly limits: Pick<HostLimits, 'poisonShareMax' | 'poisonWindowRecords'>;
  readonly verdicts: VerdictBook;
  readonly epoch: number;
  readonly schema: DataSchema;
  /** The fold's. */
  readonly term: () => Term;
  readonly isLive: () => boolean;
}

export class PoisonJudge {
  /** Sequences of the records passed over lately. */
  private skipped: number[] = [];

  constructor(private readonly options: PoisonJudgeOptions) {}

  /**
   * Resolves to the verdict's reason once it stands in the journal; to undefined if the tenure ends before. Rejects with
   * StaleOwner where another owner's barrier has come, with Invariant `POISON_SHARE` above the configured share.
   */
  async judge({ sequence }: JournalRecord, reason: string): Promise<string | undefined> {
    const { journal, clock, verdicts, epoch, term, isLive } = this.options;
    while (isLive()) {
      const control = await journal.control(sequence + 1).catch(() => undefined);
      if (control) {
        verdicts.read(term(), control);
        const verdict = verdicts.get(sequence);
        if (verdict !== undefined) return isLive() ? verdict : undefined;
        // Only under our own barrier do we have a say; before it, another owner's verdict may still come.
        if (verdicts.term[0] > epoch) throw superseded();
        if (verdicts.term[0] === epoch && (await this.condemn(sequence, reason))) continue;
      }
      await new Promise<void>((resolve) => void clock.after(RETRY_MS, resolve));
    }
    return undefined;
  }

  /** Told of each record that was passed over. */
  obeyed(sequence: number): void {
    this.options.verdicts.forget(sequence);
    this.skipped.push(sequence);
  }

  /** Resolves to whether the verdict was stored. */
  private async condemn(sequence: number, reason: string): Promise<boolean> {
    const { partition, journal, verdicts, schema } = this.options;
    this.assertShare(sequence);
    const verdict: Omit<Verdict, 'v'> = {
      term: verdicts.term,
      sequence,
      reason: reason.slice(0, REASON_LENGTH_MAX),
    };
    const payload = Buffer.from(JSON.stringify(schema.write('verdict', verdict)));
    const [outcome] = await journal.append([{ subject: subjects.control(partition, 'verdict'), payload }]);
    return outcome!.status === 'stored';
  }

  /**
   * Asked before one more record is condemned, and not where a verdict stands already: what has been passed over must not
   * keep a mended release from going on.
   */
  private assertShare(sequence: number): void {
    const { poisonWindowRecords, poisonShareMax } = this.options.limits;
    this.skipped = this.skipped.filter((one) => one > sequence - poisonWindowRecords);
    const share = this.skipped.length + 1;
    if (share <= poisonShareMax * poisonWindowRecords) return;
    throw refusal('POISON_SHARE', `${share} of the last ${poisonWindowRecords} records could not be folded`);
  }
}
