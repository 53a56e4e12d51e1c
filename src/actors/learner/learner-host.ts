/** Runs the configured learners of a process: each where this process gets its lease, and nowhere twice. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../kernel/clock.js';
import type { Problem } from '../../kernel/config/index.js';
import { EngineError } from '../../kernel/errors.js';
import { encodeToken } from '../../kernel/ids.js';
import { loadPlugin, parseLearnerConfig } from '../../learners/plugin-registry.js';
import type { ArtifactStore } from '../../policies/registry/artifact-store.js';
import type { Surface } from '../../surfaces/surface.js';
import type { ArtifactOpener } from '../artifacts/opener.js';
import type { Keeper } from '../keeper/keeper.js';
import type { CheckpointStore } from './checkpoint.js';
import { EXTERNAL_KIND } from './external/checkpoint.js';
import { ExternalLearnerDesk } from './external/desk.js';
import type { GateRunner } from './external/gate-session.js';
import { GateThread } from './external/gate-thread.js';
import { LearnerActor } from './learner-actor.js';
import { LeaseSeeker } from './lease-seeker.js';
import type { ExperienceSource } from './record-inbox.js';
import { learnerSettingsSchema, type LearnerSettings } from './settings.js';
import { blankStatus, type LearnerStatus } from './status.js';
import type { Trainer } from './trainer.js';
import type { VerdictStore } from './verdict-store.js';
import { WorkerTrainer } from './worker-trainer.js';

/** Answers requests to learners; the returned functions end it. */
export interface LearnerViews {
  /** `attune.learner.<id>.view`. */
  serve(learnerId: string, view: () => LearnerStatus): () => void;
  /** Everything that a learner in another process asks, `attune.learner.<id>.<verb>`. */
  answer(learnerId: string, handle: (verb: string, payload: Uint8Array) => Promise<unknown>): () => void;
}

/** A learner while its place is held: one of ours, or the desk of one in another process. */
interface Runner {
  start(): void;
  stop(): Promise<void>;
  status(): LearnerStatus;
}

export interface LearnerHostOptions {
  /** Each checked against learnerSettingsSchema. */
  readonly learners: readonly unknown[];
  readonly hostId: string;
  readonly source: ExperienceSource;
  readonly artifacts: ArtifactStore;
  /** Knows the same surfaces. */
  readonly opener: ArtifactOpener;
  /** Surfaces by id: what a learner publishes must fit its own. Not looked at where there is none of that name. */
  readonly surfaces?: ReadonlyMap<string, Surface>;
  readonly checkpoints: CheckpointStore;
  readonly verdicts: VerdictStore;
  readonly keeper: Keeper;
  readonly leaseTtlMs: number;
  readonly clock: Clock;
  /** Schema of checkpoints that the cluster's processes all read; this build's, where left out. */
  readonly writes?: () => number;
  readonly views: LearnerViews;
  /** Hears of every change of a learner's mode, and of what it computes with. */
  readonly onMode?: (status: LearnerStatus) => void;
  /** A worker thread each, if left out. */
  readonly launch?: (settings: LearnerSettings) => Trainer;
  /** The same for the gate of a learner in another process. */
  readonly launchGate?: (settings: LearnerSettings) => GateRunner;
}

interface Place {
  readonly settings: LearnerSettings;
  readonly lease: LeaseSeeker;
  actor: Runner | undefined;
  unserve: () => void;
  /** What still has to end before the next activation may begin. */
  ending: Promise<void>;
}

export class LearnerHost {
  readonly #options: LearnerHostOptions;
  readonly #places = new Map<string, Place>();
  readonly #incarnation = randomUUID();
  #stopping = false;

  constructor(options: LearnerHostOptions) {
    this.#options = options;
  }

