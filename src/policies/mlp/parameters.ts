/** How a network is stored in an artifact. Any language can make it: see packed.ts for the form of the numbers. */
import { z } from 'zod';
import { packedFloatsSchema, packFloats, unpackFloat32, type PackedFloats } from '../packed.js';
import type { DenseLayer, Layers } from './network.js';

/** Units of a layer, actions, and numbers of an observation. */
export const MLP_WIDTH_MAX = 4096;
export const MLP_LAYERS_MAX = 8;

const finite = z.number().refine(Number.isFinite, 'must be finite');

const layerSchema = z
  .strictObject({
    /** Shape [inputs, outputs]. */
    weights: packedFloatsSchema,
    /** Shape [outputs]. */
    bias: packedFloatsSchema,
  })
  .superRefine(({ weights, bias }, context) => {
    const issue = (message: string, field: string): void =>
      context.addIssue({ code: 'custom', message, path: [field, 'shape'] });
    for (const [field, packed] of Object.entries({ weights, bias }))
      if (packed.encoding !== 'f32-base64')
        context.addIssue({ code: 'custom', message: 'must be f32-base64', path: [field, 'encoding'] });
    if (weights.shape.length !== 2) issue('must be [inputs, outputs]', 'weights');
    else if (weights.shape.some((length) => length < 1 || length > MLP_WIDTH_MAX))
      issue(`must be from 1 to ${MLP_WIDTH_MAX}`, 'weights');
    if (bias.shape.length !== 1 || bias.shape[0] !== weights.shape[1]) issue('must be [outputs]', 'bias');
  });

export const observationScalingSchema = z.strictObject({
  /** What the network is given of number i of an observation is (x_i − offset_i)·scale_i. */
  offset: z.array(finite).max(MLP_WIDTH_MAX),
  scale: z.array(finite).max(MLP_WIDTH_MAX),
});
export type ObservationScaling = z.infer<typeof observationScalingSchema>;

export const mlpQParametersSchema = z
  .strictObject({
    /** Candidate ids, in the order of the network's outputs. */
    actions: z.array(z.string().min(1).max(256)).min(1).max(MLP_WIDTH_MAX),
    /** In order; max(0, x) after each but the last. */
    layers: z.array(layerSchema).min(1).max(MLP_LAYERS_MAX),
    observation: z
      .strictObject({
        /** Names of its numbers, for explanations. */
        terms: z.array(z.string().max(128)).max(MLP_WIDTH_MAX).optional(),
        scaling: observationScalingSchema.optional(),
      })
      .default({}),
    /** How often each action was learned from, in the order of `actions`; only for explanations. */
    counts: z.array(z.number().int().nonnegative()).max(MLP_WIDTH_MAX).optional(),
    exploration: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('epsilon-greedy'), epsilon: z.number().min(0).max(1) }),
      /** Boltzmann: p ∝ exp(q/temperature). */
      z.strictObject({ kind: z.literal('softmax'), temperature: z.number().positive().max(1e9) }),
    ]),
  })
  .superRefine(({ actions, layers, observation, counts }, context) => {
    const issue = (message: string, ...path: (string | number)[]): void =>
      context.addIssue({ code: 'custom', message, path });
    if (new Set(actions).size !== actions.length) issue('must not repeat', 'actions');
    for (const [i, layer] of layers.entries())
      if (i > 0 && layer.weights.shape[0] !== layers[i - 1]!.weights.shape[1])
        issue('must take what the layer before gives', 'layers', i, 'weights', 'shape');
    if (layers.at(-1)?.weights.shape[1] !== actions.length)
      issue('must give one value an action', 'layers', layers.length - 1, 'weights', 'shape');
    const inputs = layers[0]?.weights.shape[0];
    const { terms, scaling } = observation;
    if (terms !== undefined && terms.length !== inputs) issue('must name every input', 'observation', 'terms');
    if (scaling !== undefined && (scaling.offset.length !== inputs || scaling.scale.length !== inputs))
      issue('must have a number for every input', 'observation', 'scaling');
    if (counts !== undefined && counts.length !== actions.length) issue('must have one an action', 'counts');
  });
export type MlpQParameters = z.infer<typeof mlpQParametersSchema>;

/** A layer as it is stored. Throws Invariant `PACKED_FLOATS_INVALID` where a weight is not finite. */
export function packLayers(layers: Layers): { weights: PackedFloats; bias: PackedFloats }[] {
  return layers.map(({ weights, bias, inputs, outputs }) => ({
    weights: packFloats(weights, [inputs, outputs]),
    bias: packFloats(bias),
  }));
}

/** The layers of parameters that have passed the schema. */
export function unpackLayers(layers: MlpQParameters['layers']): DenseLayer[] {
  return layers.map(({ weights, bias }) => ({
    inputs: weights.shape[0]!,
    outputs: weights.shape[1]!,
    weights: unpackFloat32(weights),
    bias: unpackFloat32(bias),
  }));
}

/** Writes a scaled observation into `into`. */
export function scaleObservation(
  observation: ArrayLike<number>,
  scaling: ObservationScaling | undefined,
  into: Float32Array,
): void {
  for (let i = 0; i < into.length; i++)
    into[i] = scaling === undefined ? observation[i]! : (observation[i]! - scaling.offset[i]!) * scaling.scale[i]!;
}
