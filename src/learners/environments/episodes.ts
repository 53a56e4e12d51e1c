/** An environment made of its dynamics: seeds, the step limit and the order of calls are the same for all. */
import { invalidRequest } from '../../kernel/errors.js';
import { seededRandom, type Random, type SeededRandom } from '../../kernel/random.js';
import type { Environment, Reset, Step, StepInfo } from './environment.js';

/** How one world moves; holds its state. Chance comes from the generator that it is handed. */
export interface Dynamics {
  readonly id: string;
  readonly observationSize: number;
  readonly states?: number;
  readonly actions: number;
  readonly maxSteps: number;
  /** Puts the world into a starting state. */
  begin(random: Random): void;
  /** Moves the world; `action` is one of 0 … actions − 1. */
  advance(action: number, random: Random): { readonly reward: number; readonly terminated: boolean };
  /** A fresh array. */
  observe(): Float64Array;
  /** Which actions may be chosen now; undefined where all may be. */
  mask?(): Uint8Array | undefined;
}

/** Gymnasium's default of no seed is entropy; ours is a number, so that every run can be repeated. */
export const SEED_DEFAULT = 0;

export function environmentOf(dynamics: Dynamics, seed: number = SEED_DEFAULT): Environment {
  return new Episodes(dynamics, seed);
}

class Episodes implements Environment {
  readonly id: string;
  readonly observationSize: number;
  readonly states?: number;
  readonly actions: number;
  readonly maxSteps: number;
  readonly #dynamics: Dynamics;
  #random: SeededRandom;
  /** Steps taken in the running episode; undefined while none runs. */
  #steps: number | undefined;

  constructor(dynamics: Dynamics, seed: number) {
    this.id = dynamics.id;
    this.observationSize = dynamics.observationSize;
    if (dynamics.states !== undefined) this.states = dynamics.states;
    this.actions = dynamics.actions;
    this.maxSteps = dynamics.maxSteps;
    this.#dynamics = dynamics;
    this.#random = seededRandom(checkedSeed(seed));
  }

  reset(seed?: number): Reset {
    if (seed !== undefined) this.#random = seededRandom(checkedSeed(seed));
    this.#dynamics.begin(this.#random);
    this.#steps = 0;
    return { observation: this.#dynamics.observe(), info: this.#info() };
  }

  step(action: number): Step {
    if (this.#steps === undefined)
      throw invalidRequest('ENVIRONMENT_NOT_RESET', `${this.id}: no episode is running: call reset first.`);
    if (!Number.isInteger(action) || action < 0 || action >= this.actions)
      throw invalidRequest('ENVIRONMENT_ACTION', `${this.id}: ${action} is not an action.`, 'action');
    const { reward, terminated } = this.#dynamics.advance(action, this.#random);
    const truncated = ++this.#steps >= this.maxSteps;
    if (terminated || truncated) this.#steps = undefined;
    return { observation: this.#dynamics.observe(), reward, terminated, truncated, info: this.#info() };
  }

  #info(): StepInfo {
    const actionMask = this.#dynamics.mask?.();
    return actionMask === undefined ? {} : { actionMask };
  }
}

function checkedSeed(seed: number): number {
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw invalidRequest('ENVIRONMENT_SEED', `A seed is a whole number from 0, not ${seed}.`, 'seed');
}

/** Uniform in [low, high). */
export const uniform = (random: Random, low: number, high: number): number => low + (high - low) * random.next();

export const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
