/**
 * How a learner in another process, in any language, talks to the engine: requests to `attune.learner.<id>.<verb>`, JSON
 * both ways. An error is answered as `{"error": {family, code, message, field?, retryAfterMs?}}`.
 */
import { z } from 'zod';

export const EXTERNAL_VERBS = ['claim', 'renew', 'next', 'upload', 'publish', 'save', 'load', 'release'] as const;
export type ExternalVerb = (typeof EXTERNAL_VERBS)[number];

/** Characters of text in one message: with the worst escaping it stays below nats-server's `max_payload` of 1 MB. */
export const PIECE_CHARACTERS_MAX = 128 * 1024;
/** Characters of a learner's saved state. */
export const STATE_CHARACTERS_MAX = 32 * 1024 * 1024;
export const NEXT_RECORDS_MAX = 512;
export const NEXT_WAIT_MS_MAX = 5_000;

const epoch = z.number().int().positive();
const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
/** Opaque: where in the experience stream a learner is, and what of it has been counted. */
const cursor = z.string().max(256 * 1024);
/** The secret of a session: an epoch can be guessed. */
const session = z.string().min(1).max(64);
const uploadId = z.string().min(1).max(64);

export const externalRequestSchemas = {
  /** Asks for the lease. `instance` is made anew at every start of the process: it tells it from its former self. */
  claim: z.strictObject({ worker: z.string().min(1).max(128), instance: z.string().min(1).max(128) }),
  /** Keeps the lease; every other request that names epoch and session does so too. */
  renew: z.strictObject({ epoch, session }),
  /** The next experiences behind the cursor; null: from the beginning of what is kept. */
  next: z.strictObject({
    epoch,
    session,
    cursor: cursor.nullable(),
    max: z.number().int().min(1).max(NEXT_RECORDS_MAX).default(64),
    /** How long to wait where there is nothing yet. */
    waitMs: z.number().int().min(0).max(NEXT_WAIT_MS_MAX).default(1_000),
  }),
  /** A piece of a text that is too long for one message. Part 0 begins it anew; parts come in order. */
  upload: z.strictObject({
    epoch,
    session,
    upload: uploadId,
    part: z.number().int().nonnegative(),
    text: z.string().max(PIECE_CHARACTERS_MAX),
  }),
  /** Publishes a version of the policy that the learner is configured for. */
  publish: z.strictObject({
    epoch,
    session,
    /** Format of this request: 1. */
    schema: z.number().int(),
    /** Which policy family reads the parameters. */
    family: z.string().min(1).max(64),
    /** The parameters as JSON text, in one piece or uploaded before. */
    parameters: z.string().optional(),
    upload: uploadId.optional(),
    /** SHA-256 over the UTF-8 bytes of that text, lower-case hex. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits'),
    /** Where in the stream the learner is, and how many experiences it has learned from. */
    cursor: cursor.nullable(),
    experiences: count,
  }),
  /** Saves what the learner goes on from. Epoch and cursor are kept with it. */
  save: z.strictObject({
    epoch,
    session,
    cursor: cursor.nullable(),
    experiences: count,
    /** Any text (JSON, base64), in one piece or uploaded before. */
    state: z.string().optional(),
    upload: uploadId.optional(),
  }),
  /** A piece of the state that was saved last. */
  load: z.strictObject({ epoch, session, part: z.number().int().nonnegative() }),
  /** Gives the lease back. */
  release: z.strictObject({ epoch, session }),
} as const satisfies Record<ExternalVerb, z.ZodType>;

export type ExternalRequest<V extends ExternalVerb> = z.infer<(typeof externalRequestSchemas)[V]>;

export const externalReplySchemas = {
  claim: z.object({
    /** Names this lease; higher than any before. */
    epoch,
    /** To be given with every request, and told to nobody: random, anew at every claim. */
    session,
    /** How long the lease lives without a request, and how often to send one at the latest. */
    ttlMs: z.number().int(),
    renewMs: z.number().int(),
    learner: z.string(),
    surface: z.string(),
    policy: z.string(),
    /** As configured in the engine; null where nothing was. */
    config: z.unknown(),
    seed: z.number().int(),
    /** The live version of the policy; null where none was published yet. */
    version: z.number().int().nullable(),
    /** What was saved last; null where nothing was: then the learner begins from the beginning. */
    checkpoint: z
      .object({ cursor: cursor.nullable(), experiences: count, savedAtMs: z.number(), parts: z.number().int() })
      .nullable(),
  }),
  renew: z.object({ epoch }),
  next: z.object({
    /** In stream order, each exactly once, of the learner's surface only. */
    records: z.array(z.object({ sequence: z.number().int().positive(), experience: z.unknown() })),
    /** To be given with the next request, and to be saved with the state that has learned from these records. */
    cursor,
    /** Last sequence of the experience stream that the cursor covers. */
    position: count,
    /** Nothing more is there at the moment. */
    idle: z.boolean(),
  }),
  upload: z.object({ characters: count }),
  publish: z.object({
    policy: z.string(),
    version: z.number().int(),
    checksum: z.string(),
    /**
     * `live`: decisions are made by it from now on. `on-trial`: the learner has a gate, which makes it live or rejects it by
     * what is held out; `view` has the evidence so far and the last verdict. `held`: an operator has rolled the policy back and
     * holds it there; what was published is kept as a candidate.
     */
    outcome: z.enum(['live', 'on-trial', 'held']),
  }),
  save: z.object({ position: count }),
  load: z.object({ part: z.number().int(), parts: z.number().int(), text: z.string() }),
  release: z.object({}),
} as const satisfies Record<ExternalVerb, z.ZodType>;

export type ExternalReply<V extends ExternalVerb> = z.infer<(typeof externalReplySchemas)[V]>;
