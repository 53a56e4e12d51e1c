/** What was skipped or rejected, read from its stream, and tried again on request. */
import { z } from 'zod';
import { readStored } from '../actors/nats/stored-messages.js';
import {
  REDRIVE_OUTCOMES,
  type DeadLetter,
  type DeadLetterPage,
  type DeadLetterQuery,
  type DeadLetters,
  type RedriveAnswer,
} from '../gateway/ports.js';
import { EngineError } from '../kernel/errors.js';
import type { UnreadableBook } from '../kernel/read-json.js';
import { streams, subjects } from '../messages/subjects.js';
import type { RoutedActorClient } from './actor-client.js';
import type { Attachment } from './attachment.js';

const REDRIVE_DEADLINE_MS = 5_000;
/** A listing reads so many of the newest at a time, and so many times at most: letters may have 88 KB each. */
const WINDOW = 256;
const WINDOWS_MAX = 4;
const LISTINGS_MAX = 2;
/** A try is a record of the journal with the original in it, as base64. */
const REDRIVEN_CHARACTERS_MAX = 256 * 1024;

const letterSchema = z.object({
  at: z.number(),
  body: z.object({
    partition: z.number(),
    sequence: z.number(),
    subject: z.string(),
    reason: z.string(),
    payload: z.string(),
    truncated: z.boolean().default(false),
  }),
});

/** An owner's; one that was void is told as `STALE_OWNER`, and a gap there is none, since no chain is looked at. */
const answerSchema = z.object({
  token: z.string(),
  outcome: z.enum(REDRIVE_OUTCOMES),
  reason: z.string().exactOptional(),
});

export class StreamDeadLetters implements DeadLetters {
  private listings = 0;

  constructor(
    private readonly attachment: Pick<Attachment, 'link' | 'jsm'>,
    private readonly actors: Pick<RoutedActorClient, 'remote'>,
  ) {}

  async list(query: DeadLetterQuery): Promise<DeadLetterPage> {
    if (this.listings >= LISTINGS_MAX) {
      const message = `More than ${LISTINGS_MAX} listings of dead letters are under way.`;
      throw new EngineError('Overloaded', 'OVERLOADED', message, { retryAfterMs: 1_000 });
    }
    this.listings++;
    try {
      return await this.read(query);
    } finally {
      this.listings--;
    }
  }

  async redrive(partition: number, sequence: number, by: string): Promise<RedriveAnswer> {
    const { jsm, link } = this.attachment;
    const stored = await jsm.streams.getMessage(streams.deadLetter, {
      last_by_subj: subjects.deadLetter(partition, sequence),
    });
    const found = stored === null ? undefined : letterOf(link.unreadable, stored.data, stored.seq);
    if (!found) {
      throw new EngineError('NotFound', 'DEAD_LETTER_UNKNOWN', `There is no dead letter ${partition}/${sequence}.`);
    }
    const { subject, atMs } = found;
    const payload = found.truncated ? await this.wholeOf(found) : found.payload;
    if (payload.length > REDRIVEN_CHARACTERS_MAX) {
      const most = (REDRIVEN_CHARACTERS_MAX / 4) * 3;
      const message = `The record ${partition}/${sequence} is larger than ${most} bytes; its sender may send it again.`;
      throw new EngineError('InvalidRequest', 'DEAD_LETTER_TOO_LARGE', message);
    }
    const answer = await this.actors.remote(
      subjects.partitionItself(partition, 'redrive'),
      { sequence, subject, payload, atMs, by },
      REDRIVE_DEADLINE_MS,
    );
    return answerSchema.parse(answer);
  }

  /** The payload of a letter that has only its beginning, as its journal still has it. */
  private async wholeOf({ partition, sequence, subject, payload }: DeadLetter): Promise<string> {
    const record = await this.attachment.jsm.streams.getMessage(streams.journal(partition), { seq: sequence });
    const whole = record === null || record.subject !== subject ? undefined : Buffer.from(record.data);
    // A journal that was made anew has another record at this place.
    const begun = Buffer.from(payload, 'base64');
    if (whole?.subarray(0, begun.length).equals(begun)) return whole.toString('base64');
    const message = `The letter ${partition}/${sequence} has the beginning of its record, and the journal no longer has the rest.`;
    throw new EngineError('Conflict', 'DEAD_LETTER_TRIMMED', message);
  }

  /** An output sent twice shows once: by its place of origin. What is no letter is passed over. */
  private async read({ partition, limit, before }: DeadLetterQuery): Promise<DeadLetterPage> {
    const { link, jsm } = this.attachment;
    const { state } = await jsm.streams.info(streams.deadLetter);
    const filter = `attune.deadletter.${partition ?? '*'}.*`;
    const letters = new Map<string, DeadLetter>();
    // The newest of a partition may lie behind thousands of others.
    const newest =
      partition === undefined
        ? state.last_seq
        : ((await jsm.streams.getMessage(streams.deadLetter, { last_by_subj: filter }))?.seq ?? 0);
    let to = Math.min(newest, (before ?? Infinity) - 1);
    for (let windows = 0; windows < WINDOWS_MAX && letters.size < limit && to >= state.first_seq && to > 0; windows++) {
      const from = Math.max(state.first_seq, to - WINDOW + 1);
      const found = await readStored(
        link,
        jsm,
        { stream: streams.deadLetter, filter, from, to },
        (message, { sequence }) => letterOf(link.unreadable, message.data, sequence),
      );
      for (const letter of found.reverse()) {
        const place = letter && `${letter.partition}/${letter.sequence}`;
        if (place !== undefined && !letters.has(place)) letters.set(place, letter!);
      }
      to = from - 1;
    }
    const deadLetters = [...letters.values()].slice(0, limit);
    const next = letters.size > limit ? deadLetters.at(-1)!.cursor! : to + 1;
    // With no letters at all the first of the stream is the one that comes next.
    return next > Math.max(state.first_seq, 1) ? { deadLetters, next } : { deadLetters };
  }
}

function letterOf(unreadable: UnreadableBook, bytes: Uint8Array, cursor: number): DeadLetter | undefined {
  const letter = unreadable.read('dead-letter', `${cursor}`, bytes, letterSchema);
  return letter && { ...letter.body, atMs: letter.at, cursor };
}
