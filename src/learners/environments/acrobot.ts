/**
 * Acrobot-v1: two links, a motor between them, and a line above to be reached by the lower one's end. The dynamics of
 * R. Sutton, _Generalization in reinforcement learning_, NIPS 1996, in the book version (R. Sutton, A. Barto,
 * _Reinforcement Learning_) that is the default of Gymnasium's `classic_control/acrobot.py`.
 */
import type { Random } from '../../kernel/random.js';
import { clamp, uniform, type Dynamics } from './episodes.js';

const GRAVITY = 9.8;
/** Both links: length, mass and moment of inertia 1, centre of mass in the middle. */
const LENGTH = 1;
const MASS = 1;
const CENTRE = 0.5;
const INERTIA = 1;
const SPEED_1_MAX = 4 * Math.PI;
const SPEED_2_MAX = 9 * Math.PI;
/** Seconds between two steps, integrated in one step of Runge and Kutta. */
const DT = 0.2;
const START_MAX = 0.1;

/** Angle of the first link from hanging down, of the second from the first, and their velocities; rad and rad/s. */
type State = readonly [theta1: number, theta2: number, dTheta1: number, dTheta2: number];

/**
 * Observation: cos and sin of both angles, both angular velocities. Actions: torque −1, 0 or 1. −1 for each step, 0 for
 * the one that reaches the line.
 */
export class Acrobot implements Dynamics {
  readonly id = 'Acrobot-v1';
  readonly observationSize = 6;
  readonly actions = 3;
  readonly maxSteps = 500;
  #state: State = [0, 0, 0, 0];

  begin(random: Random): void {
    const draw = (): number => uniform(random, -START_MAX, START_MAX);
    this.#state = [draw(), draw(), draw(), draw()];
  }

  advance(action: number): { reward: number; terminated: boolean } {
    const [theta1, theta2, dTheta1, dTheta2] = rungeKutta4(this.#state, action - 1);
    this.#state = [
      wrapped(theta1),
      wrapped(theta2),
      clamp(dTheta1, -SPEED_1_MAX, SPEED_1_MAX),
      clamp(dTheta2, -SPEED_2_MAX, SPEED_2_MAX),
    ];
    const terminated = -Math.cos(this.#state[0]) - Math.cos(this.#state[1] + this.#state[0]) > 1;
    return { reward: terminated ? 0 : -1, terminated };
  }

  observe(): Float64Array {
    const [theta1, theta2, dTheta1, dTheta2] = this.#state;
    return Float64Array.of(Math.cos(theta1), Math.sin(theta1), Math.cos(theta2), Math.sin(theta2), dTheta1, dTheta2);
  }
}

/** Time derivatives of a state under a torque. */
function derivatives([theta1, theta2, dTheta1, dTheta2]: State, torque: number): State {
  const d1 =
    MASS * CENTRE ** 2 + MASS * (LENGTH ** 2 + CENTRE ** 2 + 2 * LENGTH * CENTRE * Math.cos(theta2)) + 2 * INERTIA;
  const d2 = MASS * (CENTRE ** 2 + LENGTH * CENTRE * Math.cos(theta2)) + INERTIA;
  const phi2 = MASS * CENTRE * GRAVITY * Math.cos(theta1 + theta2 - Math.PI / 2);
  const phi1 =
    -MASS * LENGTH * CENTRE * dTheta2 ** 2 * Math.sin(theta2) -
    2 * MASS * LENGTH * CENTRE * dTheta2 * dTheta1 * Math.sin(theta2) +
    (MASS * CENTRE + MASS * LENGTH) * GRAVITY * Math.cos(theta1 - Math.PI / 2) +
    phi2;
  const ddTheta2 =
    (torque + (d2 / d1) * phi1 - MASS * LENGTH * CENTRE * dTheta1 ** 2 * Math.sin(theta2) - phi2) /
    (MASS * CENTRE ** 2 + INERTIA - d2 ** 2 / d1);
  const ddTheta1 = -(d2 * ddTheta2 + phi1) / d1;
  return [dTheta1, dTheta2, ddTheta1, ddTheta2];
}

const moved = (s: State, by: State, dt: number): State => [
  s[0] + dt * by[0],
  s[1] + dt * by[1],
  s[2] + dt * by[2],
  s[3] + dt * by[3],
];

function rungeKutta4(state: State, torque: number): State {
  const k1 = derivatives(state, torque);
  const k2 = derivatives(moved(state, k1, DT / 2), torque);
  const k3 = derivatives(moved(state, k2, DT / 2), torque);
  const k4 = derivatives(moved(state, k3, DT), torque);
  const part = (i: 0 | 1 | 2 | 3): number => state[i] + (DT / 6) * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
  return [part(0), part(1), part(2), part(3)];
}

/** The same angle in [−π, π]. */
function wrapped(angle: number): number {
  let inside = angle;
  while (inside > Math.PI) inside -= 2 * Math.PI;
  while (inside < -Math.PI) inside += 2 * Math.PI;
  return inside;
}
