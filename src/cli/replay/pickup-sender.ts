/** Sends pickups through the public event path, each under an id of its own, and counts what became of them. */
import { sleep, type Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import type { ApiClient, ApiEvent, IngestAnswer, RejectedEvent } from '../api-client.js';
import type { Pickup } from './timetable.js';

/**
 * A batch that has to be repeated must be recognised: zones remember `fold.events.dedupePerActor` event ids (4,096 unless
 * configured), and all of a batch may fall into one zone.
 */
export const BATCH_MAX = 50;
const ATTEMPTS_MAX = 20;
const RETRY_MS = 250;
/** Rejections kept with their reason; further ones are only counted. */
const REJECTIONS_KEPT_MAX = 1000;

export interface RejectedPickup {
  /** Row of the file. */
  readonly row: number;
  readonly code: string;
  readonly message: string;
}

export interface SendTotals {
  accepted: number;
  rejected: number;
  /** Sent again because the first time was refused for now, or its outcome stayed unknown. */
  repeated: number;
  readonly rejections: RejectedPickup[];
}

export class PickupSender {
  readonly totals: SendTotals = { accepted: 0, rejected: 0, repeated: 0, rejections: [] };

  constructor(
    private readonly api: Pick<ApiClient, 'send'>,
    /** CloudEvents source: with the row number it names an event for good. */
    private readonly source: string,
    private readonly clock: Clock,
  ) {}

  /** At most BATCH_MAX pickups; resolves to those accepted. Rejects once ATTEMPTS_MAX attempts have failed. */
  async send(pickups: readonly Pickup[]): Promise<readonly Pickup[]> {
    const accepted: Pickup[] = [];
    let left = pickups;
    for (let attempt = 1; left.length > 0; attempt++) {
      const answer = await this.attempt(left);
      if (!(answer instanceof EngineError)) {
        const again = new Set<number>();
        const refused = new Set<number>();
        for (const rejected of answer.rejected) {
          if (isTransient(rejected)) again.add(rejected.index);
          else this.refuse(left[rejected.index]!, rejected, refused);
        }
        accepted.push(...left.filter((_, i) => !again.has(i) && !refused.has(i)));
        left = left.filter((_, i) => again.has(i));
      }
      if (left.length === 0) break;
      if (attempt === ATTEMPTS_MAX) throw answer instanceof EngineError ? answer : notTaken(answer);
      this.totals.repeated += left.length;
      await sleep(this.clock, RETRY_MS);
    }
    this.totals.accepted += accepted.length;
    return accepted;
  }

  private async attempt(pickups: readonly Pickup[]): Promise<IngestAnswer | EngineError> {
    try {
      return await this.api.send(pickups.map((pickup) => this.eventOf(pickup)));
    } catch (error) {
      const known = EngineError.from(error);
      if (known.disposition === 'retry') return known;
      throw known;
    }
  }

  private eventOf({ row, timeMs, cell }: Pickup): ApiEvent {
    return {
      id: String(row),
      source: this.source,
      type: 'pickup',
      subject: `zone/${cell}`,
      time: new Date(timeMs).toISOString(),
    };
  }

  private refuse({ row }: Pickup, { index, code, message }: RejectedEvent, refused: Set<number>): void {
    refused.add(index);
    this.totals.rejected++;
    if (this.totals.rejections.length < REJECTIONS_KEPT_MAX) this.totals.rejections.push({ row, code, message });
  }
}

/** Worth sending again: what was wrong was not the event. */
const isTransient = ({ code }: RejectedEvent): boolean =>
  code.startsWith('JOURNAL_') || code === 'RATE_LIMITED' || code === 'OVERLOADED';

function notTaken({ rejected }: IngestAnswer): EngineError {
  const first = rejected.find(isTransient)!;
  return new EngineError(
    'Dependency',
    first.code,
    `Events are still not taken after ${ATTEMPTS_MAX} attempts: ${first.message}`,
  );
}
