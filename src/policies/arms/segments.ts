/**
 * Two levels of evidence in one artifact: about every arm as a whole, and about it in each segment. A segment is the
 * discretised state that the surface declares (`DecisionContext.state`). An arm that a segment has hardly tried starts
 * there from what the others know of it, so that a new segment, or a new user who falls into one, is no cold start.
 */
import { z } from 'zod';
import { tuplesByKey, tuplesByKeys, type NumberBounds } from '../evidence-rows.js';
import type { DecisionContext } from '../policy.js';
import {
  GroupTable,
  packGroups,
  packRows,
  readTuple,
  RowTable,
  type PackedGroups,
  type PackedRows,
} from '../row-table.js';

/** Schema of the two levels, for evidence that is a list of numbers, each within its bounds. */
export const levelsShape = <E extends readonly number[]>(evidence: readonly NumberBounds[]) => ({
  /** Candidate id → evidence from everywhere. */
  arms: tuplesByKey<E>(evidence),
  segments: z
    .strictObject({
      /** How many trials the evidence of other segments weighs at most, for each arm. */
      priorWeight: z.number().min(0).max(1e9),
      /** Segment → candidate id → evidence from that segment alone; it is part of the evidence above too. */
      arms: tuplesByKeys<E>(evidence),
    })
    .optional(),
});

export interface Levels<E> {
  readonly arms: Readonly<Record<string, E>>;
  readonly segments?:
    { readonly priorWeight: number; readonly arms: Readonly<Record<string, Readonly<Record<string, E>>>> } | undefined;
}

/** The same, ready to be looked up. */
export interface PackedLevels {
  readonly arms: PackedRows;
  readonly segments: { readonly priorWeight: number; readonly arms: PackedGroups } | undefined;
}

/** `width`: numbers in one arm's evidence. */
export const packLevels = ({ arms, segments }: Levels<readonly number[]>, width: number): PackedLevels => ({
  arms: packRows(arms, width),
  segments: segments && { priorWeight: segments.priorWeight, arms: packGroups(segments.arms, width) },
});

/** The evidence that counts at one decision. */
export interface SegmentView<E> {
  /** Undefined for an arm that was never tried. The same object for the same arm, mostly: it may be made anew. */
  of(candidateId: string): E | undefined;
}

/** Evidence pooled per artifact version at most, over all segments. */
const POOLED_MAX = 8192;

/** Evidence by segment. `pool` joins what all know of an arm (`whole`) and what the segment knows (`own`, if anything). */
export class SegmentedArms<E extends readonly number[]> {
  readonly #arms: RowTable<E>;
  readonly #segments: GroupTable<E> | undefined;
  readonly #priorWeight: number;
  readonly #pool: (whole: E, own: E | undefined, priorWeight: number) => E;
  readonly #whole: SegmentView<E>;
  /** Of segments that were learned from and have been asked about. */
  readonly #views = new Map<string, SegmentView<E>>();
  /** Segments that were never learned from believe the same: they share a view. */
  readonly #unknown: SegmentView<E>;
  readonly #caches: Map<string, E>[] = [];
  #pooled = 0;

  constructor({ arms, segments }: PackedLevels, pool: (whole: E, own: E | undefined, priorWeight: number) => E) {
    const known = new RowTable<E>(arms, readTuple);
    this.#arms = known;
    this.#segments = segments && new GroupTable<E>(segments.arms, readTuple);
    this.#priorWeight = segments?.priorWeight ?? 0;
    this.#pool = pool;
    this.#whole = { of: (id) => known.get(id) };
    this.#unknown = this.#viewOf({ get: () => undefined });
  }

  /** Without segments in the artifact, or a state in the context, what is known as a whole. */
  at({ state }: DecisionContext): SegmentView<E> {
    if (this.#segments === undefined || state === undefined) return this.#whole;
    const seen = this.#views.get(state);
    if (seen !== undefined) return seen;
    const row = this.#segments.group(state);
    if (row === undefined) return this.#unknown;
    const view = this.#viewOf(row);
    this.#views.set(state, view);
    return view;
  }

  #viewOf(row: Pick<RowTable<E>, 'get'>): SegmentView<E> {
    const made = new Map<string, E>();
    this.#caches.push(made);
    return {
      of: (id) => {
        const cached = made.get(id);
        if (cached !== undefined) return cached;
        const own = row.get(id);
        const whole = this.#arms.get(id) ?? own;
        if (whole === undefined) return undefined;
        const pooled = this.#pool(whole, own, this.#priorWeight);
        // Making them again is cheap and gives the same, so all go when there is no more room.
        if (this.#pooled >= POOLED_MAX) {
          for (const cache of this.#caches) cache.clear();
          this.#pooled = 0;
        }
        this.#pooled++;
        made.set(id, pooled);
        return pooled;
      },
    };
  }
}
