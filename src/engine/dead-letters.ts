/** What was skipped or rejected, read from its stream, and tried again on request. */
import type { DeadLetter as LetterBody } from '../actors/host/fold.js';
import type { DeadLetter, DeadLetters } from '../gateway/ports.js';
import { EngineError } from '../kernel/errors.js';
import type { OutputRecord } from '../messages/records.js';
import { streams, subjects } from '../messages/subjects.js';
import type { RoutedActorClient } from './actor-client.js';
import type { Attachment } from './attachment.js';

const REDRIVE_DEADLINE_MS = 5_000;
/** How far back a listing looks. */
const SCAN_MAX = 10_000;

export class StreamDeadLetters implements DeadLetters {
  constructor(
    private readonly attachment: Attachment,
    private readonly actors: RoutedActorClient,
  ) {}

  async list(query: { readonly partition?: number; readonly limit: number }): Promise<readonly DeadLetter[]> {
    const letters: DeadLetter[] = [];
    await this.scan((letter) => {
      if (query.partition === undefined || letter.partition === query.partition) letters.push(letter);
      return letters.length >= query.limit;
    });
    return letters;
  }

  async redrive(partition: number, sequence: number, by: string): Promise<{ readonly token: string }> {
    let found: DeadLetter | undefined;
    await this.scan((letter) => {
      if (letter.partition === partition && letter.sequence === sequence) found = letter;
      return found !== undefined;
    });
    if (!found) {
      throw new EngineError('NotFound', 'DEAD_LETTER_UNKNOWN', `There is no dead letter ${partition}/${sequence}.`);
    }
    const { subject, payload, atMs } = found;
    const answer = await this.actors.remote(
      subjects.partitionItself(partition, 'redrive'),
      { sequence, subject, payload, atMs, by },
      REDRIVE_DEADLINE_MS,
    );
    return { token: (answer as { token: string }).token };
  }

  /** Newest first, until `visit` has enough. An output sent twice shows once: by its place of origin. */
  private async scan(visit: (letter: DeadLetter) => boolean): Promise<void> {
    const { jsm } = this.attachment;
    const { state } = await jsm.streams.info(streams.deadLetter);
    const seen = new Set<string>();
    const oldest = Math.max(state.first_seq, state.last_seq - SCAN_MAX);
    for (let sequence = state.last_seq; sequence >= oldest && sequence > 0; sequence--) {
      const stored = await jsm.streams.getMessage(streams.deadLetter, { seq: sequence });
      if (!stored) continue;
      const { body, at } = JSON.parse(Buffer.from(stored.data).toString('utf8')) as OutputRecord & { body: LetterBody };
      const place = `${body.partition}/${body.sequence}`;
      if (seen.has(place)) continue;
      seen.add(place);
      const { partition, subject, reason, payload } = body;
      if (visit({ partition, sequence: body.sequence, subject, reason, payload, atMs: at })) return;
    }
  }
}
