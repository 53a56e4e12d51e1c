/**
 * CartPole-v1: a pole on a cart is kept upright by pushes to the left or the right. The dynamics of A. Barto, R. Sutton,
 * C. Anderson, _Neuronlike adaptive elements that can solve difficult learning control problems_, IEEE Transactions on
 * Systems, Man, and Cybernetics, 1983, as in Gymnasium's `classic_control/cartpole.py`.
 */
import type { Random } from '../../kernel/random.js';
import { uniform, type Dynamics } from './episodes.js';

const GRAVITY = 9.8;
const POLE_MASS = 0.1;
const TOTAL_MASS = 1 + POLE_MASS;
const HALF_LENGTH = 0.5;
const POLE_MASS_LENGTH = POLE_MASS * HALF_LENGTH;
const FORCE = 10;
/** Seconds between two steps. */
const TAU = 0.02;
const ANGLE_MAX = (12 * 2 * Math.PI) / 360;
const POSITION_MAX = 2.4;
const START_MAX = 0.05;

/** Observation: position, velocity, angle (rad), angular velocity. Actions: 0 pushes left, 1 right. 1 for each step. */
export class CartPole implements Dynamics {
  readonly id = 'CartPole-v1';
  readonly observationSize = 4;
  readonly actions = 2;
  readonly maxSteps = 500;
  #state = new Float64Array(4);

  begin(random: Random): void {
    this.#state = Float64Array.from({ length: 4 }, () => uniform(random, -START_MAX, START_MAX));
  }

  advance(action: number): { reward: number; terminated: boolean } {
    const [x, xDot, theta, thetaDot] = this.#state as unknown as [number, number, number, number];
    const force = action === 1 ? FORCE : -FORCE;
    const cos = Math.cos(theta);
    const sin = Math.sin(theta);
    const push = (force + POLE_MASS_LENGTH * thetaDot * thetaDot * sin) / TOTAL_MASS;
    const thetaAcc = (GRAVITY * sin - cos * push) / (HALF_LENGTH * (4 / 3 - (POLE_MASS * cos * cos) / TOTAL_MASS));
    const xAcc = push - (POLE_MASS_LENGTH * thetaAcc * cos) / TOTAL_MASS;
    // Explicit Euler: positions move by the old velocities.
    const next = Float64Array.of(x + TAU * xDot, xDot + TAU * xAcc, theta + TAU * thetaDot, thetaDot + TAU * thetaAcc);
    this.#state = next;
    const terminated = Math.abs(next[0]!) > POSITION_MAX || Math.abs(next[2]!) > ANGLE_MAX;
    return { reward: 1, terminated };
  }

  observe(): Float64Array {
    return this.#state.slice();
  }
}
