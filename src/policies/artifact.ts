/** A policy's stored parameters: the only thing that passes from learners to hosts. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isExcess, JSON_BOUNDS, parseBoundedJson } from '../kernel/bounded-json.js';
import { EngineError } from '../kernel/errors.js';

export const ARTIFACT_BYTES_MAX = 8 * 1024 * 1024;
/** Format version of the envelope that this build writes and reads. */
const ARTIFACT_SCHEMA = 1;

export const artifactSchema = z
  .strictObject({
    /** Format version of this envelope. */
    schema: z.literal(ARTIFACT_SCHEMA),
    /** Which policy family reads `parameters`: 'beta-thompson', 'q-table', … */
    family: z.string().min(1).max(64),
    policy: z.strictObject({ id: z.string().min(1).max(128), version: z.number().int().nonnegative() }),
    /** Family-specific, plain JSON; every number finite. */
    parameters: z.unknown(),
    lineage: z.strictObject({
      learner: z.string(),
      /** The artifact version it was trained on from, if any. */
      parent: z.number().int().nonnegative().optional(),
      /** Experiences learned from so far. */
      experiences: z.number().int().nonnegative(),
      /** Last sequence of the experience stream it has seen. */
      sequence: z.number().int().nonnegative(),
      createdAtMs: z.number(),
    }),
    /** SHA-256 over the canonical JSON of everything else, hex. */
    checksum: z.string().length(64),
  })
  .readonly();
export type Artifact = z.infer<typeof artifactSchema>;

type Unsealed = Omit<Artifact, 'checksum'>;

/** An artifact without what there may be much of: all that the event loop needs to know of it. */
export type ArtifactHead = Omit<Artifact, 'parameters'>;

/** An artifact as it is stored, and what it says of itself. */
export interface SealedArtifact {
  readonly head: ArtifactHead;
  readonly bytes: Uint8Array;
}

export function headOf({ schema, family, policy, lineage, checksum }: Artifact): ArtifactHead {
  return { schema, family, policy, lineage, checksum };
}

export const encodedArtifact = (artifact: Artifact): SealedArtifact => ({
  head: headOf(artifact),
  bytes: encodeArtifact(artifact),
});

/** Adds the checksum. Throws Invariant `ARTIFACT_NOT_FINITE` if a parameter is NaN or infinite. */
export function sealArtifact(unsealed: Unsealed): Artifact {
  return { ...unsealed, checksum: checksumOf(unsealed) };
}

/**
 * Parses and checks an artifact's bytes; throws InvalidRequest `ARTIFACT_*` or `JSON_TOO_*` naming what is wrong. A large one
 * takes a hundred milliseconds: who serves decisions lets it be opened elsewhere (src/actors/artifacts).
 */
export function openArtifact(bytes: Uint8Array): Artifact {
  if (bytes.length > ARTIFACT_BYTES_MAX)
    throw bad('ARTIFACT_TOO_LARGE', `An artifact may have ${ARTIFACT_BYTES_MAX} bytes.`);
  let json: unknown;
  try {
    json = parseBoundedJson(bytes, JSON_BOUNDS.artifact);
  } catch (error) {
    if (isExcess(error)) throw error;
    throw bad('ARTIFACT_MALFORMED', 'The artifact is not JSON.');
  }
  const { schema } = (json ?? {}) as { schema?: unknown };
  if (typeof schema === 'number' && schema !== ARTIFACT_SCHEMA)
    throw bad('ARTIFACT_SCHEMA', `The artifact has schema ${schema}; this build reads ${ARTIFACT_SCHEMA}.`, 'schema');
  const parsed = artifactSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw bad('ARTIFACT_MALFORMED', issue.message, issue.path.join('.'));
  }
  const { checksum, ...unsealed } = parsed.data;
  if (checksumOf(unsealed) !== checksum)
    throw bad('ARTIFACT_CHECKSUM', 'The artifact does not match its checksum.', 'checksum');
  return parsed.data;
}

export const encodeArtifact = (artifact: Artifact): Uint8Array => Buffer.from(JSON.stringify(artifact), 'utf8');

function checksumOf(unsealed: Unsealed): string {
  return createHash('sha256').update(canonicalJson(unsealed)).digest('hex');
}

/** JSON with sorted keys; refuses numbers that JSON cannot carry. */
function canonicalJson(value: unknown): string {
  if (typeof value === 'number') {
    if (!Number.isFinite(value))
      throw bad('ARTIFACT_NOT_FINITE', 'An artifact must not hold NaN or infinite numbers.', 'parameters');
    return JSON.stringify(value);
  }
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const entries = Object.entries(value).filter(([, v]) => v !== undefined);
  entries.sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0));
  return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`;
}

const bad = (code: string, message: string, field?: string): EngineError =>
  new EngineError('InvalidRequest', code, message, field === undefined ? {} : { field });
