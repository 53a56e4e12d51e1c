/** The experience stream, a page at a time, for a learner that says where it is. */
import { JSON_BOUNDS, parseBoundedJson } from '../../../kernel/bounded-json.js';
import type { Clock } from '../../../kernel/clock.js';
import { parseExperience } from '../../../learners/experience-schema.js';
import type { Experience } from '../../../messages/decisions.js';
import { outputRecordSchema } from '../../../messages/records.js';
import { isVersionRefusal, THIS_SCHEMA, type Stored } from '../../../messages/versions.js';
import { subjects } from '../../../messages/subjects.js';
import type { ExternalReply } from '../../../messages/external-learner.js';
import type { JournalRecord } from '../../host/ports.js';
import { RecordInbox, type ExperienceSource } from '../record-inbox.js';
import { decodeCursor, encodeCursor, type Place } from './cursor.js';

/** Bytes of experience in one page; a message may have 1 MB. */
const PAGE_BYTES_MAX = 512 * 1024;

export type ExperiencePage = ExternalReply<'next'>;

export interface PageTally {
  /** Messages left out: counted before, out of chain, unreadable. */
  past: number;
  ahead: number;
  malformed: number;
  experiences: number;
}

export class ExperiencePages {
  readonly #source: ExperienceSource;
  readonly #clock: Clock;
  readonly #subject: string;
  readonly tally: PageTally = { past: 0, ahead: 0, malformed: 0, experiences: 0 };
  /** A reader that stands right behind the cursor given out last. */
  #reading: { readonly inbox: RecordInbox; readonly cursor: string } | undefined;
  #waitingAt: RecordInbox | undefined;
  #closed = false;
  readonly #wants: (decisionId: string) => boolean;

  /** `wants`: of which decisions the experience, and every correction of it, is for this reader. */
  constructor(
    source: ExperienceSource,
    clock: Clock,
    surface: string,
    wants: (decisionId: string) => boolean = () => true,
  ) {
    this.#wants = wants;
    this.#source = source;
    this.#clock = clock;
    this.#subject = subjects.experience(surface);
  }

  /** Records that are known to be waiting. */
  get waiting(): number {
    return this.#reading?.inbox.waiting ?? 0;
  }

  /**
   * What comes behind the cursor: at most `max` messages of the stream are looked at, of which those of the surface are
   * given. Rejects with InvalidRequest `CURSOR_INVALID`, or as the source does.
   */
  async next(cursor: string | null, max: number, waitMs: number): Promise<ExperiencePage> {
    const { identity } = await this.#source.info();
    const start = decodeCursor(cursor, identity);
    const inbox = this.#inboxAt(cursor, start.position);
    this.#waitingAt = inbox;
    if (this.#closed) inbox.close();
    try {
      const chunk = await inbox.next(max, waitMs);
      const page = this.#pageOf(identity, start, chunk.records);
      const whole = page.position === (chunk.records.at(-1)?.sequence ?? start.position);
      if (whole && !this.#closed) this.#reading = { inbox, cursor: page.cursor };
      else inbox.close();
      return { ...page, idle: chunk.idle && whole };
    } catch (error) {
      inbox.close();
      throw error;
    } finally {
      this.#waitingAt = undefined;
    }
  }

  /** For good; who waits for a page gets what is there. */
  close(): void {
    this.#closed = true;
    this.#waitingAt?.close();
    this.#reading?.inbox.close();
    this.#reading = undefined;
  }

  #inboxAt(cursor: string | null, position: number): RecordInbox {
    const reading = this.#reading;
    this.#reading = undefined;
    if (reading !== undefined && reading.cursor === cursor) return reading.inbox;
    reading?.inbox.close();
    return new RecordInbox(this.#source, this.#clock, position + 1);
  }

  #pageOf(identity: string, start: Place, records: readonly JournalRecord[]): Omit<ExperiencePage, 'idle'> {
    const { watermarks } = start;
    let { position } = start;
    let bytes = 0;
    const page: ExperiencePage['records'] = [];
    for (const record of records) {
      const isOurs = record.subject === this.#subject;
      if (isOurs && page.length > 0 && bytes + record.payload.length > PAGE_BYTES_MAX) break;
      // A hole is what trimming or an erasure left: some chain has lost a link there, and nobody knows which.
      if (record.sequence !== position + 1) watermarks.rejoin();
      position = record.sequence;
      const experience = this.#read(record, isOurs, watermarks);
      if (experience === undefined || !this.#wants(experience.decisionId)) continue;
      bytes += record.payload.length;
      this.tally.experiences++;
      page.push({ sequence: record.sequence, experience });
    }
    return { records: page, position, cursor: encodeCursor(identity, { position, watermarks }) };
  }

  /** Undefined for what is of another surface, was counted before or cannot be read. */
  #read({ payload }: JournalRecord, isOurs: boolean, watermarks: Place['watermarks']): Experience | undefined {
    const output = outputOf(payload);
    if (output === undefined) {
      this.tally.malformed++;
      return undefined;
    }
    // The chain runs over all surfaces, so every link of it is looked at.
    const verdict = watermarks.offer(output.chain);
    if (verdict !== 'next') {
      this.tally[verdict]++;
      return undefined;
    }
    if (!isOurs) return undefined;
    const experience = parseExperience(output.body);
    if (experience === undefined) this.tally.malformed++;
    return experience;
  }
}

function outputOf(payload: Uint8Array): ReturnType<typeof outputRecordSchema.parse> | undefined {
  try {
    const stored = THIS_SCHEMA.read('experience', parseBoundedJson(payload, JSON_BOUNDS.internal) as Stored);
    return outputRecordSchema.safeParse(stored).data;
  } catch (error) {
    if (isVersionRefusal(error)) throw error;
    return undefined;
  }
}
