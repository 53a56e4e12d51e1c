/**
 * Two levels of evidence in one artifact: about every arm as a whole, and about it in each segment. A segment is the
 * discretised state that the surface declares (`DecisionContext.state`). An arm that a segment has hardly tried starts
 * there from what the others know of it, so that a new segment, or a new user who falls into one, is no cold start.
 */
import { z } from 'zod';
import { tuplesByKey, tuplesByKeys, type NumberBounds } from '../evidence-rows.js';
import type { DecisionContext } from '../policy.js';

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

/** The evidence that counts at one decision. */
export interface SegmentView<E> {
  /** Undefined for an arm that was never tried. The same object for the same arm, mostly: it may be made anew. */
  of(candidateId: string): E | undefined;
}

/** Evidence pooled per artifact version at most, over all segments. */
const POOLED_MAX = 8192;

/** Evidence by segment. `pool` joins what all know of an arm (`whole`) and what the segment knows (`own`, if anything). */
export class SegmentedArms<E> {
  readonly #arms: ReadonlyMap<string, E>;
  readonly #segments: ReadonlyMap<string, ReadonlyMap<string, E>>;
  readonly #priorWeight: number | undefined;
  readonly #pool: (whole: E, own: E | undefined, priorWeight: number) => E;
  readonly #whole: SegmentView<E>;
  readonly #views = new Map<string, SegmentView<E>>();
  readonly #caches: Map<string, E>[] = [];
  #pooled = 0;

  constructor(levels: Levels<E>, pool: (whole: E, own: E | undefined, priorWeight: number) => E) {
    const arms = new Map(Object.entries(levels.arms));
    this.#arms = arms;
    this.#segments = new Map(
      Object.entries(levels.segments?.arms ?? {}).map(([segment, row]) => [segment, new Map(Object.entries(row))]),
    );
    this.#priorWeight = levels.segments?.priorWeight;
    this.#pool = pool;
    this.#whole = { of: (id) => arms.get(id) };
  }

  /** Without segments in the artifact, or a state in the context, what is known as a whole. */
  at(context: DecisionContext): SegmentView<E> {
    if (this.#priorWeight === undefined || context.state === undefined) return this.#whole;
    // Segments that were never learned from believe the same: they share a view.
    const known = this.#segments.has(context.state);
    const key = known ? `=${context.state}` : '';
    let view = this.#views.get(key);
    if (view === undefined) {
      view = this.#viewOf(known ? this.#segments.get(context.state)! : new Map(), this.#priorWeight);
      this.#views.set(key, view);
    }
    return view;
  }

  #viewOf(row: ReadonlyMap<string, E>, priorWeight: number): SegmentView<E> {
    const made = new Map<string, E>();
    this.#caches.push(made);
    return {
      of: (id) => {
        const cached = made.get(id);
        if (cached !== undefined) return cached;
        const own = row.get(id);
        const whole = this.#arms.get(id) ?? own;
        if (whole === undefined) return undefined;
        const pooled = this.#pool(whole, own, priorWeight);
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
