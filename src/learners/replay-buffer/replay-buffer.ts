/** What was experienced, for learning from it again and again. */
import { z } from 'zod';
import { EngineError } from '../../kernel/errors.js';
import type { Random } from '../../kernel/random.js';
import { packedFloatsSchema, packFloats, unpackFloat32, unpackFloat64 } from '../../policies/packed.js';
import { SumTree } from './sum-tree.js';

export interface ReplayShape {
  /** Transitions kept; the oldest go first. */
  readonly capacity: number;
  readonly observationSize: number;
  readonly actions: number;
}

/** T. Schaul et al., _Prioritized Experience Replay_, ICLR 2016, the proportional variant. */
export interface Prioritisation {
  /** α: a transition is drawn in proportion to |error|^α. 0 is uniform. */
  readonly alpha: number;
  /** Added to |error|, so that nothing is never drawn again. */
  readonly epsilon: number;
}

/** A state to act in, and which actions may be taken there. */
export interface Situation {
  readonly observation: Float32Array;
  /** One byte an action: 1 where it may be taken. */
  readonly mask: Uint8Array;
}

/** Where a step began, what was done and earned, and what may come of it. */
export interface Transition {
  readonly observation: Float32Array;
  /** Index. */
  readonly action: number;
  /** Discounted sum over the steps that the transition spans. */
  readonly reward: number;
  /** What the value of `next` counts: discount^steps, or 0 where no future counts. */
  readonly discount: number;
  /** Undefined where no future counts. */
  readonly next: Situation | undefined;
}

/** Rows drawn from the buffer; the arrays are used again by the next draw. */
export interface ReplayBatch {
  /** Slots in the buffer. */
  readonly indices: Uint32Array;
  /** [rows, observationSize]. */
  readonly observations: Float32Array;
  readonly actions: Uint16Array;
  readonly rewards: Float32Array;
  readonly discounts: Float32Array;
  readonly nexts: Float32Array;
  /** [rows, actions]. */
  readonly nextMasks: Uint8Array;
  /** Importance weights in (0, 1]; all 1 where drawing is uniform. */
  readonly weights: Float32Array;
}

const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/);
export const replayStateSchema = z.strictObject({
  /** Transitions ever added; the next one's slot is this modulo the capacity. */
  added: z.number().int().nonnegative(),
  observations: packedFloatsSchema,
  nexts: packedFloatsSchema,
  /** Two columns: reward, discount. */
  outcomes: packedFloatsSchema,
  /** Column of 16-bit little-endian indices. */
  actions: base64,
  /** [rows, actions], a byte each. */
  nextMasks: base64,
  /** With prioritisation: |error|^α of each row, and the largest so far. */
  priorities: packedFloatsSchema.optional(),
  priorityMax: z.number().positive().optional(),
});
export type ReplayState = z.infer<typeof replayStateSchema>;

export class ReplayBuffer {
  readonly #shape: ReplayShape;
  readonly #prioritisation: Prioritisation | undefined;
  readonly #observations: Float32Array;
  readonly #nexts: Float32Array;
  readonly #outcomes: Float32Array;
  readonly #actions: Uint16Array;
  readonly #nextMasks: Uint8Array;
  readonly #priorities: SumTree | undefined;
  #priorityMax: number;
  #added: number;
  #batch: ReplayBatch | undefined;

  /** Throws Invariant `LEARNER_STATE_MISFIT` for a state that is not of this shape. */
  constructor(shape: ReplayShape, prioritisation: Prioritisation | undefined, saved?: ReplayState) {
    const { capacity, observationSize, actions } = shape;
    this.#shape = shape;
    this.#prioritisation = prioritisation;
    this.#observations = new Float32Array(capacity * observationSize);
    this.#nexts = new Float32Array(capacity * observationSize);
    this.#outcomes = new Float32Array(capacity * 2);
    this.#actions = new Uint16Array(capacity);
    this.#nextMasks = new Uint8Array(capacity * actions);
    this.#priorities = prioritisation === undefined ? undefined : new SumTree(capacity);
    this.#priorityMax = 1;
    this.#added = 0;
    if (saved !== undefined) this.#restore(saved);
  }

