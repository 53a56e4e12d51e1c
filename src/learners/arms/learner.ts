/** The one learner of independent arms: kinds differ in what counts as evidence and in the policy they export. */
import type { Experience } from '../../messages/decisions.js';
import type { Learner, PolicyExport, UpdateReport } from '../learner.js';
import { isLearnable, trialsOf, type Rewarded } from '../credit.js';
import { ArmTable, type SavedTable } from './arm-table.js';
import type { ArmConfig } from './config.js';
import type { EvidenceKind } from './evidence.js';

export interface ArmLearnerSetup<E> {
  readonly config: ArmConfig;
  readonly evidence: EvidenceKind<E>;
  /** From a reward within the configured range to the outcome of a trial. */
  readonly outcomeOf: (reward: number) => number;
  /** The reward of an item that was shown while another one was rewarded; nothing if left out. */
  readonly uncredited?: number;
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
      if (!isLearnable(experience, experience.status, this.#setup.config)) continue;
      const trials = this.#trials(experience.slate, experience);
      if (trials.length === 0) continue;
      this.#table.begin();
      learned++;
      for (const [id, outcome] of trials) {
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
    const { config } = this.#setup;
    if (config.corrections === 'skip' || corrects === undefined) return false;
    if (!isLearnable(experience, corrects.status, config) || !Number.isFinite(corrects.reward)) return false;
    const before = this.#trials(slate, corrects);
    let changed = false;
    this.#trials(slate, experience).forEach(([id, to], i) => {
      const from = before[i]![1];
      if (from !== to && this.#table.revise(id, from, to, state)) changed = true;
    });
    return changed;
  }

  /** Each item that the policy chose, with what its trial gave. */
  #trials(slate: Experience['slate'], rewarded: Rewarded): [id: string, outcome: number][] {
    const { config, outcomeOf, uncredited } = this.#setup;
    return trialsOf(slate, rewarded, config.reward, uncredited).map(([id, reward]) => [id, outcomeOf(reward)]);
  }
}
