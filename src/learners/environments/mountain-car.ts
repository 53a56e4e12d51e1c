/**
 * MountainCar-v0: a car too weak for the hill must swing up. The dynamics of A. Moore, _Efficient memory-based learning
 * for robot control_, Cambridge 1990, as in Gymnasium's `classic_control/mountain_car.py`.
 */
import type { Random } from '../../kernel/random.js';
import { clamp, uniform, type Dynamics } from './episodes.js';

const POSITION_MIN = -1.2;
const POSITION_MAX = 0.6;
const SPEED_MAX = 0.07;
const GOAL = 0.5;
const FORCE = 0.001;
const GRAVITY = 0.0025;

/** Observation: position, velocity. Actions: 0 accelerates to the left, 1 not, 2 to the right. −1 for each step. */
export class MountainCar implements Dynamics {
  readonly id = 'MountainCar-v0';
  readonly observationSize = 2;
  readonly actions = 3;
  readonly maxSteps = 200;
  #position = 0;
  #velocity = 0;

  begin(random: Random): void {
    this.#position = uniform(random, -0.6, -0.4);
    this.#velocity = 0;
  }

  advance(action: number): { reward: number; terminated: boolean } {
    const pull = (action - 1) * FORCE + Math.cos(3 * this.#position) * -GRAVITY;
    this.#velocity = clamp(this.#velocity + pull, -SPEED_MAX, SPEED_MAX);
    this.#position = clamp(this.#position + this.#velocity, POSITION_MIN, POSITION_MAX);
    // The wall on the left stops the car.
    if (this.#position === POSITION_MIN && this.#velocity < 0) this.#velocity = 0;
    return { reward: -1, terminated: this.#position >= GOAL && this.#velocity >= 0 };
  }

  observe(): Float64Array {
    return Float64Array.of(this.#position, this.#velocity);
  }
}