  get size(): number {
    return Math.min(this.#added, this.#shape.capacity);
  }

  /** With prioritisation at the largest priority so far: everything is learned from at least about once. */
  add({ observation, action, reward, discount, next }: Transition): void {
    const { capacity, observationSize, actions } = this.#shape;
    const slot = this.#added % capacity;
    this.#observations.set(observation, slot * observationSize);
    if (next === undefined) {
      this.#nexts.fill(0, slot * observationSize, (slot + 1) * observationSize);
      this.#nextMasks.fill(0, slot * actions, (slot + 1) * actions);
    } else {
      this.#nexts.set(next.observation, slot * observationSize);
      this.#nextMasks.set(next.mask, slot * actions);
    }
    this.#outcomes[2 * slot] = reward;
    this.#outcomes[2 * slot + 1] = discount;
    this.#actions[slot] = action;
    this.#priorities?.set(slot, this.#priorityMax);
    this.#added++;
  }

  /**
   * Draws rows with replacement, one number of `random` each; the buffer must not be empty. `beta` is the exponent of the
   * importance weights (1 takes the whole bias of prioritised drawing away).
   */
  sample(rows: number, random: Random, beta: number): ReplayBatch {
    const batch = this.#batchOf(rows);
    const { observationSize, actions } = this.#shape;
    let heaviest = 0;
    for (let row = 0; row < rows; row++) {
      const u = random.next();
      const slot =
        this.#priorities === undefined
          ? Math.floor(u * this.size)
          : this.#priorities.find(((row + u) / rows) * this.#priorities.total);
      batch.indices[row] = slot;
      copyRow(this.#observations, slot, batch.observations, row, observationSize);
      copyRow(this.#nexts, slot, batch.nexts, row, observationSize);
      batch.rewards[row] = this.#outcomes[2 * slot]!;
      batch.discounts[row] = this.#outcomes[2 * slot + 1]!;
      batch.actions[row] = this.#actions[slot]!;
      copyRow(this.#nextMasks, slot, batch.nextMasks, row, actions);
      batch.weights[row] = this.#weightOf(slot, beta);
      heaviest = Math.max(heaviest, batch.weights[row]!);
    }
    for (let row = 0; row < rows; row++) batch.weights[row]! /= heaviest;
    return batch;
  }

  /** Tells how wrong the values of a drawn batch were. Does nothing where drawing is uniform. */
  learned(indices: Uint32Array, errors: Float32Array): void {
    if (this.#priorities === undefined || this.#prioritisation === undefined) return;
    const { alpha, epsilon } = this.#prioritisation;
    for (let row = 0; row < indices.length; row++) {
      const priority = (Math.abs(errors[row]!) + epsilon) ** alpha;
      this.#priorities.set(indices[row]!, priority);
      this.#priorityMax = Math.max(this.#priorityMax, priority);
    }
  }

  state(): ReplayState {
    const { observationSize, actions } = this.#shape;
    const rows = this.size;
    const priorities = this.#priorities;
    return {
      added: this.#added,
      observations: packFloats(this.#observations.subarray(0, rows * observationSize), [rows, observationSize]),
      nexts: packFloats(this.#nexts.subarray(0, rows * observationSize), [rows, observationSize]),
      outcomes: packFloats(this.#outcomes.subarray(0, rows * 2), [rows, 2]),
      actions: base64Of(littleEndian(this.#actions.subarray(0, rows))),
      nextMasks: base64Of(this.#nextMasks.subarray(0, rows * actions)),
      ...(priorities === undefined
        ? {}
        : {
            priorities: packFloats(Float64Array.from({ length: rows }, (_, slot) => priorities.get(slot))),
            priorityMax: this.#priorityMax,
          }),
    };
  }

  /** (1/(N·P))^β, up to a factor that `sample` divides out. */
  #weightOf(slot: number, beta: number): number {
    if (this.#priorities === undefined) return 1;
    return (this.#priorities.total / (this.size * this.#priorities.get(slot))) ** beta;
  }

  #restore(saved: ReplayState): void {
    const { capacity, observationSize, actions } = this.#shape;
    const rows = Math.min(saved.added, capacity);
    const numbers = (packed: ReplayState['nexts'], width: number, field: string): Float32Array => {
      if (packed.shape[0] !== rows || packed.shape[1] !== width || packed.shape.length !== 2) throw misfit(field);
      return unpackFloat32(packed);
    };
    this.#observations.set(numbers(saved.observations, observationSize, 'observations'));
    this.#nexts.set(numbers(saved.nexts, observationSize, 'nexts'));
    this.#outcomes.set(numbers(saved.outcomes, 2, 'outcomes'));
    const indices = Buffer.from(saved.actions, 'base64');
    if (indices.length !== rows * 2) throw misfit('actions');
    for (let row = 0; row < rows; row++) this.#actions[row] = indices.readUInt16LE(row * 2);
    const masks = Buffer.from(saved.nextMasks, 'base64');
    if (masks.length !== rows * actions) throw misfit('nextMasks');
    this.#nextMasks.set(masks);
    if (this.#actions.some((action) => action >= actions)) throw misfit('actions');
    this.#added = saved.added;
    if (this.#priorities === undefined) return;
    if (saved.priorities?.shape[0] !== rows || saved.priorityMax === undefined) throw misfit('priorities');
    const priorities = unpackFloat64(saved.priorities);
    for (let slot = 0; slot < rows; slot++) this.#priorities.set(slot, priorities[slot]!);
    this.#priorityMax = saved.priorityMax;
  }

  #batchOf(rows: number): ReplayBatch {
    const { observationSize, actions } = this.#shape;
    if (this.#batch?.indices.length === rows) return this.#batch;
    return (this.#batch = {
      indices: new Uint32Array(rows),
      observations: new Float32Array(rows * observationSize),
      actions: new Uint16Array(rows),
      rewards: new Float32Array(rows),
      discounts: new Float32Array(rows),
      nexts: new Float32Array(rows * observationSize),
      nextMasks: new Uint8Array(rows * actions),
      weights: new Float32Array(rows),
    });
  }
}

/** Number by number: a view of so few costs more than they do, and is garbage afterwards. */
function copyRow<Numbers extends Float32Array | Uint8Array>(
  from: Numbers,
  row: number,
  into: Numbers,
  intoRow: number,
  width: number,
): void {
  for (let i = 0; i < width; i++) into[intoRow * width + i] = from[row * width + i]!;
}

function littleEndian(values: Uint16Array): Uint8Array {
  const bytes = Buffer.alloc(values.length * 2);
  for (let i = 0; i < values.length; i++) bytes.writeUInt16LE(values[i]!, i * 2);
  return bytes;
}

const base64Of = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

const misfit = (field: string): EngineError =>
  new EngineError(
    'Invariant',
    'LEARNER_STATE_MISFIT',
    `The saved replay buffer is not one of this configuration: ${field}.`,
    { field },
  );
