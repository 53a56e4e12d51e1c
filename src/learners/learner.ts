/** What a learner is: a plug-in that turns experience into the parameters of a policy. */
import type { ZodType } from 'zod';
import type { SeededRandom } from '../kernel/random.js';
import type { Experience } from '../messages/decisions.js';

export interface LearnerDeps {
  /** The only source of chance. Its state is checkpointed with the learner's. */
  readonly random: SeededRandom;
  readonly surface: string;
}

export interface UpdateReport {
  /** Experiences of the batch that changed the learner; the others were skipped for a reason its README states. */
  readonly learned: number;
  /** Sum over those of the learner's own loss, such as a squared temporal-difference error. */
  readonly lossSum?: number;
}

/** What `exportPolicy` gives: the family that reads it, and parameters of that family's schema, plain JSON. */
export interface PolicyExport {
  readonly family: string;
  readonly parameters: unknown;
}

/**
 * Owned by one worker, called by one caller at a time. After a throw it is discarded and made again from its last saved
 * state. Never reads a clock.
 */
export interface Learner<State> {
  /** What it computes with, in words for an operator ('TensorFlow.js, wasm'); undefined before it is known. */
  readonly runtime?: string | undefined;
  /**
   * Learns from experiences in stream order. Stops soon after `signal` aborts, by rejecting; a learner that does not
   * is terminated with its worker.
   */
  update(batch: readonly Experience[], signal: AbortSignal): UpdateReport | Promise<UpdateReport>;
  /** Everything `create` needs to go on exactly as this one would; plain JSON, every number finite. */
  snapshot(): State;
  exportPolicy(): PolicyExport;
}

export interface LearnerPlugin<Config, State> {
  /** 'beta-thompson', 'q-learning', … */
  readonly kind: string;
  /**
   * True if update(x ++ y) leaves the same state as update(x) and then update(y). Such a learner may be given part of a
   * batch while its stream is idle; any other one waits until the batch is full.
   */
  readonly incremental: boolean;
  readonly configSchema: ZodType<Config>;
  readonly stateSchema: ZodType<State>;
  create(config: Config, deps: LearnerDeps, saved?: State): Learner<State>;
}

/** A plug-in whose types are known only to itself; its schemas check what it is given. */
export type AnyLearnerPlugin = LearnerPlugin<unknown, unknown>;

/** Hides a plug-in's own types. Sound, because config and state pass its schemas before they reach `create`. */
export const anyPlugin = <Config, State>(plugin: LearnerPlugin<Config, State>): AnyLearnerPlugin =>
  plugin as unknown as AnyLearnerPlugin;
