/** A transition table as an environment. */
import type { Random } from '../../kernel/random.js';
import type { Environment } from './environment.js';
import { environmentOf, type Dynamics } from './episodes.js';
import { startMass, type TransitionTable } from './transition-table.js';

/** The observation is the state's index. The table must have passed `parseTransitionTable`. */
export function tabularEnvironment(table: TransitionTable, seed?: number): Environment {
  return environmentOf(new Tabular(table), seed);
}

class Tabular implements Dynamics {
  readonly id: string;
  readonly observationSize = 1;
  readonly states: number;
  readonly actions: number;
  readonly maxSteps: number;
  readonly #table: TransitionTable;
  readonly #starts: readonly (readonly [p: number, state: number])[];
  readonly #masks: readonly Uint8Array[] | undefined;
  #state = 0;

  constructor(table: TransitionTable) {
    this.id = table.env;
    this.states = table.nS;
    this.actions = table.nA;
    this.maxSteps = table.horizon;
    this.#table = table;
    this.#starts = [...startMass(table)].map((p, state) => [p, state] as const).filter(([p]) => p > 0);
    this.#masks = table.action_mask?.map((row) => Uint8Array.from(row));
  }

  begin(random: Random): void {
    this.#state = drawn(this.#starts, random)[1];
  }

  advance(action: number, random: Random): { reward: number; terminated: boolean } {
    const [, next, reward, terminated] = drawn(this.#table.T[this.#state]![action]!, random);
    this.#state = next;
    return { reward, terminated };
  }

  observe(): Float64Array {
    return Float64Array.of(this.#state);
  }

  mask(): Uint8Array | undefined {
    return this.#masks?.[this.#state]!.slice();
  }
}

/** Inverse transform; rounding at the end falls to the last that can happen at all. */
function drawn<T extends readonly [p: number, ...rest: unknown[]]>(outcomes: readonly T[], random: Random): T {
  let left = random.next();
  let last = outcomes[0]!;
  for (const outcome of outcomes) {
    if (outcome[0] <= 0) continue;
    last = outcome;
    left -= outcome[0];
    if (left < 0) return outcome;
  }
  return last;
}
