/** D. Kingma, J. Ba, _Adam: A Method for Stochastic Optimization_, ICLR 2015. */

export interface AdamSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

export interface AdamState {
  /** First and second moment of each parameter. */
  readonly m: Float32Array;
  readonly v: Float32Array;
  readonly steps: number;
}

/** In plain typed arrays: a tensor library spends more on starting its ten operations a parameter than this takes. */
export class Adam {
  readonly #settings: AdamSettings;
  readonly #m: Float32Array;
  readonly #v: Float32Array;
  #steps: number;

  constructor(size: number, settings: AdamSettings, saved?: AdamState) {
    this.#settings = settings;
    this.#m = saved?.m.slice() ?? new Float32Array(size);
    this.#v = saved?.v.slice() ?? new Float32Array(size);
    this.#steps = saved?.steps ?? 0;
  }

  /** Moves the parameters against the gradient, which is multiplied by `scale` first. */
  apply(parameters: Float32Array, gradient: Float32Array, rate: number, scale: number): void {
    const { beta1, beta2, epsilon } = this.#settings;
    const [m, v] = [this.#m, this.#v];
    this.#steps++;
    const correction2 = Math.sqrt(1 - beta2 ** this.#steps);
    const step = (rate * correction2) / (1 - beta1 ** this.#steps);
    const floor = epsilon * correction2;
    for (let i = 0; i < parameters.length; i++) {
      const g = gradient[i]! * scale;
      const first = (m[i] = beta1 * m[i]! + (1 - beta1) * g);
      const second = (v[i] = beta2 * v[i]! + (1 - beta2) * g * g);
      parameters[i]! -= (step * first) / (Math.sqrt(second) + floor);
    }
  }

  /** The arrays are the optimiser's own. */
  state(): AdamState {
    return { m: this.#m, v: this.#v, steps: this.#steps };
  }
}

/** Euclidean norm of a gradient. */
export function normOf(gradient: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < gradient.length; i++) sum += gradient[i]! * gradient[i]!;
  return Math.sqrt(sum);
}
