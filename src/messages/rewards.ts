/**
 * What a surface's feedback is worth, as declared. Exact semantics, for an event folded `age` milliseconds after its
 * decision was folded (fold time, so that no sender can shift it):
 *
 * 1. It counts if `afterMs` ≤ age, and age < `withinMs` (where given) and age < the surface's `windowMs`. What comes
 *    after the window and before `windowMs` + `correctionMs` counts for a correction instead.
 * 2. It is worth `value`; or with `map` `value`·map[data.kind], `map['*']` for kinds that are not listed; or with
 *    `perUnit` `value`·f, where x = (data.value − `center`) / `scale` and f is x, or sign(x)·ln(1 + |x|) for
 *    `transform: log`, or x / (|x| + half) for `transform: {saturate: {half}}` (within ±1, and ±½ at |x| = half), then
 *    kept within ±`cap`. An event without the number or the kind that it is measured by is worth nothing.
 * 3. That is multiplied by 2^(−age/`halfLifeMs`), where given, and kept within ± the width of what the surface pays:
 *    the largest of `max` − `min`, |`min`| and |`max`|. So no single signal drowns the others in a sum.
 * 4. The signals of one decision combine by `combine`: the largest, the sum, or the one folded last. That is its reward. With
 *    `credit: item` the signals of each item combine alike, and that is what the item earned; a signal that names no item is
 *    that of the item accepted last or, where none was yet, the first one's; an accept that names none accepts the first. With `credit: slate` the reward is earned by the slate together, and each item that a policy chose has
 *    all of it: for signals that say something of the whole, such as a trip after a page of places.
 * 5. What results is clamped into [`min`, `max`]; a decision without any signal has reward clamp(0).
 */
import { z } from 'zod';

const durationMs = z.number().int().positive();
const amount = z.number().min(-1e9).max(1e9);
const positive = z.number().min(1e-9).max(1e9);

const signalSchema = z
  .strictObject({
    value: amount,
    /** Multiplies by `data.value`, after the steps below. */
    perUnit: z.boolean().default(false),
    center: amount.optional(),
    scale: positive.optional(),
    transform: z
      .union([z.enum(['linear', 'log']), z.strictObject({ saturate: z.strictObject({ half: positive }) })])
      .optional(),
    cap: positive.optional(),
    /** `data.kind` → factor, such as the kinds of a reaction; `*` stands for any other. */
    map: z
      .record(z.string().min(1).max(64), amount)
      .refine((map) => Object.keys(map).length >= 1 && Object.keys(map).length <= 64, 'must have 1 to 64 kinds')
      .optional(),
    /** The signal's own part of the attribution window, from the decision on. */
    afterMs: z.number().int().nonnegative().optional(),
    withinMs: durationMs.optional(),
    halfLifeMs: durationMs.optional(),
  })
  .superRefine((signal, ctx) => {
    const fail = (field: string, message: string): void => {
      ctx.addIssue({ code: 'custom', path: [field], message });
    };
    for (const field of ['center', 'scale', 'transform', 'cap'] as const)
      if (signal[field] !== undefined && !signal.perUnit) fail(field, 'needs perUnit: true');
    if (signal.map !== undefined && signal.perUnit) fail('map', 'excludes perUnit');
    if (signal.withinMs !== undefined && (signal.afterMs ?? 0) >= signal.withinMs)
      fail('withinMs', 'must be above afterMs');
  })
  .readonly();
export type SignalSettings = z.infer<typeof signalSchema>;

/** How several signals of one decision combine. */
export const COMBINES = ['max', 'sum', 'last'] as const;
export type Combine = (typeof COMBINES)[number];

/** What is earned with one more signal; `before` is null where this is the first. */
export function combineRewards(before: number | null, signal: number, combine: Combine): number {
  if (before === null || combine === 'last') return signal;
  return combine === 'sum' ? before + signal : Math.max(before, signal);
}

export const rewardSettingsSchema = z
  .strictObject({
    /** How long after the decision an event still counts for it. */
    windowMs: durationMs,
    /** Event type → what it is worth. */
    signals: z.record(z.string(), signalSchema),
    combine: z.enum(COMBINES).default('max'),
    /** Whether each item of a slate earns what its own signals are worth, or all of them what the slate earned. */
    credit: z.enum(['item', 'slate']).default('item'),
    /** Rewards are clamped into [min, max]. */
    min: z.number().default(0),
    max: z.number().default(1),
    /** Whether a decision counts as shown only after an `impression` event. */
    impression: z.enum(['assumed', 'required']).default('assumed'),
    /** How long after the window a late signal still emits a correction; 0 for never. */
    correctionMs: z
      .number()
      .int()
      .nonnegative()
      .max(90 * 86_400_000)
      .optional(),
  })
  .superRefine(({ signals, windowMs, correctionMs = 0 }, ctx) => {
    for (const [type, { afterMs, withinMs }] of Object.entries(signals)) {
      const longest = windowMs + correctionMs;
      const rule = `must be at most windowMs + correctionMs (${longest})`;
      if (withinMs !== undefined && withinMs > longest)
        ctx.addIssue({ code: 'custom', path: ['signals', type, 'withinMs'], message: rule });
      if (afterMs !== undefined && afterMs >= longest)
        ctx.addIssue({ code: 'custom', path: ['signals', type, 'afterMs'], message: rule.replace('at most', 'below') });
    }
  })
  .readonly();
export type RewardSettings = z.infer<typeof rewardSettingsSchema>;

/** How the episodes of a surface that learns by reinforcement end. */
export const episodeSettingsSchema = z
  .strictObject({
    /** What a session that goes idle or gives way to another one means: the future is worth 0, or goes on unseen. */
    timeout: z.enum(['terminal', 'truncated']).default('truncated'),
    /** Event types that end an episode by its own rules. A session that ends otherwise truncates it. */
    endsOn: z.array(z.string().min(1).max(128)).max(16).default(['session.ended']),
  })
  .readonly();
export type EpisodeSettings = z.infer<typeof episodeSettingsSchema>;

export const DEFAULT_EPISODE: EpisodeSettings = Object.freeze(episodeSettingsSchema.parse({}));
