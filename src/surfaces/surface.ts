/** A surface: a place in an app that asks for decisions. Declared in config/surfaces/*.yaml, compiled once. */
import { z } from 'zod';
import { EngineError } from '../kernel/errors.js';
import { canonicalCell } from '../messages/cells.js';
import { CANDIDATES_MAX, SLATE_MAX, SUBJECT_KINDS } from '../messages/decisions.js';
import { episodeSettingsSchema, rewardSettingsSchema } from '../messages/rewards.js';
import {
  compileObservation,
  OBSERVATION_MAX,
  observationTermSchema,
  type ObservationTerm,
  type Observer,
} from './observation-terms.js';
import { compileRules, ruleProblems, rulesSchema, type CandidateRules } from './rules.js';
import { compileState, stateTermSchema, type StateInput, type StateTerm } from './state-terms.js';

export const CANDIDATE_SOURCES = ['request', 'zones', 'campaigns'] as const;
export const CAP_SCOPES = ['surface', 'candidate', 'category', 'campaign'] as const;
/** A cap keeps one timestamp for each decision it still counts. */
export const CAP_MAX = 1000;

const durationMs = z.number().int().positive();
const name = z.string().regex(/^[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*$/, 'must be lower-case words joined by . or -');

const capSchema = z.strictObject({
  /** What is counted: decisions of this surface, or those that showed the candidate, its category or its campaign. */
  scope: z.enum(CAP_SCOPES),
  /** At most this many decisions within any `windowMs`. */
  max: z.number().int().min(1).max(CAP_MAX),
  windowMs: durationMs.max(90 * 86_400_000),
  /** Surfaces that name the same cap share its counter. `<surface>.<scope>` if left out. */
  name: name.max(64).optional(),
});

export const surfaceSchema = z.strictObject({
  id: name.max(64),
  subjectKinds: z.array(z.enum(SUBJECT_KINDS)).min(1),
  /** What the subject must have consented to, for a personal answer. */
  purpose: name.max(64).default('personalization'),
  slate: z.strictObject({
    /** Items where the request does not say. */
    k: z.number().int().min(1).max(SLATE_MAX),
    max: z.number().int().min(1).max(SLATE_MAX),
    /** Candidates with a fixed position (from 0), if they are among the eligible ones. */
    pins: z
      .array(z.strictObject({ candidate: z.string().min(1).max(256), position: z.number().int().min(0) }))
      .max(SLATE_MAX)
      .default([]),
  }),
  candidates: z.strictObject({
    source: z.enum(CANDIDATE_SOURCES),
    /** Facts older than this make an answer degraded. */
    maxAgeMs: durationMs.default(60_000),
  }),
  /** Id of the live policy. */
  policy: z.string().min(1).max(128),
  /** Who answers where it cannot, in order; the last one is static. */
  fallback: z.array(z.string().min(1).max(128)).min(1).max(8),
  reward: rewardSettingsSchema,
  caps: z.array(capSchema).max(16).default([]),
  fatigue: z
    .strictObject({
      /** What one decision adds to the subject's fatigue. */
      cost: z.number().nonnegative().max(1000).default(0),
      /** Answered in full also while the subject is in cool-down. */
      exempt: z.boolean().default(false),
    })
    .default({ cost: 0, exempt: false }),
  /** How long an answer may be shown. Offers of campaigns may stand shorter, by their own definition. */
  validMs: durationMs,
  /** What an operator rules about candidates, over whatever is learned; `slate.pins` is the third kind of rule. */
  rules: rulesSchema.default({ forbid: [], boost: [] }),
  exploration: z.strictObject({ floor: z.number().min(0).max(0.5) }).default({ floor: 0 }),
  /** The discretised state for Q-learning; without it the surface has none. */
  state: z.array(stateTermSchema).max(8).optional(),
  /** The state as numbers, for learners that approximate; without it the surface has none. */
  observation: z.array(observationTermSchema).min(1).max(64).optional(),
  /** How episodes end, where the surface has a state or an observation. */
  episode: episodeSettingsSchema.optional(),
  log: z
    .strictObject({
      /** Features of the subject journaled with decisions and handed to learners; none if left out. */
      subject: z.array(z.string().min(1).max(64)).max(32).optional(),
      /** Candidate features journaled with decisions and handed to learners; all of them if left out. */
      features: z.array(z.string().min(1).max(64)).max(32).optional(),
      /** Of every eligible candidate, not only of the slate's. */
      eligible: z.boolean().default(false),
    })
    .default({ eligible: false }),
});
export type SurfaceDefinition = z.infer<typeof surfaceSchema>;

export interface SurfaceCap {
  readonly scope: (typeof CAP_SCOPES)[number];
  readonly max: number;
  readonly windowMs: number;
  readonly name: string;
}

export interface Surface extends Omit<Readonly<SurfaceDefinition>, 'caps' | 'state' | 'observation' | 'rules'> {
  readonly caps: readonly SurfaceCap[];
  readonly rules: CandidateRules;
  /** The live policy and its fallbacks, in the order in which they are asked. */
  readonly chain: readonly string[];
  /** What the state is made of. */
  readonly stateTerms: readonly StateTerm[] | undefined;
  /** The state that a decision is made in; undefined where the surface declares none. */
  readonly stateOf: ((input: StateInput) => string) | undefined;
  /** What the same is made of as numbers, and those numbers. */
  readonly observationTerms: readonly ObservationTerm[] | undefined;
  readonly observer: Observer | undefined;
}

/**
 * Validates a definition and derives what decisions need. Throws Configuration `SURFACE_INVALID` listing every problem
 * with its field.
 */
export function compileSurface(definition: unknown): Surface {
  const parsed = surfaceSchema.transform(withOneSpelling).safeParse(definition);
  const problems = parsed.success
    ? relations(parsed.data)
    : parsed.error.issues.map((issue) => `${issue.path.join('.') || '(root)'}: ${issue.message}`);
  if (!parsed.success || problems.length > 0)
    throw new EngineError('Configuration', 'SURFACE_INVALID', problems.join('\n'));
  const surface = parsed.data;
  return Object.freeze({
    ...surface,
    caps: surface.caps.map((cap) => ({ ...cap, name: cap.name ?? `${surface.id}.${cap.scope}` })),
    rules: compileRules(surface.rules),
    chain: [surface.policy, ...surface.fallback],
    stateTerms: surface.state,
    stateOf: surface.state === undefined ? undefined : compileState(surface.state),
    observationTerms: surface.observation,
    observer: surface.observation === undefined ? undefined : compileObservation(surface.observation),
  });
}

/** Where candidates are zones, a ruling may name one in any spelling of its cell. */
function withOneSpelling(surface: SurfaceDefinition): SurfaceDefinition {
  if (surface.candidates.source !== 'zones') return surface;
  const spelled = <Ruling extends { candidate?: string | undefined }>(ruling: Ruling): Ruling =>
    ruling.candidate === undefined
      ? ruling
      : { ...ruling, candidate: canonicalCell(ruling.candidate) ?? ruling.candidate };
  const { slate, rules } = surface;
  return {
    ...surface,
    slate: { ...slate, pins: slate.pins.map(spelled) },
    rules: { forbid: rules.forbid.map(spelled), boost: rules.boost.map(spelled) },
  };
}

/** What a single field's rule cannot say. */
function relations(surface: SurfaceDefinition): string[] {
  const problems: string[] = [];
  const { slate, reward } = surface;
  if (slate.k > slate.max) problems.push(`slate.k: must be at most slate.max (${slate.max})`);
  if (slate.max > CANDIDATES_MAX) problems.push(`slate.max: must be at most ${CANDIDATES_MAX}`);
  if (reward.impression === 'required' && reward.windowMs < surface.validMs)
    problems.push(
      `reward.windowMs: must be at least validMs (${surface.validMs}) where an impression is required: caps count until then`,
    );
  if (reward.min > reward.max) problems.push('reward.min: must be at most reward.max');
  if (surface.observation !== undefined) {
    const { length } = compileObservation(surface.observation).names;
    if (length > OBSERVATION_MAX) problems.push(`observation: has ${length} numbers, and at most ${OBSERVATION_MAX}`);
  }
  if (surface.episode !== undefined && surface.state === undefined && surface.observation === undefined)
    problems.push('episode: needs a state or an observation');
  const positions = new Set<number>();
  const pinned = new Set<string>();
  slate.pins.forEach((pin, i) => {
    if (pin.position >= slate.max) problems.push(`slate.pins.${i}.position: must be below slate.max`);
    if (positions.has(pin.position)) problems.push(`slate.pins.${i}.position: is taken by another pin`);
    if (pinned.has(pin.candidate)) problems.push(`slate.pins.${i}.candidate: is pinned twice`);
    positions.add(pin.position);
    pinned.add(pin.candidate);
  });
  problems.push(...ruleProblems(surface.rules, pinned));
  const names = new Set<string>();
  surface.caps.forEach((cap, i) => {
    const capName = cap.name ?? `${surface.id}.${cap.scope}`;
    if (names.has(capName)) problems.push(`caps.${i}.name: ${capName} is used twice; name one of them`);
    names.add(capName);
  });
  return problems;
}
