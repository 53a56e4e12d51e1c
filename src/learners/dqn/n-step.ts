/** Joins steps of an episode into transitions over several steps (R. Sutton 1988; J. Peng, R. Williams 1996). */
import { z } from 'zod';
import { packedFloatsSchema, packFloats, unpackFloat32 } from '../../policies/packed.js';
import type { Situation, Transition } from '../replay-buffer/replay-buffer.js';

export interface Step {
  /** Undefined for a step that belongs to no episode: it is a transition by itself. */
  readonly episode: string | undefined;
  /** Place in the episode; where it is not known steps are taken to follow each other. */
  readonly place: number | undefined;
  readonly observation: Float32Array;
  /** Index. */
  readonly action: number;
  readonly reward: number;
  /** `terminal`: the future is worth nothing; undefined: nobody knows what follows. */
  readonly next: Situation | 'terminal' | undefined;
  /** The episode goes on for this learner. */
  readonly continues: boolean;
}

interface Waiting {
  readonly observation: Float32Array;
  readonly action: number;
  readonly reward: number;
}

interface Episode {
  /** Oldest first; fewer than n. */
  readonly waiting: Waiting[];
  /** What follows the last one. */
  next: Situation;
  /** Place of the last one. */
  place: number | undefined;
}

export const nStepStateSchema = z.array(
  z.strictObject({
    episode: z.string(),
    place: z.number().int().nonnegative().optional(),
    next: packedFloatsSchema,
    mask: z.array(z.union([z.literal(0), z.literal(1)])),
    waiting: z.array(
      z.strictObject({
        observation: packedFloatsSchema,
        action: z.number().int().nonnegative(),
        reward: z.number(),
      }),
    ),
  }),
);
export type NStepState = z.infer<typeof nStepStateSchema>;

export interface NStepSettings {
  readonly n: number;
  readonly discount: number;
  /** Episodes remembered at once; what waits in the one that was quiet for longest is then let go as it is. */
  readonly episodesMax: number;
}

export class NStep {
  readonly #settings: NStepSettings;
  readonly #emit: (transition: Transition) => void;
  /** Those heard of last come last. */
  readonly #episodes = new Map<string, Episode>();

  constructor(settings: NStepSettings, emit: (transition: Transition) => void, saved: NStepState = []) {
    this.#settings = settings;
    this.#emit = emit;
    for (const { episode, place, next, mask, waiting } of saved)
      this.#episodes.set(episode, {
        place,
        next: { observation: unpackFloat32(next), mask: Uint8Array.from(mask) },
        waiting: waiting.map((one) => ({ ...one, observation: unpackFloat32(one.observation) })),
      });
  }

  /**
   * Takes the next step of its episode. A transition spans n steps; fewer at an episode's end, and where a step of it is
   * missing or what follows is not known: then it reaches as far as is known.
   */
  take(step: Step): void {
    const episode = step.episode === undefined ? undefined : this.#episodes.get(step.episode);
    const follows = episode?.place === undefined || step.place === undefined ? true : step.place === episode.place + 1;
    if (step.episode !== undefined && episode !== undefined && (!follows || step.next === undefined))
      this.#flush(step.episode);
    if (step.next === undefined) return;
    const { observation, action, reward } = step;
    const waiting = (follows ? episode?.waiting : undefined) ?? [];
    waiting.push({ observation, action, reward });
    if (step.next === 'terminal' || !step.continues || step.episode === undefined) {
      while (waiting.length > 0) this.#release(waiting, step.next);
      if (step.episode !== undefined) this.#episodes.delete(step.episode);
      return;
    }
    if (waiting.length >= this.#settings.n) this.#release(waiting, step.next);
    this.#episodes.delete(step.episode);
    if (waiting.length === 0) return;
    this.#episodes.set(step.episode, { waiting, next: step.next, place: step.place });
    if (this.#episodes.size > this.#settings.episodesMax) this.#flush(this.#episodes.keys().next().value!);
  }

  /** Nothing that waits in the episode may be learned any more. */
  forget(episode: string): void {
    this.#episodes.delete(episode);
  }

  state(): NStepState {
    return [...this.#episodes].map(([episode, { place, next, waiting }]) => ({
      episode,
      ...(place === undefined ? {} : { place }),
      next: packFloats(next.observation),
      mask: [...next.mask] as (0 | 1)[],
      waiting: waiting.map((one) => ({ ...one, observation: packFloats(one.observation) })),
    }));
  }

  /** Lets go of what waits in an episode, up to where it is known. */
  #flush(id: string): void {
    const episode = this.#episodes.get(id);
    this.#episodes.delete(id);
    while (episode !== undefined && episode.waiting.length > 0) this.#release(episode.waiting, episode.next);
  }

  /** Makes a transition of all that waits and takes the oldest away. */
  #release(waiting: Waiting[], next: Situation | 'terminal'): void {
    const { discount } = this.#settings;
    let reward = 0;
    for (let i = waiting.length - 1; i >= 0; i--) reward = waiting[i]!.reward + discount * reward;
    const { observation, action } = waiting[0]!;
    const ended = next === 'terminal';
    this.#emit({
      observation,
      action,
      reward,
      discount: ended ? 0 : discount ** waiting.length,
      next: ended ? undefined : next,
    });
    waiting.shift();
  }
}
