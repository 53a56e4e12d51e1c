/** The one learner of independent arms: kinds differ in what counts as evidence and in the policy they export. */
import type { Experience } from '../../messages/decisions.js';
import type { Learner, PolicyExport, UpdateReport } from '../learner.js';
import { ArmTable, type SavedTable } from './arm-table.js';
import type { ArmConfig } from './config.js';
import type { EvidenceKind } from './evidence.js';

export interface ArmLearnerSetup<E> {
  readonly config: ArmConfig;
  readonly evidence: EvidenceKind<E>;
  /** From a reward within the configured range to the outcome of a trial. */
  readonly outcomeOf: (reward: number) => number;
  /** The outcome of an item that was shown while another one was rewarded. */
  readonly uncredited: number;
  readonly exportPolicy: (table: ArmTable<E>) => PolicyExport;
}

export class ArmLearner<E> implements Learner<SavedTable<E>> {
  readonly #setup: ArmLearnerSetup<E>;
  readonly #table: ArmTable<E>;

  constructor(setup: ArmLearnerSetup<E>, saved: SavedTable<E> | undefined) {
    this.#setup = setup;
    this.#table = new ArmTable(setup.evidence, setup.config, saved);
  }

  update(batch: readonly Experience[]): UpdateReport {
    let learned = 0;
    let lossSum = 0;
    for (const experience of batch) {
      if (experience.status === 'corrected') {
        if (this.#correct(experience)) learned++;
        continue;
      }
      if (!this.#counts(experience, experience.status)) continue;
      this.#table.begin();
      learned++;
      for (const [id, outcome] of this.#trials(experience.slate, experience)) {
        const error = this.#table.learn(id, outcome, experience.state);
        lossSum += error * error;
      }
    }
    return { learned, lossSum };
  }

  snapshot(): SavedTable<E> {
    return this.#table.save();
  }

  exportPolicy(): PolicyExport {
    return this.#setup.exportPolicy(this.#table);
  }

  /** True if the outcome of a trial that was learned from has changed. */
  #correct(experience: Experience): boolean {
    const { corrects, slate, state } = experience;
    if (this.#setup.config.corrections === 'skip' || corrects === undefined) return false;
    if (!this.#counts(experience, corrects.status) || !Number.isFinite(corrects.reward)) return false;
    const before = this.#trials(slate, corrects);
    let changed = false;
    this.#trials(slate, experience).forEach(([id, to], i) => {
      const from = before[i]![1];
      if (from !== to && this.#table.revise(id, from, to, state)) changed = true;
    });
    return changed;
  }

  /** Something that the policy chose, that was seen, and of which something may be learned. */
  #counts({ ending, slate, reward }: Experience, status: Experience['status']): boolean {
    if (ending === 'withdrawn' || !Number.isFinite(reward) || slate.every(({ forced }) => forced)) return false;
    return status === 'complete' || (status === 'censored' && this.#setup.config.censored === 'learn');
  }

  /** Each item that the policy chose, with what its trial gave. */
  #trials(slate: Experience['slate'], { reward, rewardedId }: Rewarded): [id: string, outcome: number][] {
    const { config, outcomeOf, uncredited } = this.#setup;
    const credited = rewardedId ?? slate[0]?.id;
    const clamped = Math.min(Math.max(reward, config.reward.min), config.reward.max);
    const trials: [string, number][] = [];
    for (const { id, forced } of slate) {
      if (!forced) trials.push([id, id === credited ? outcomeOf(clamped) : uncredited]);
    }
    return trials;
  }
}

type Rewarded = Pick<Experience, 'reward' | 'rewardedId'>;

/** What an item earned of which nothing is said: nothing, or as near to it as rewards go. */
export const nothingEarned = ({ reward }: ArmConfig): number => Math.min(Math.max(0, reward.min), reward.max);