  /** Checks every learner's configuration, and then begins to claim. Throws Configuration `LEARNERS_INVALID`. */
  async start(): Promise<void> {
    for (const settings of await checkLearners(this.#options.learners)) {
      this.#places.set(settings.id, this.#place(settings));
    }
    for (const { lease } of this.#places.values()) lease.start();
  }

  /** Ends all learners and gives their leases back. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(
      [...this.#places.values()].map(async (place) => {
        this.#deactivate(place);
        await place.ending;
        await place.lease.stop();
      }),
    );
  }

  status(): readonly LearnerStatus[] {
    return [...this.#places.values()].map((place) => place.actor?.status() ?? blankStatus(place.settings));
  }

  /** Undefined where no learner of that id is configured here. */
  view(learnerId: string): LearnerStatus | undefined {
    return this.status().find((status) => status.id === learnerId);
  }

  #place(settings: LearnerSettings): Place {
    const { keeper, leaseTtlMs: ttlMs, clock, hostId: host } = this.#options;
    const owner = { host, incarnation: this.#incarnation };
    const place: Place = {
      settings,
      actor: undefined,
      unserve: () => undefined,
      ending: Promise.resolve(),
      lease: new LeaseSeeker({
        keeper,
        request: { key: leaseKey(settings), owner, renewal: 'progress' },
        ttlMs,
        clock,
        onHeld: (epoch) => this.#activate(place, epoch),
        onLost: () => this.#deactivate(place),
      }),
    };
    return place;
  }

  #activate(place: Place, epoch: number): void {
    if (this.#stopping) return;
    const { views } = this.#options;
    const actor = isExternal(place.settings) ? this.#desk(place) : this.#actor(place, epoch);
    place.actor = actor;
    place.unserve = views.serve(place.settings.id, () => actor.status());
    void place.ending.then(() => {
      if (place.actor === actor) actor.start();
    });
  }

  #actor({ settings }: Place, epoch: number): Runner {
    const { source, artifacts, checkpoints, verdicts, opener, surfaces, clock, writes, onMode, launch } = this.#options;
    return new LearnerActor(settings, epoch, {
      source,
      artifacts,
      checkpoints,
      verdicts,
      opener,
      surface: surfaces?.get(settings.surface),
      clock,
      writes,
      launch:
        launch ?? (({ updateDeadlineMs, heapMbMax }) => new WorkerTrainer({ clock, updateDeadlineMs, heapMbMax })),
      ...(onMode === undefined ? {} : { onMode }),
    });
  }

  #desk({ settings }: Place): Runner {
    const { source, artifacts, checkpoints, verdicts, opener, surfaces, clock, writes, keeper, views } = this.#options;
    const { leaseTtlMs: ttlMs, launchGate } = this.#options;
    const desk = new ExternalLearnerDesk(settings, {
      source,
      artifacts,
      checkpoints,
      verdicts,
      opener,
      surface: surfaces?.get(settings.surface),
      launchGate: () => launchGate?.(settings) ?? new GateThread({ clock, heapMbMax: settings.heapMbMax }),
      clock,
      writes,
      ttlMs,
      leaseFor: (owner) => keeper.acquire({ key: learnerKey(settings), owner, renewal: 'asking' }),
    });
    let unanswer: () => void = () => undefined;
    return {
      start: () => (unanswer = views.answer(settings.id, (verb, payload) => desk.handle(verb, payload))),
      stop: () => {
        unanswer();
        return desk.stop();
      },
      status: () => desk.status(),
    };
  }

  #deactivate(place: Place): void {
    const { actor } = place;
    if (actor === undefined) return;
    place.actor = undefined;
    place.unserve();
    place.ending = place.ending.then(() => actor.stop());
  }
}

const isExternal = ({ kind }: LearnerSettings): boolean => kind === EXTERNAL_KIND;
const learnerKey = ({ id }: LearnerSettings): string => `learner.${encodeToken(id)}`;
/** A learner in another process holds its lease itself; what is claimed here is only the right to serve it. */
const leaseKey = (settings: LearnerSettings): string =>
  isExternal(settings) ? `desk.${encodeToken(settings.id)}` : learnerKey(settings);

/** Loads every plug-in and checks its configuration. Throws Configuration `LEARNERS_INVALID` with every problem. */
async function checkLearners(learners: readonly unknown[]): Promise<readonly LearnerSettings[]> {
  const { checked, problems } = await check(learners);
  if (problems.length === 0) return checked;
  const lines = problems.map(({ field, rule }) => `${field}: ${rule}`);
  throw new EngineError('Configuration', 'LEARNERS_INVALID', lines.join('\n'));
}

/** What is wrong with the configured learners, their plug-ins and what those are configured with. */
export const learnerProblems = async (learners: readonly unknown[]): Promise<readonly Problem[]> =>
  (await check(learners)).problems;

async function check(learners: readonly unknown[]): Promise<{ checked: LearnerSettings[]; problems: Problem[] }> {
  const problems: Problem[] = [];
  const checked: LearnerSettings[] = [];
  for (const [index, candidate] of learners.entries()) {
    const parsed = learnerSettingsSchema.safeParse(candidate);
    if (!parsed.success) {
      for (const { path, message } of parsed.error.issues)
        problems.push({ field: `learners[${index}].${path.join('.')}`, rule: message });
      continue;
    }
    const settings = parsed.data;
    if (checked.some((other) => other.id === settings.id))
      problems.push({ field: `learners[${index}].id`, value: settings.id, rule: 'is used twice' });
    try {
      // What an external learner is configured with is its own affair: it is told when it claims its lease.
      if (!isExternal(settings)) parseLearnerConfig(await loadPlugin(settings.kind), settings.config);
      checked.push(settings);
    } catch (error) {
      problems.push({ field: `learners[${index}]`, rule: EngineError.from(error).message });
    }
  }
  return { checked, problems };
}
