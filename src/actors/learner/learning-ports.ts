/** What whoever learns or judges needs of the cluster, wherever the learner runs. */
import type { Clock } from '../../kernel/clock.js';
import type { ArtifactStore } from '../../policies/registry/artifact-store.js';
import type { Surface } from '../../surfaces/surface.js';
import type { ArtifactOpener } from '../artifacts/opener.js';
import type { CheckpointStore } from './checkpoint.js';
import type { ExperienceSource } from './record-inbox.js';
import type { VerdictStore } from './verdict-store.js';

export interface LearningPorts {
  readonly source: ExperienceSource;
  readonly artifacts: ArtifactStore;
  readonly checkpoints: CheckpointStore;
  readonly verdicts: VerdictStore;
  /** What policies must fit; not looked at where it is left out. */
  readonly surface?: Surface | undefined;
  readonly opener: Pick<ArtifactOpener, 'check'>;
  readonly clock: Clock;
  /** Schema to write checkpoints in; this build's, where left out. */
  readonly writes?: (() => number) | undefined;
}
