/** Evidence about arms, as a whole and by segment: bounded, forgetting, and saved and loaded without a trace. */
import { z } from 'zod';
import type { Levels } from '../../policies/arms/segments.js';
import type { ArmConfig } from './config.js';
import type { EvidenceKind } from './evidence.js';

interface Arm<E> {
  readonly evidence: E;
  /** The experience it was last tried in, counted from 1. */
  at: number;
}

type Row<E> = Map<string, Arm<E>>;
type SavedRow<E> = [id: string, evidence: E, at: number][];

/** Pairs, not objects: the order, longest untouched first, is part of the state, and ids are anything. */
export interface SavedTable<E> {
  readonly arms: SavedRow<E>;
  readonly segments: [segment: string, row: SavedRow<E>][];
  /** Experiences learned from. */
  readonly learned: number;
}

export const savedTableSchema = <E>({ schema }: EvidenceKind<E>): z.ZodType<SavedTable<E>> => {
  const count = z.number().int().nonnegative();
  // Tables that were saved before arms could forget by experience say neither when nor where.
  const arm = z.union([
    z.tuple([z.string(), schema, count]),
    z.tuple([z.string(), schema]).transform(([id, evidence]): [string, E, number] => [id, evidence, 0]),
  ]);
  const row = z.array(arm);
  return z.strictObject({
    arms: row,
    segments: z.array(z.tuple([z.string(), row])).default([]),
    learned: count.default(0),
  }) as unknown as z.ZodType<SavedTable<E>>;
};

export class ArmTable<E> {
  readonly #kind: EvidenceKind<E>;
  readonly #config: ArmConfig;
  readonly #arms: Row<E>;
  readonly #segments: Map<string, Row<E>>;
  #learned: number;

  constructor(kind: EvidenceKind<E>, config: ArmConfig, saved?: SavedTable<E>) {
    this.#kind = kind;
    this.#config = config;
    this.#arms = loadedRow(kind, saved?.arms ?? []);
    this.#segments = new Map((saved?.segments ?? []).map(([segment, row]) => [segment, loadedRow(kind, row)]));
    this.#learned = saved?.learned ?? 0;
  }

  /** Experiences learned from. */
  get learned(): number {
    return this.#learned;
  }

  /** Begins an experience: from now on every arm has forgotten one more time, where arms forget by experience. */
  begin(): void {
    this.#learned++;
  }

  /** Adds a trial of the experience that was begun; gives by how much the outcome missed what was expected. */
  learn(id: string, outcome: number, segment: string | undefined): number {
    const { armsMax, segments } = this.#config;
    const error = this.#add(this.#arms, armsMax, id, outcome);
    if (segments !== undefined && segment !== undefined)
      this.#add(
        touched(this.#segments, segment, segments.max, () => new Map()),
        segments.armsMax,
        id,
        outcome,
      );
    return error;
  }

  /**
   * Puts another outcome in the place of one that was learned; false where the arm was forgotten. How much of that trial
   * was forgotten since is not known, so the difference counts in full, as if it had just been learned.
   */
  revise(id: string, from: number, to: number, segment: string | undefined): boolean {
    const whole = this.#arms.get(id);
    const own = segment === undefined ? undefined : this.#segments.get(segment)?.get(id);
    for (const arm of [whole, own]) if (arm !== undefined) this.#kind.revise(arm.evidence, from, to);
    return whole !== undefined;
  }

  /** The evidence now, as artifacts carry it. */
  levels(): Levels<E> {
    const of = (row: Row<E>): Record<string, E> =>
      Object.fromEntries([...row].map(([id, arm]) => [id, this.#kind.kept(arm.evidence, this.#keep(arm))]));
    const { segments } = this.#config;
    return {
      arms: of(this.#arms),
      ...(segments === undefined
        ? {}
        : {
            segments: {
              priorWeight: segments.priorWeight,
              arms: Object.fromEntries([...this.#segments].map(([segment, row]) => [segment, of(row)])),
            },
          }),
    };
  }

  save(): SavedTable<E> {
    return {
      arms: savedRow(this.#kind, this.#arms),
      segments: [...this.#segments].map(([segment, row]) => [segment, savedRow(this.#kind, row)]),
      learned: this.#learned,
    };
  }

  #add(row: Row<E>, max: number, id: string, outcome: number): number {
    const arm = touched(row, id, max, () => ({ evidence: this.#kind.fresh(), at: this.#learned }));
    const keep = this.#config.forgetPer === 'trial' ? 1 - this.#config.forget : this.#keep(arm);
    const error = outcome - this.#kind.mean(arm.evidence);
    this.#kind.add(arm.evidence, outcome, keep);
    arm.at = this.#learned;
    return error;
  }

  /** What is left of an arm's evidence if it forgets with every experience since its last trial. */
  #keep(arm: Arm<E>): number {
    const { forget, forgetPer } = this.#config;
    return forgetPer === 'trial' || forget === 0 ? 1 : (1 - forget) ** (this.#learned - arm.at);
  }
}

/** The entry, put last; the first one, untouched for longest, makes room for a new one. */
function touched<V>(map: Map<string, V>, key: string, max: number, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    if (map.size >= max) map.delete(map.keys().next().value!);
  } else map.delete(key);
  map.set(key, value);
  return value;
}

const savedRow = <E>(kind: EvidenceKind<E>, row: Row<E>): SavedRow<E> =>
  [...row].map(([id, { evidence, at }]) => [id, kind.kept(evidence, 1), at]);

const loadedRow = <E>(kind: EvidenceKind<E>, row: SavedRow<E>): Row<E> =>
  new Map(row.map(([id, evidence, at]) => [id, { evidence: kind.kept(evidence, 1), at }]));
