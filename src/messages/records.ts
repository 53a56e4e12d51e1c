/**
 * What stands in a partition's journal, one JSON message a record.
 *
 * Records of class `event` are written by anybody; those of class `decision`, `command`, `timer` and `control` by the
 * partition's owner alone and carry its term; those of class `output` by the owner of another partition (or the same)
 * and carry their place in that partition's output chain.
 */
import { z } from 'zod';
import { foldSettingsSchema } from './settings.js';

/**
 * Who may write: the lease's revision at acquisition, and how often this owner has since had to settle records whose
 * publish outcome it did not know. Compared in that order; a record counts only if its term is the current one.
 */
export type Term = readonly [epoch: number, session: number];

export const termSchema = z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]).readonly();

export const compareTerms = (a: Term, b: Term): number => a[0] - b[0] || a[1] - b[1];

/** Place of an output in the chain from one source partition to one target stream. */
export const chainSchema = z
  .object({
    /** Source partition. */
    p: z.number().int().nonnegative(),
    /** Identity of the source journal: a recreated journal starts a new chain. */
    src: z.string(),
    /** Sequence of the source record that emitted it, and its index among that record's outputs to this target. */
    seq: z.number().int().positive(),
    idx: z.number().int().nonnegative(),
    /** The same two numbers of the output before it in this chain; [0, 0] for the first. */
    prev: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]).readonly(),
  })
  .readonly();
export type Chain = z.infer<typeof chainSchema>;

/** Owner-written record about one actor (classes `decision`, `command`). `key` resolves the writer's pending promise. */
export const ownedRecordSchema = z
  .object({ v: z.number().int(), term: termSchema, key: z.string(), trace: z.string().optional(), body: z.unknown() })
  .readonly();
export type OwnedRecord = z.infer<typeof ownedRecordSchema>;

export const timerRecordSchema = z
  .object({ v: z.number().int(), term: termSchema, due: z.number(), generation: z.number().int() })
  .readonly();
export type TimerRecord = z.infer<typeof timerRecordSchema>;

export const outputRecordSchema = z
  .object({ v: z.number().int(), chain: chainSchema, at: z.number(), body: z.unknown() })
  .readonly();
/** Also the wire form of experience and dead-letter messages. */
export type OutputRecord = z.infer<typeof outputRecordSchema>;

/** A new owner's fence: everything owner-written with a lower epoch that comes after it is void. */
export const barrierSchema = z
  .object({
    v: z.number().int(),
    term: termSchema,
    host: z.string(),
    /** Unique to the tenure that wrote it: of two barriers under one epoch the first counts, and its writer must know. */
    tenure: z.string().optional(),
    settings: foldSettingsSchema,
    /** The rules by which what comes after it is folded, on every host; they never sink. */
    semantics: z.number().int().min(1).default(1),
    /** Secret of the hashes of event ids. The first one of a journal stays; later barriers repeat it. */
    idKey: z.string().max(128).default(''),
  })
  .readonly();
export type Barrier = z.infer<typeof barrierSchema>;

/** Raises the session: what was published before it and has not come back by now never will count. */
export const markerSchema = z.object({ v: z.number().int(), term: termSchema }).readonly();

/** The owner's decision to skip a record that cannot be folded; obeyed by every later replay. */
export const verdictSchema = z
  .object({ v: z.number().int(), term: termSchema, sequence: z.number().int().positive(), reason: z.string() })
  .readonly();
export type Verdict = z.infer<typeof verdictSchema>;

/** A dead letter tried again: the original's subject and payload (base64) under a new sequence. */
export const redriveSchema = z
  .object({
    v: z.number().int(),
    term: termSchema,
    key: z.string(),
    sequence: z.number().int().positive(),
    subject: z.string(),
    payload: z.string(),
    /** Fold time of the original. */
    atMs: z.number().int().nonnegative().optional(),
    by: z.string(),
  })
  .readonly();
export type Redrive = z.infer<typeof redriveSchema>;
