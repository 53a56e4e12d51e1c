/** A model as an artifact has it, only to be read: its numbers stay where they are, and an arm costs nothing until it is asked about. */
import { indexOfKey, packKeys, type PackedKeys } from '../row-table.js';
import { unpackFloat64 } from '../packed.js';
import { beliefOf, type PackedBeliefs } from './beliefs.js';
import {
  predictArm,
  type ArmBelief,
  type BeliefReader,
  type ModelShape,
  type Prediction,
  type SharedBelief,
} from './model.js';

/** Beliefs in which `beliefProblem` finds nothing, as plain data whose bulk is typed arrays; shapes as in PackedBeliefs. */
export interface StoredBeliefs {
  readonly ids: PackedKeys;
  /** Where in the other arrays the arm of each of `ids` is. */
  readonly places: Uint32Array;
  readonly counts: Float64Array;
  readonly weights: Float64Array;
  readonly variances: Float64Array;
  readonly ties: Float64Array;
  readonly coupling: Float64Array;
  readonly shared: {
    readonly count: number;
    readonly weights: Float64Array;
    readonly variances: Float64Array;
    readonly ties: Float64Array;
  };
}

export function storeBeliefs({ ids, counts, shared, ...packed }: PackedBeliefs): StoredBeliefs {
  const places = new Map(ids.map((id, place) => [id, place] as const));
  const sorted = [...ids].sort();
  return {
    ids: packKeys(sorted),
    places: Uint32Array.from(sorted, (id) => places.get(id)!),
    counts: Float64Array.from(counts),
    weights: unpackFloat64(packed.weights),
    variances: unpackFloat64(packed.variances),
    ties: unpackFloat64(packed.ties),
    coupling: unpackFloat64(packed.coupling),
    shared: {
      count: shared.count,
      weights: unpackFloat64(shared.weights),
      variances: unpackFloat64(shared.variances),
      ties: unpackFloat64(shared.ties),
    },
  };
}

export class StoredModel implements BeliefReader {
  readonly shape: ModelShape;
  readonly shared: SharedBelief;
  readonly arms: { get(id: string): ArmBelief | undefined };
  readonly #residual: Float64Array;

  constructor(shape: ModelShape, stored: StoredBeliefs) {
    const { shared } = stored;
    this.shape = shape;
    this.shared = beliefOf(shape, shared.weights, shared.variances, shared.ties, shared.count);
    this.arms = new StoredArms(shape, stored);
    this.#residual = new Float64Array(shape.shared);
  }

  predict(id: string, x: Float64Array, z: Float64Array, into: Prediction, residual = this.#residual): void {
    predictArm(this, this.shape.arm === 0 ? undefined : this.arms.get(id), x, z, into, residual);
  }
}

class StoredArms {
  readonly #shape: ModelShape;
  readonly #stored: StoredBeliefs;
  readonly #made = new Map<string, ArmBelief>();

  constructor(shape: ModelShape, stored: StoredBeliefs) {
    this.#shape = shape;
    this.#stored = stored;
  }

  get(id: string): ArmBelief | undefined {
    let arm = this.#made.get(id);
    if (arm === undefined) {
      const index = indexOfKey(this.#stored.ids, id);
      if (index < 0) return undefined;
      this.#made.set(id, (arm = this.#arm(this.#stored.places[index]!)));
    }
    return arm;
  }

  #arm(place: number): ArmBelief {
    const { places, counts, weights, variances, ties, coupling } = this.#stored;
    const of = (values: Float64Array): Float64Array => {
      const width = values.length / places.length;
      return values.subarray(place * width, (place + 1) * width);
    };
    const belief = beliefOf(this.#shape, of(weights), of(variances), of(ties), counts[place]!);
    return { ...belief, coupling: of(coupling) };
  }
}
