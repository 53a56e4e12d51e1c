import { z } from 'zod';
import { MLP_LAYERS_MAX, MLP_WIDTH_MAX, observationScalingSchema } from '../../policies/mlp/parameters.js';
import { creditFields } from '../credit.js';
import { parametersOf } from '../tensor/flat-layers.js';
import { TENSOR_BACKENDS } from '../tensor/backend.js';

/** So that the artifact stays below ARTIFACT_BYTES_MAX: 4 bytes a number, as base64. */
export const PARAMETERS_MAX = 1_400_000;
/** Of the replay buffer, in bytes. */
export const REPLAY_BYTES_MAX = 256 * 1024 * 1024;

const width = z.number().int().min(1).max(MLP_WIDTH_MAX);
const count = (max: number): z.ZodNumber => z.number().int().min(1).max(max);
const share = z.number().min(0).max(1);

const fields = z.strictObject({
  /** Candidate ids that it decides among; experience of others is skipped. */
  actions: z.array(z.string().min(1).max(256)).min(1).max(MLP_WIDTH_MAX),
  observation: z.strictObject({
    /** Numbers of an observation: as many as the surface has `observation` terms. */
    size: width,
    /** Names of them, for explanations. */
    terms: z.array(z.string().max(128)).optional(),
    /** Brings them to about −1 … 1, which networks learn best from. */
    scaling: observationScalingSchema.optional(),
  }),
  /** Units of each hidden layer. */
  hidden: z
    .array(width)
    .max(MLP_LAYERS_MAX - 1)
    .default([64, 64]),
  /** What a reward one step later is worth today. */
  discount: share.default(0.99),
  /** Steps of real reward before a value is trusted. */
  nStep: count(32).default(1),
  /** The online network chooses the next action, the target network values it (van Hasselt 2016). */
  double: z.boolean().default(true),
  /** A value of the state and an advantage of each action (Wang 2016). */
  dueling: z.boolean().default(false),
  /** Transitions kept for learning again. */
  replayMax: count(1_000_000).default(50_000),
  /** Draws transitions in proportion to |error|^alpha (Schaul 2016); left out, all are equal. */
  prioritised: z
    .strictObject({
      alpha: share.default(0.6),
      epsilon: z.number().positive().max(1).default(0.001),
      /** Exponent of the importance weights, growing to 1 over `betaSteps` experiences. */
      beta: share.default(0.4),
      betaSteps: count(1e9).default(50_000),
    })
    .optional(),
  /** Experiences before the first gradient step. */
  warmup: count(1_000_000).default(1000),
  /** After every so many experiences so many gradient steps are made, each on `batchSize` transitions. */
  trainEvery: count(100_000).default(4),
  gradientSteps: count(10_000).default(1),
  batchSize: count(4096).default(64),
  /** Adam's; linear from `rate` to `end` over `steps` experiences, then constant. */
  learningRate: z
    .strictObject({
      rate: z.number().positive().max(1).default(0.0005),
      end: z.number().positive().max(1).optional(),
      steps: count(1e9).default(100_000),
    })
    .default({ rate: 0.0005, steps: 100_000 }),
  adam: z
    .strictObject({
      beta1: z.number().min(0).lt(1).default(0.9),
      beta2: z.number().min(0).lt(1).default(0.999),
      epsilon: z.number().positive().max(1).default(1e-8),
    })
    .default({ beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }),
  /** How the target network follows: a copy every so many gradient steps, or a little at each. */
  target: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('hard'), every: count(1_000_000).default(250) }),
      z.strictObject({ kind: z.literal('polyak'), tau: z.number().gt(0).max(1).default(0.005) }),
    ])
    .default({ kind: 'hard', every: 250 }),
  /** Errors beyond it count linearly (Huber 1964). */
  huberDelta: z.number().positive().max(1e6).default(1),
  /** A longer gradient is shortened to this Euclidean norm. */
  gradientNormMax: z.number().positive().max(1e6).default(10),
  exploration: z
    .discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('epsilon-greedy'),
        /** ε of the exported policy: linear from `start` to `end` over `steps` experiences, then constant. */
        start: share.default(1),
        end: share.default(0.05),
        steps: count(1e9).default(10_000),
      }),
      z.strictObject({ kind: z.literal('softmax'), temperature: z.number().positive().max(1e9) }),
    ])
    .default({ kind: 'epsilon-greedy', start: 1, end: 0.05, steps: 10_000 }),
  withoutNext: creditFields.withoutNext,
  censored: creditFields.censored,
  /** With `nStep` above 1: episodes under way that it remembers. */
  episodesMax: count(100_000).default(1024),
  /** When it gives up, so that the last good policy stays: see guard.ts. */
  guard: z
    .strictObject({
      /** Values may be so many times what the largest reward so far could add up to. */
      valueFactor: z.number().min(1).max(1e9).default(10),
      /** For so many gradient steps on end they may be more. */
      patience: count(1_000_000).default(100),
    })
    .default({ valueFactor: 10, patience: 100 }),
  backend: z.enum(['auto', ...TENSOR_BACKENDS]).default('auto'),
});

export const dqnConfigSchema = fields
  .superRefine((config, context) => {
    const { actions, observation, replayMax } = config;
    const issue = (message: string, ...path: string[]): void => context.addIssue({ code: 'custom', message, path });
    if (new Set(actions).size !== actions.length) issue('must not repeat', 'actions');
    const { size, terms, scaling } = observation;
    if (terms !== undefined && terms.length !== size) issue('must name every number', 'observation', 'terms');
    if (scaling !== undefined && (scaling.offset.length !== size || scaling.scale.length !== size))
      issue('must have one for every number', 'observation', 'scaling');
    const parameters = parametersOf(networkSizes(config));
    if (parameters > PARAMETERS_MAX)
      issue(`make a network of ${parameters} numbers; ${PARAMETERS_MAX} are allowed`, 'hidden');
    const bytes = replayMax * (8 * size + actions.length + 26);
    if (bytes > REPLAY_BYTES_MAX)
      issue(`takes ${bytes} bytes with observations of this size; ${REPLAY_BYTES_MAX} are allowed`, 'replayMax');
  })
  .readonly();
export type DqnConfig = z.infer<typeof dqnConfigSchema>;
export type DqnOptions = z.input<typeof dqnConfigSchema>;

/** Inputs, hidden layers, outputs: one value an action, and with `dueling` that of the state behind them. */
export function networkSizes({ observation, hidden, actions, dueling }: DqnConfig): number[] {
  return [observation.size, ...hidden, actions.length + (dueling ? 1 : 0)];
}
