/**
 * Trims the experience stream where it fills: as far as every learner and the facts sink have read it for good. Ages and
 * limits are configuration; this only keeps a full stream from shutting events out until its oldest are of age. It needs no
 * lease, since what has been passed is never read again: any process may do it, and several at a time.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import type { KeyValue } from '../actors/host/ports.js';
import { slowestPlace, type DeclaredLearner } from '../actors/learner/stream-places.js';
import { journalInfoOf } from '../actors/nats/stream-info.js';
import type { Clock } from '../kernel/clock.js';
import type { Logger } from '../kernel/logger.js';
import { streams } from '../messages/subjects.js';

/** From this share of its limit on; at three quarters events are shut out. */
const TRIMS_FROM = 0.6;
const LOOK_MS = 2_000;
const WARN_EVERY_MS = 60_000;

export interface ExperienceTrimOptions {
  readonly jsm: Pick<JetStreamManager, 'streams'>;
  /** The bucket that has the pointers to learners' checkpoints. */
  readonly pointers: Pick<KeyValue, 'get' | 'keys'>;
  readonly declared: readonly DeclaredLearner[];
  /** What a learner that nobody here declares is remembered for since its last checkpoint: experience is no older. 0: for ever. */
  readonly keptMs: number;
  /** Last sequence of the stream of that identity that the facts sink needs no more; Infinity where there is none. */
  readonly factsPosition: (identity: string) => number;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

export class ExperienceTrim {
  private cancel: (() => void) | undefined;
  private stopped = false;
  private saidAtMs = -Infinity;

  constructor(private readonly options: ExperienceTrimOptions) {}

  start(): void {
    if (this.stopped) return;
    this.cancel = this.options.clock.after(LOOK_MS, () => void this.look().finally(() => this.start()));
  }

  stop(): void {
    this.stopped = true;
    this.cancel?.();
  }

  /** Trims what may be trimmed, if the stream fills. Never rejects. */
  async look(): Promise<void> {
    const { jsm, pointers, declared, keptMs, factsPosition, clock, log } = this.options;
    try {
      const info = await jsm.streams.info(streams.experience);
      const { max_bytes: limit } = info.config;
      const { bytes } = info.state;
      if (limit <= 0 || bytes < TRIMS_FROM * limit) return;
      const { identity, firstSequence, lastSequence } = journalInfoOf(info);
      const learners = await slowestPlace(pointers, declared, identity, { nowMs: clock.nowMs(), keptMs });
      const facts = factsPosition(identity);
      // Purging past the tail would move the tail itself.
      const passed = Math.min(learners.position, facts, lastSequence);
      if (passed >= firstSequence) {
        await jsm.streams.purge(streams.experience, { seq: passed + 1 });
        log.info('the experience stream fills and was trimmed', { to: passed, bytes, limit });
      } else {
        const heldBy = learners.position <= facts ? (learners.heldBy ?? 'no learner') : 'the facts sink';
        const what = 'the experience stream fills and cannot be trimmed: somebody has not read it yet';
        this.say(what, { heldBy, bytes, limit });
      }
    } catch (error) {
      this.say('the experience stream could not be looked after', { error: String(error) });
    }
  }

  /** Not at every look: what is wrong stays so for a while. */
  private say(what: string, fields: Record<string, unknown>): void {
    const nowMs = this.options.clock.monotonicMs();
    if (nowMs - this.saidAtMs < WARN_EVERY_MS) return;
    this.saidAtMs = nowMs;
    this.options.log.warn(what, fields);
  }
}
