/** The sink from the journals into PostgreSQL, and what goes with it; runs in a thread of its own (facts-thread.ts). */
import type { KeyValue, Stored } from '../actors/host/ports.js';
import { z } from 'zod';
import { NatsStreamSource } from '../actors/nats/stream-source.js';
import { systemClock } from '../kernel/clock.js';
import type { UnreadableBook } from '../kernel/read-json.js';
import type { Logger } from '../kernel/logger.js';
import { streams } from '../messages/subjects.js';
import { FactStore } from '../store/fact-store.js';
import { FactsSink, type SinkStatus } from '../store/sink/facts-sink.js';
import type { VerdictStore } from '../actors/learner/verdict-store.js';
import type { ArtifactStore } from '../policies/registry/artifact-store.js';
import type { ClusterAccess } from './attachment.js';
import { startRegistrar } from './registrar.js';

/** Where the sink stands, for hosts that trim journals: they may not reach the database. */
const FLOOR_KEY = 'facts-floor';
const FLOOR_EVERY_MS = 10_000;
const WARN_EVERY_MS = 60_000;
/** The sink shares its processor with decisions: it takes what they leave rather than all at once. */
const SINK_ROWS_PER_SECOND_MAX = 20_000;

export interface FactsRole {
  status(): SinkStatus | undefined;
  stop(): Promise<void>;
}

export interface FactsRoleOptions {
  readonly url: string;
  readonly source: ClusterAccess;
  readonly artifacts: ArtifactStore;
  readonly verdicts: VerdictStore;
  readonly partitions: number;
  readonly log: Logger;
}

export function startFacts({ url, source, artifacts, verdicts, partitions, log }: FactsRoleOptions): FactsRole {
  const { cluster, link, jsm } = source;
  const store = new FactStore({ url });
  const sink = new FactsSink({
    sources: {
      partitions,
      journal: (partition) => cluster.journal(partition),
      experience: new NatsStreamSource(link, jsm, streams.experience),
    },
    writer: store.writer,
    clock: systemClock,
    limits: { rowsPerSecondMax: SINK_ROWS_PER_SECOND_MAX },
    onState: ({ state, reason, refused }) => log.info('facts sink', { state, reason, refused }),
  });
  sink.start();
  const timer = setInterval(() => void announceFloor(store, cluster.constants, log), FLOOR_EVERY_MS);
  const stopRegistrar = startRegistrar({
    registry: store.registry,
    migrated: () => store.migrate(),
    source,
    artifacts,
    verdicts,
    log,
  });
  return {
    status: () => sink.status(),
    stop: async () => {
      clearInterval(timer);
      await stopRegistrar();
      await sink.stop();
      await store.close();
    },
  };
}

async function announceFloor(store: FactStore, constants: KeyValue, log: Logger): Promise<void> {
  try {
    const positions = await store.facts.positions();
    const floor = Object.fromEntries(positions.map(({ partition, sequence }) => [partition, sequence]));
    const stored = await constants.get(FLOOR_KEY);
    await constants.put(FLOOR_KEY, Buffer.from(JSON.stringify(floor)), stored?.revision ?? 0);
  } catch (error) {
    log.debug('the facts floor could not be announced', { error });
  }
}

const floorSchema = z.record(z.string(), z.number().int().nonnegative());

/**
 * Up to where journals may be trimmed for the facts' sake: the sink's announced position. Where facts are expected,
 * nothing is trimmed before a sink was heard of, and it is said aloud again and again; where they are not, and none was
 * ever announced, nothing waits for one.
 */
export class FactsFloor {
  private floor: Readonly<Record<string, number>> | undefined;
  private hasLooked = false;
  private saidAtMs = -Infinity;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly constants: Pick<KeyValue, 'get'>,
    private readonly isExpected: boolean,
    private readonly unreadable: UnreadableBook,
    private readonly log: Pick<Logger, 'warn'>,
  ) {
    void this.refresh();
    this.timer = setInterval(() => void this.refresh(), FLOOR_EVERY_MS);
  }

  of(partition: number): number {
    // Until it is known whether there is a sink, nothing may be trimmed.
    if (!this.hasLooked) return 0;
    if (this.floor === undefined) return this.isExpected ? 0 : Infinity;
    return this.floor[partition] ?? 0;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Never rejects. */
  async refresh(): Promise<void> {
    let stored: Stored | undefined;
    try {
      stored = await this.constants.get(FLOOR_KEY);
    } catch {
      return;
    }
    if (stored) {
      const floor = this.unreadable.read('facts-floor', FLOOR_KEY, stored.value, floorSchema);
      // What cannot be read says nothing: the last floor that could stands, and without one nothing is trimmed.
      if (floor === undefined)
        return this.say('the facts floor cannot be read; journals are not trimmed past the last');
      this.floor = floor;
    } else if (this.isExpected) {
      this.say('no facts sink was ever announced: journals keep everything (storage.facts in the configuration)');
    }
    this.hasLooked = true;
  }

  private say(what: string): void {
    if (performance.now() - this.saidAtMs < WARN_EVERY_MS) return;
    this.saidAtMs = performance.now();
    this.log.warn(what);
  }
}
