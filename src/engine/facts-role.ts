/** The sink from the journals into PostgreSQL, and what goes with it; runs in a thread of its own (facts-thread.ts). */
import type { KeyValue } from '../actors/host/ports.js';
import { NatsStreamSource } from '../actors/nats/stream-source.js';
import { systemClock } from '../kernel/clock.js';
import type { Logger } from '../kernel/logger.js';
import type { UnreadableCounts } from '../kernel/read-json.js';
import { streams } from '../messages/subjects.js';
import { FactStore } from '../store/fact-store.js';
import { FactsSink, type SinkStatus } from '../store/sink/facts-sink.js';
import type { VerdictStore } from '../actors/learner/verdict-store.js';
import type { ArtifactStore } from '../policies/registry/artifact-store.js';
import type { ClusterAccess } from './attachment.js';
import { experienceKey, FLOOR_EVERY_MS, FLOOR_KEY } from './facts-floor.js';
import { startRegistrar } from './registrar.js';

/** The sink shares its processor with decisions: it takes what they leave rather than all at once. */
const SINK_ROWS_PER_SECOND_MAX = 20_000;

export interface FactsRole {
  status(): SinkStatus | undefined;
  /** What it could not read, since the process was started. */
  unreadable(): UnreadableCounts;
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
    unreadable: () => link.unreadable.counts(),
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
    const experience = await store.facts.experiencePosition();
    const floor = {
      ...Object.fromEntries(positions.map(({ partition, sequence }) => [partition, sequence])),
      ...(experience === undefined ? {} : { [experienceKey(experience.identity)]: experience.sequence }),
    };
    const stored = await constants.get(FLOOR_KEY);
    await constants.put(FLOOR_KEY, Buffer.from(JSON.stringify(floor)), stored?.revision ?? 0);
  } catch (error) {
    log.debug('the facts floor could not be announced', { error });
  }
}
