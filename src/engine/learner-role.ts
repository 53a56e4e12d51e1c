/** The learners of a process. */
import type { ArtifactOpener } from '../actors/artifacts/opener.js';
import type { Keeper } from '../actors/keeper/keeper.js';
import { EXTERNAL_KIND } from '../actors/learner/external/checkpoint.js';
import { LearnerHost } from '../actors/learner/learner-host.js';
import type { NatsLearnerPorts } from '../actors/learner/nats-learner-ports.js';
import type { DeclaredLearner } from '../actors/learner/stream-places.js';
import type { LearnerStatus } from '../actors/learner/status.js';
import { systemClock } from '../kernel/clock.js';
import type { Logger } from '../kernel/logger.js';
import type { Surfaces } from '../surfaces/load-surfaces.js';
import type { Attachment } from './attachment.js';
import type { EngineConfig } from './world.js';

export interface LearnerRoleOptions {
  readonly config: EngineConfig;
  readonly hostId: string;
  readonly attachment: Attachment;
  readonly keeper: Keeper;
  readonly ports: NatsLearnerPorts;
  readonly opener: ArtifactOpener;
  readonly surfaces: Surfaces;
  readonly log: Logger;
}

export interface LearnerRole {
  status(): readonly LearnerStatus[];
  /** Ends all learners and gives their leases back. */
  stop(): Promise<void>;
}

/** What the experience stream is kept for: every learner of the configuration, whichever process runs it. */
export const declaredLearners = (learners: EngineConfig['learners']): DeclaredLearner[] =>
  learners.map(({ id, kind, ...settings }) => ({
    id,
    // The evidence of a gate is in the learner's own checkpoint, unless that is another process's.
    hasOwnGate: kind === EXTERNAL_KIND && settings['gate'] !== undefined,
  }));

/** Throws Configuration `LEARNERS_INVALID` with every problem of every learner. */
export async function startLearners({
  config,
  hostId,
  attachment,
  keeper,
  ports,
  opener,
  surfaces,
  log,
}: LearnerRoleOptions): Promise<LearnerRole> {
  const learners = new LearnerHost({
    learners: config.learners,
    hostId,
    source: ports.source,
    artifacts: ports.artifacts,
    opener,
    surfaces,
    checkpoints: ports.checkpoints,
    verdicts: ports.verdicts,
    views: ports.views,
    keeper,
    leaseTtlMs: config.cluster.leaseTtlMs,
    clock: systemClock,
    writes: () => attachment.versions.current.schema,
    onMode: ({ id, mode, version, runtime, reason }) =>
      log.info('learner', { learner: id, mode, version, runtime, reason }),
  });
  await learners.start();
  return learners;
}
