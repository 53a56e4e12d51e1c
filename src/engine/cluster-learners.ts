/** Every configured learner, wherever it runs: asked for its view. */
import { learnerSettingsSchema, type LearnerSettings } from '../actors/learner/settings.js';
import { blankStatus, type LearnerStatus } from '../actors/learner/status.js';
import type { ActorClient, LearnerDirectory } from '../gateway/ports.js';
import { encodeToken, ENGINE_APP } from '../kernel/ids.js';

export class ClusterLearners implements LearnerDirectory {
  readonly ids: readonly string[];
  private readonly learners: readonly LearnerSettings[];

  /** `configured` as in the configuration; where it is not valid, the process that runs learners says so at its boot. */
  constructor(
    configured: readonly unknown[],
    private readonly actors: ActorClient,
  ) {
    this.learners = configured.flatMap((one) => {
      const parsed = learnerSettingsSchema.safeParse(one);
      return parsed.success ? [parsed.data] : [];
    });
    this.ids = this.learners.map(({ id }) => id);
  }

  /** In the order of the configuration. */
  list(deadlineMs: number): Promise<readonly LearnerStatus[]> {
    return Promise.all(
      this.learners.map(async (settings): Promise<LearnerStatus> => {
        try {
          const token = encodeToken(settings.id);
          return (await this.actors.request(
            'learner',
            token,
            'view',
            {},
            { deadlineMs, app: ENGINE_APP },
          )) as LearnerStatus;
        } catch {
          return { ...blankStatus(settings), reason: 'No process that runs it has answered.' };
        }
      }),
    );
  }
}
