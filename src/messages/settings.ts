/**
 * The part of the configuration that folds depend on. It is journaled with every barrier, so that a replay on any
 * host, under any local configuration, computes the same state. All durations are milliseconds.
 */
import { z } from 'zod';
import { episodeSettingsSchema, rewardSettingsSchema } from './rewards.js';

const durationMs = z.number().int().positive();
const cents = z.number().int().nonnegative().max(1_000_000);

/** A time zone written out: no fold depends on what the Node build that folds knows of time zones. */
const timeZoneSchema = z
  .strictObject({
    /** IANA name, for people. */
    name: z.string(),
    /** From which UTC hour since the epoch on clocks are so many minutes ahead of UTC; the first one also holds before. */
    offsets: z
      .array(z.tuple([z.number().int(), z.number().min(-1440).max(1440)]).readonly())
      .min(1)
      .readonly(),
  })
  .readonly();
export type TimeZone = z.infer<typeof timeZoneSchema>;

export const UTC: TimeZone = { name: 'UTC', offsets: [[0, 0]] };

export const foldSettingsSchema = z
  .strictObject({
    partitions: z.number().int().min(1).max(1024),
    /** Resolution of zone cells (h3). */
    h3Resolution: z.number().int().min(0).max(15),
    /** In which hours of the week are counted. */
    timeZone: timeZoneSchema,
    events: z
      .strictObject({
        /** An event's own time is kept within [fold time − past, fold time + future]. */
        pastMaxMs: durationMs,
        futureMaxMs: durationMs,
        /** Events remembered per actor, those with the latest times; of what came before them nothing is known. */
        dedupePerActor: z.number().int().min(1).max(4096),
      })
      .readonly(),
    user: z
      .strictObject({
        sessionIdleMs: durationMs,
        /** Decisions awaiting their reward, per user; the oldest is closed as censored above it. */
        pendingMax: z.number().int().min(1).max(256),
        /** Closed decisions per user that a late signal can still correct; the oldest is forgotten above it. */
        correctableMax: z.number().int().min(0).max(256).default(16),
        /** Remembered requestIds per user. */
        requestIdsMax: z.number().int().min(1).max(1024),
        recentZonesMax: z.number().int().min(0).max(16),
        /** A driver of whom nothing was heard for so long is off duty. */
        dutyTimeoutMs: durationMs,
        fatigue: z
          .strictObject({
            halfLifeMs: durationMs,
            /** Above it the user is in cool-down and only gets what is not subject to fatigue. */
            threshold: z.number().positive(),
            coolDownMs: durationMs,
          })
          .readonly(),
      })
      .readonly(),
    zone: z
      .strictObject({
        /** Half-life of the decayed windows of pickups and requests. */
        halfLifeMs: durationMs,
        /** demand/supply above `enter` is undersupplied, below 1/enter oversupplied; back in balance within `leave`. */
        enterRatio: z.number().gt(1),
        leaveRatio: z.number().gt(1),
        /** Smoothing of expected demand per hour of week, in (0, 1]. */
        learningRate: z.number().gt(0).max(1),
        /** Cents that a driver is offered on top for going there, by the zone's mode. */
        incentiveCents: z.strictObject({ balanced: cents, undersupplied: cents, oversupplied: cents }).readonly(),
      })
      .readonly(),
    campaign: z
      .strictObject({
        /** A partition's first allotment is budget / (partitions × this), but at least one unit. */
        initialShare: z.number().positive(),
        /** How long a hold outlives the offer's validUntil. */
        holdGraceMs: durationMs,
        /** Campaigns that may be scheduled or have been launched and not have ended, as far as a partition has heard. */
        openMax: z.number().int().min(1).max(1_000_000).default(25_000),
      })
      .readonly(),
    /** By surface. */
    rewards: z.record(z.string(), rewardSettingsSchema),
    episodes: z.record(z.string(), episodeSettingsSchema).default({}),
  })
  .readonly();

export type FoldSettings = z.infer<typeof foldSettingsSchema>;
export type { EpisodeSettings, RewardSettings, SignalSettings } from './rewards.js';

/** Built-in values, used by tests and as the defaults of config/default.yaml. */
export const DEFAULT_FOLD_SETTINGS: FoldSettings = foldSettingsSchema.parse({
  partitions: 16,
  h3Resolution: 8,
  timeZone: UTC,
  events: { pastMaxMs: 7 * 86_400_000, futureMaxMs: 5 * 60_000, dedupePerActor: 4096 },
  user: {
    sessionIdleMs: 30 * 60_000,
    pendingMax: 32,
    requestIdsMax: 64,
    recentZonesMax: 4,
    dutyTimeoutMs: 2 * 3_600_000,
    fatigue: { halfLifeMs: 6 * 3_600_000, threshold: 20, coolDownMs: 3_600_000 },
  },
  zone: {
    halfLifeMs: 15 * 60_000,
    enterRatio: 1.5,
    leaveRatio: 1.2,
    learningRate: 0.3,
    incentiveCents: { balanced: 0, undersupplied: 0, oversupplied: 0 },
  },
  campaign: { initialShare: 4, holdGraceMs: 60_000 },
  rewards: {},
});

/** What an operator may set of them in the configuration; partitions belong to the cluster, rewards and episodes to surfaces. */
const foldConfigSchema = foldSettingsSchema
  .unwrap()
  .omit({ partitions: true, rewards: true, episodes: true })
  /** IANA zone. */
  .extend({ timeZone: z.string() })
  .readonly();
export type FoldConfig = z.infer<typeof foldConfigSchema>;

/** The section `fold` of the configuration, for loadConfig. */
export const FOLD_CONFIG: { readonly schema: z.ZodType<FoldConfig>; readonly defaults: FoldConfig } = (() => {
  const {
    partitions: _partitions,
    rewards: _rewards,
    episodes: _episodes,
    timeZone,
    ...defaults
  } = DEFAULT_FOLD_SETTINGS;
  return { schema: foldConfigSchema, defaults: { ...defaults, timeZone: timeZone.name } };
})();
