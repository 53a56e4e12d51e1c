/** A linear model as artifacts and states carry it: plain JSON, with its numbers packed (packed.ts). */
import { z } from 'zod';
import { packedFloatsSchema, packFloats, unpackFloat64, type PackedFloats } from '../packed.js';
import { DiagonalCovariance, FullCovariance, tiesOf, VARIANCE_MAX } from './covariance.js';
import { LinearModel, type ArmBelief, type ModelLimits, type ModelShape, type SharedBelief } from './model.js';

/** Ids of arms are candidates' ids. */
export const ARM_ID_MAX = 256;
const ARMS_MAX = 50_000;
const WEIGHT_MAX = 1e12;

const count = z.number().int().nonnegative();

/**
 * One or many beliefs. Each covariance is U·D·U' with U unit upper triangular; its columns above the diagonal lie one
 * after the other (U_ij at j(j − 1)/2 + i), and are left empty where a covariance is diagonal.
 */
export const beliefsSchema = z.strictObject({
  /** Longest untouched first. */
  ids: z.array(z.string().min(1).max(ARM_ID_MAX)).max(ARMS_MAX),
  /** Observations each arm learned from, in the order of `ids`. */
  counts: z.array(count).max(ARMS_MAX),
  /** Shape [arms, d]: means of the weights (given β = 0, where some are shared). */
  weights: packedFloatsSchema,
  /** Shape [arms, d]: D. */
  variances: packedFloatsSchema,
  /** Shape [arms, d(d − 1)/2] or [arms, 0]: U. */
  ties: packedFloatsSchema,
  /** Shape [arms, d·k]: how the mean moves with the shared weights, M row-major [d, k]. */
  coupling: packedFloatsSchema,
  /** Shapes [k], [k] and [k(k − 1)/2] or [0]: the weights that all arms share. */
  shared: z.strictObject({
    count,
    weights: packedFloatsSchema,
    variances: packedFloatsSchema,
    ties: packedFloatsSchema,
  }),
});
export type PackedBeliefs = z.infer<typeof beliefsSchema>;

/** `f64` keeps every bit; `f32` halves the two large parts, which a policy need not know any better. */
export function packBeliefs({ arms, shape, shared }: LinearModel, precision: 'f32' | 'f64'): PackedBeliefs {
  const all = [...arms.values()];
  const n = all.length;
  const [d, k] = [shape.arm, shape.shared];
  const large = (parts: Float64Array[], dimensions: number[]): PackedFloats => {
    const joined = concatenated(parts, dimensions);
    return packFloats(precision === 'f64' ? joined : Float32Array.from(joined), dimensions);
  };
  const small = (parts: Float64Array[], dimensions: number[]): PackedFloats =>
    packFloats(concatenated(parts, dimensions), dimensions);
  const width = shape.covariance === 'full' ? tiesOf : (): number => 0;
  return {
    ids: [...arms.keys()],
    counts: all.map((arm) => arm.count),
    weights: mutable(
      small(
        all.map((arm) => arm.weights),
        [n, d],
      ),
    ),
    variances: mutable(
      small(
        all.map((arm) => arm.covariance.variances),
        [n, d],
      ),
    ),
    ties: mutable(
      large(
        all.map((arm) => arm.covariance.ties),
        [n, width(d)],
      ),
    ),
    coupling: mutable(
      large(
        all.map((arm) => arm.coupling),
        [n, d * k],
      ),
    ),
    shared: {
      count: shared.count,
      weights: mutable(small([shared.weights], [k])),
      variances: mutable(small([shared.covariance.variances], [k])),
      ties: mutable(large([shared.covariance.ties], [width(k)])),
    },
  };
}

/** The model of beliefs in which `beliefProblem` finds nothing. */
export function unpackBeliefs(packed: PackedBeliefs, shape: ModelShape, limits: ModelLimits): LinearModel {
  const { ids, counts } = packed;
  const [weights, variances, ties, coupling] = [packed.weights, packed.variances, packed.ties, packed.coupling].map(
    unpackFloat64,
  ) as [Float64Array, Float64Array, Float64Array, Float64Array];
  const row = (values: Float64Array, i: number): Float64Array => {
    const width = values.length / ids.length;
    return values.slice(i * width, (i + 1) * width);
  };
  const arms = ids.map((id, i): [string, ArmBelief] => [
    id,
    {
      ...beliefOf(shape, row(weights, i), row(variances, i), row(ties, i), counts[i]!),
      coupling: row(coupling, i),
    },
  ]);
  const { shared } = packed;
  return new LinearModel(shape, limits, {
    arms,
    shared: beliefOf(
      shape,
      unpackFloat64(shared.weights),
      unpackFloat64(shared.variances),
      unpackFloat64(shared.ties),
      shared.count,
    ),
  });
}

/** What does not fit the shape, or cannot be a belief; undefined where all is well. */
export function beliefProblem(
  packed: PackedBeliefs,
  { arm: d, shared: k, covariance }: ModelShape,
): { message: string; path: string[] } | undefined {
  const n = packed.ids.length;
  const width = covariance === 'full' ? tiesOf : (): number => 0;
  if (new Set(packed.ids).size !== n) return { message: 'must not repeat', path: ['ids'] };
  if (d === 0 && n > 0) return { message: 'must be empty where arms have no weights', path: ['ids'] };
  if (packed.counts.length !== n) return { message: 'must have one an id', path: ['counts'] };
  const parts: [string[], PackedFloats, number[], (value: number) => boolean][] = [
    [['weights'], packed.weights, [n, d], isWeight],
    [['variances'], packed.variances, [n, d], isVariance],
    [['ties'], packed.ties, [n, width(d)], isWeight],
    [['coupling'], packed.coupling, [n, d * k], isWeight],
    [['shared', 'weights'], packed.shared.weights, [k], isWeight],
    [['shared', 'variances'], packed.shared.variances, [k], isVariance],
    [['shared', 'ties'], packed.shared.ties, [width(k)], isWeight],
  ];
  for (const [path, floats, shape, isSound] of parts) {
    if (floats.shape.join() !== shape.join())
      return { message: `must be [${shape.join(', ')}]`, path: [...path, 'shape'] };
    const values = unpackFloat64(floats);
    const odd = values.findIndex((value) => !isSound(value));
    if (odd >= 0) return { message: `number ${odd} is out of its range: ${values[odd]}`, path: [...path, 'data'] };
  }
  return undefined;
}

const isWeight = (value: number): boolean => Math.abs(value) <= WEIGHT_MAX;
const isVariance = (value: number): boolean => value > 0 && value <= VARIANCE_MAX;

/** A belief of a model of that shape, in these numbers. */
export function beliefOf(
  { covariance }: ModelShape,
  weights: Float64Array,
  variances: Float64Array,
  ties: Float64Array,
  learned: number,
): SharedBelief {
  return {
    weights,
    covariance: covariance === 'full' ? new FullCovariance(variances, ties) : new DiagonalCovariance(variances),
    count: learned,
  };
}

function concatenated(parts: readonly Float64Array[], dimensions: readonly number[]): Float64Array {
  const joined = new Float64Array(dimensions.reduce((size, length) => size * length, 1));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** The same, as the schema's type has it. */
const mutable = ({ encoding, shape, data }: PackedFloats): z.infer<typeof packedFloatsSchema> => ({
  encoding,
  shape: [...shape],
  data,
});
