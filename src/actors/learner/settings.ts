import { z } from 'zod';
import { ARTIFACT_BYTES_MAX } from '../../policies/artifact.js';
import { gateSettingsSchema } from '../../learners/promotion/index.js';

const durationMs = z.number().int().positive();

/** One learner, as configured. All durations are milliseconds. */
export const learnerSettingsSchema = z
  .strictObject({
    /** Names its lease, its checkpoint and its address `attune.learner.<id>.view`. */
    id: z.string().min(1).max(128),
    /**
     * A built-in kind, where the plug-in's module is (see learners/plugin-registry.ts), or `external`: a process of its own
     * learns, and is served by requests (see external/desk.ts). Of what follows, `config`, `seed`, `gate` and `artifactBytesMax`
     * concern that one, and `batchSize` times `publishEvery`: how often its gate is saved.
     */
    kind: z.string().min(1),
    surface: z.string().min(1).max(64),
    /** Id of the policy that it publishes. */
    policy: z.string().min(1).max(128),
    /** The plug-in's own configuration. */
    config: z.unknown().optional(),
    /** Seeds the learner's generator; it counts only where there is no checkpoint. */
    seed: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).default(1),
    /** A batch is this many consecutive sequences of the experience stream. */
    batchSize: z.number().int().min(1).max(4096).default(64),
    /** Publish after so many batches, or once there is nothing left to read, but not more often than `publishMinMs`. */
    publishEvery: z.number().int().min(1).max(10_000).default(8),
    publishMinMs: durationMs.default(2_000),
    /** Where it is given, a new version goes live only if it passes (see learners/promotion); `{}` for the defaults. */
    gate: gateSettingsSchema.optional(),
    /**
     * Bytes of the parameters that an `external` learner may publish. Every process that decides opens them beside its decisions
     * and keeps them in memory, so that it should be no larger than its policies need.
     */
    artifactBytesMax: z
      .number()
      .int()
      .min(1024)
      .max(ARTIFACT_BYTES_MAX)
      .default(2 * 1024 * 1024),
    /** How long folding one batch may take before the worker is terminated. */
    updateDeadlineMs: durationMs.default(10_000),
    /** Pause before the first restart after a failure; doubled on each further one up to `restartMaxMs`. */
    restartMs: durationMs.default(1_000),
    restartMaxMs: durationMs.default(60_000),
    /** Heap of the worker, in megabytes; over it the worker is ended and the learner degraded. */
    heapMbMax: z.number().int().min(16).max(16_384).default(512),
  })
  .readonly();
export type LearnerSettings = z.infer<typeof learnerSettingsSchema>;
