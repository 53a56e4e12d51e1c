/** Gathers events and sends them in batches, one at a time, so that one subject's events stay in order. */
import { sleep, type Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import type { ApiClient, ApiEvent } from '../api-client.js';

const BATCH_MAX = 500;
/** Above it whoever adds has to wait. */
const WAITING_MAX = 5_000;
const LINGER_MS = 20;

export interface OutboxCounts {
  sent(accepted: number, rejected: number): void;
  failed(code: string): void;
}

export class Outbox {
  private waiting: ApiEvent[] = [];
  private sending: Promise<void> | undefined;

  constructor(
    private readonly api: Pick<ApiClient, 'send'>,
    private readonly clock: Clock,
    private readonly counts: OutboxCounts,
  ) {}

  /** Resolves at once, unless the outbox is full. */
  async add(events: readonly ApiEvent[]): Promise<void> {
    if (events.length === 0) return;
    this.waiting.push(...events);
    this.sending ??= this.drain();
    if (this.waiting.length > WAITING_MAX) await this.sending;
  }

  /** Resolves once everything added so far has been answered. */
  async flushed(): Promise<void> {
    while (this.sending !== undefined) await this.sending;
  }

  private async drain(): Promise<void> {
    try {
      while (this.waiting.length > 0) {
        await sleep(this.clock, LINGER_MS);
        await this.sendOne(this.waiting.splice(0, BATCH_MAX));
      }
    } finally {
      this.sending = undefined;
    }
  }

  /** What is refused is counted and not sent again: the demo's events are worth no more than a real app's. */
  private async sendOne(batch: readonly ApiEvent[]): Promise<void> {
    try {
      const { accepted, rejected } = await this.api.send(batch);
      this.counts.sent(accepted.length, rejected.length);
      for (const { code } of rejected) this.counts.failed(code);
    } catch (error) {
      this.counts.sent(0, batch.length);
      this.counts.failed(EngineError.from(error).code);
    }
  }
}
