/**
 * One learner while this process holds its lease: read, learn, publish, checkpoint; after a failure start over, but for one
 * that would only come again.
 */
import { EngineError } from '../../kernel/errors.js';
import { RECORD_VERSION } from '../../messages/versions.js';
import type { Hold } from '../../policies/registry/artifact-store.js';
import { surfaceShape } from '../../surfaces/policy-fit.js';
import { saveRestMs } from './checkpoint.js';
import { fittedArtifacts } from './fitted-artifacts.js';
import { GateKeeper, pendingVerdict } from './gate-keeper.js';
import {
  initialMode,
  nextMode,
  type LearnerEvent,
  type LearnerMode,
  type LearnerModeState,
} from './learner.machine.js';
import type { LearningPorts } from './learning-ports.js';
import { RecordInbox } from './record-inbox.js';
import type { LearnerSettings } from './settings.js';
import { FIRST_VERDICT, judgePublish, onTrial, type PublishVerdict } from './publish-rule.js';
import { blankStatus, type LearnerStatus } from './status.js';
import { EMPTY_TALLY } from './tally.js';
import type { SessionProgress, SessionSpec, Trainer } from './trainer.js';

export interface LearnerPorts extends LearningPorts {
  readonly launch: (settings: LearnerSettings) => Trainer;
  /** Hears of every change of its mode, and of what it computes with. */
  readonly onMode?: (status: LearnerStatus) => void;
}

/**
 * The one failure after which it does not start over: training follows from checkpoint, stream and configuration alone, so
 * it would diverge at the same place again, for ever. It stays degraded, with its lease and its last good policy.
 */
const DIVERGED = 'LEARNER_DIVERGED';
const WAITING = 'It learns no more until its process is started again, with another configuration or another id.';

const NOTHING: SessionProgress = { position: 0, tally: EMPTY_TALLY };
/** Experience is handed to the thread in portions: every message wakes it, and it is decisions that then wait. */
const GATHER_MS = 50;
interface Published {
  readonly version: number | null;
  readonly atMs: number | null;
  /** Experiences it was learned from, and the last sequence. */
  readonly learned: number;
  readonly position: number;
}

export class LearnerActor {
  readonly #settings: LearnerSettings;
  readonly #ports: LearnerPorts;
  readonly #epoch: number;
  readonly #gate: GateKeeper | undefined;
  #mode: LearnerModeState = initialMode();
  #progress: SessionProgress = NOTHING;
  /** As of the last publication, or of the start where there was none yet. */
  #published: Published = { version: null, atMs: null, learned: 0, position: 0 };
  /** When the first experience that is not in the live version was learned. */
  #staleSinceMs: number | undefined;
  /** After a restart: what the version that is live has learned from, which may be more than was saved. */
  #known = 0;
  /** With a gate: how many experiences the last candidate had learned from. */
  #proposed = 0;
  #savedPosition = 0;
  /** Of the stream that is read. */
  #identity = '';
  /** By the monotonic clock: until then it makes no checkpoint that it could do without. */
  #restUntilMs = -Infinity;
  /** Something was published meanwhile. */
  #owesCheckpoint = false;
  /** As of the last publication, or of the start. */
  #held: Hold | null = null;
  #verdict: PublishVerdict | null = null;
  #inbox: RecordInbox | undefined;
  #stopped = false;
  #cancelPause: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();

  /** `epoch` is the lease's: stores refuse what it writes once a later one has written. */
  constructor(settings: LearnerSettings, epoch: number, ports: LearnerPorts) {
    this.#settings = settings;
    this.#epoch = epoch;
    this.#ports = ports;
    const { verdicts, clock, opener } = ports;
    const { policy, gate, surface } = settings;
    // What it exports was tried out a moment ago; what is promoted was so before its trial, and surfaces change.
    const artifacts = fittedArtifacts(ports.artifacts, opener, surface);
    this.#gate = gate && new GateKeeper({ policy, anchor: gate.anchor, epoch, artifacts, verdicts, clock });
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Resolves once nothing of it runs any more; what was learned since the last checkpoint is learned again later. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#inbox?.close();
    this.#cancelPause();
    await this.#running;
  }

  status(): LearnerStatus {
    const { tally, position } = this.#progress;
    const { experiences, learned, corrections, rewardMean, lossMean, regretProxy, explorationShare } = tally;
    const { past, ahead, malformed } = tally;
    const { reason, failures } = this.#mode.context;
    return {
      ...blankStatus(this.#settings),
      mode: this.#mode.value as LearnerMode,
      epoch: this.#epoch,
      runtime: this.#progress.runtime ?? null,
      version: this.#published.version,
      lastPublishMs: this.#published.atMs,
      experiences,
      learned,
      corrections,
      rewardMean,
      lossMean,
      regretProxy,
      explorationShare,
      coverage: { actions: tally.actionCoverage, states: tally.statesVisited },
      stalenessMs: this.#staleSinceMs === undefined ? 0 : Math.max(0, this.#ports.clock.nowMs() - this.#staleSinceMs),
      unpublished: learned - this.#published.learned,
      publishing: this.#verdict,
      held: this.#held,
      gate: this.#progress.gate ?? null,
      position,
      lag: this.#inbox?.waiting ?? 0,
      skipped: { past, ahead, malformed },
      reason,
      failures,
    };
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      let trainer: Trainer | undefined;
      let waits = false;
      try {
        trainer = this.#ports.launch(this.#settings);
        await this.#session(trainer);
      } catch (error) {
        if (this.#stopped) return;
        const { code, message } = EngineError.from(error);
        waits = code === DIVERGED;
        this.#send({ type: 'Failed', code, reason: waits ? `${message} ${WAITING}` : message });
      } finally {
        this.#inbox?.close();
        this.#inbox = undefined;
        await trainer?.stop();
      }
      if (this.#stopped || waits) return;
      const { restartMs, restartMaxMs } = this.#settings;
      await this.#pause(Math.min(restartMs * 2 ** Math.min(this.#mode.context.failures - 1, 20), restartMaxMs));
      this.#send({ type: 'Restarted' });
    }
  }

  /** Returns after stop(); rejects with whatever goes wrong. */
  async #session(trainer: Trainer): Promise<void> {
    await this.#warm(trainer);
    this.#send({ type: 'Warmed' });
    if (this.#published.version === null) {
      this.#verdict = FIRST_VERDICT;
      await this.#publish(trainer);
    }
    while (!this.#stopped) {
      const { records, idle } = await this.#inbox!.next(this.#settings.batchSize, this.#waitMs());
      if (this.#stopped) return;
      if (records.length > 0) {
        const before = this.#progress;
        this.#progress = await trainer.fold(records, idle);
        if (this.#progress.tally.learned > before.tally.learned) this.#staleSinceMs ??= this.#ports.clock.nowMs();
        if (this.#progress.runtime !== before.runtime) this.#ports.onMode?.(this.status());
      }
      if (pendingVerdict(this.#progress)) await this.#settle(trainer);
      if (this.#publishDue(idle)) await (this.#gate ? this.#propose(this.#gate, trainer) : this.#publish(trainer));
      else if (this.#checkpointDue()) await this.#checkpoint(await this.#encoded(trainer));
    }
  }

  async #warm(trainer: Trainer): Promise<void> {
    const { source, artifacts, checkpoints, clock } = this.#ports;
    const { id, kind, surface, config, seed, batchSize, policy, gate } = this.#settings;
    const [{ identity }, checkpoint, entry] = await Promise.all([
      source.info(),
      checkpoints.load(id),
      artifacts.entry(policy),
    ]);
    const fits = this.#ports.surface && surfaceShape(this.#ports.surface);
    const spec: SessionSpec = {
      learner: id,
      kind,
      surface,
      config,
      seed,
      batchSize,
      stream: { identity },
      ...(gate && { gate }),
      ...(fits && { fits }),
    };
    this.#identity = identity;
    this.#progress = await trainer.start(spec, checkpoint);
    if (this.#gate) this.#progress = await this.#gate.align(trainer, this.#progress);
    this.#savedPosition = this.#progress.position;
    const { learned } = this.#progress.tally;
    this.#published = { ...this.#live(entry?.version ?? null, entry?.publishedAtMs ?? null), learned };
    this.#proposed = learned;
    this.#held = entry?.held ?? null;
    // With nothing saved it starts from nothing, and what it learns from now on is all there is.
    const isResumed = checkpoint !== undefined && this.#gate === undefined && entry?.by === id;
    this.#known = isResumed ? entry.experiences : 0;
    this.#staleSinceMs = undefined;
    this.#inbox = new RecordInbox(source, clock, this.#progress.position + 1, GATHER_MS);
  }

  #publishDue(idle: boolean): boolean {
    const { gate } = this.#progress;
    if (gate?.current) {
      this.#verdict = onTrial(gate.current.text);
      return false;
    }
    this.#verdict = judgePublish(
      {
        unpublished: this.#unpublished(),
        behind: this.#behind(),
        sinceMs: this.#sincePublishMs(),
        sequences: this.#progress.position - this.#published.position,
        idle,
      },
      this.#settings,
    );
    return this.#verdict.publish;
  }

  /** With a gate, what was not on trial yet: the same once more would spend from its error budget for nothing. */
  #unpublished(): number {
    return this.#progress.tally.learned - (this.#gate ? this.#proposed : this.#published.learned);
  }

  /** After enough batches, whether or not there was anything in them for this learner; or what a rest put off. */
  #checkpointDue(): boolean {
    const { batchSize, publishEvery } = this.#settings;
    const isEnough = this.#progress.position - this.#savedPosition >= batchSize * publishEvery;
    return (isEnough || this.#owesCheckpoint) && !this.#isResting();
  }

  #isResting(): boolean {
    return this.#ports.clock.monotonicMs() < this.#restUntilMs;
  }

  #sincePublishMs(): number {
    const { atMs } = this.#published;
    return atMs === null ? Infinity : Math.abs(this.#ports.clock.nowMs() - atMs);
  }

  /** How long to wait for records before looking again whether to publish or to save. */
  #waitMs(): number | undefined {
    const mayPublish = this.#unpublished() > 0 && this.#behind() === 0 && !this.#progress.gate?.current;
    const publishMs = mayPublish ? this.#settings.publishMinMs - this.#sincePublishMs() : Infinity;
    const saveMs = this.#owesCheckpoint ? this.#restUntilMs - this.#ports.clock.monotonicMs() : Infinity;
    const waitMs = Math.min(publishMs, saveMs);
    return waitMs === Infinity ? undefined : Math.max(1, waitMs);
  }

  #behind(): number {
    return Math.max(0, this.#known - this.#progress.tally.learned);
  }

  /**
   * First the artifact, then the checkpoint: after a crash between them the same is learned and published once more,
   * while the other way round it would stay unpublished until something new is learned. And what cannot be exported,
   * such as a NaN, is not checkpointed either.
   */
  async #publish(trainer: Trainer): Promise<void> {
    this.#send({ type: 'PublishDue' });
    const { artifacts, clock } = this.#ports;
    const { policy: policyId } = this.#settings;
    // Not from memory: an operator may have made another version live.
    const entry = await artifacts.entry(policyId);
    const version = (entry?.newest ?? 0) + 1;
    const createdAtMs = clock.nowMs();
    const artifact = await trainer.exportArtifact({ policyId, version, parent: entry?.version, createdAtMs });
    // What could not be saved is not published either: it would be learned and published again after every restart.
    const saved = this.#isResting() ? undefined : await this.#encoded(trainer);
    this.#send({ type: 'Evaluated' });
    if (this.#stopped) return;
    const outcome = await artifacts.publish(artifact, this.#epoch);
    const held = outcome === 'held';
    this.#held = held ? (entry?.held ?? null) : null;
    this.#published = this.#live(held ? (entry?.version ?? null) : version, createdAtMs);
    this.#proposed = this.#progress.tally.learned;
    if (!held) this.#staleSinceMs = undefined;
    if (this.#gate) this.#progress = await this.#gate.align(trainer, this.#progress);
    if (saved) await this.#checkpoint(this.#gate ? await this.#encoded(trainer) : saved);
    else this.#owesCheckpoint = true;
    this.#send({ type: 'Published' });
  }

  #live(version: number | null, atMs: number | null): Published {
    const { tally, position } = this.#progress;
    return { version, atMs, learned: tally.learned, position };
  }

  /** Kept in the checkpoint at once: its share of the error budget is spent. */
  async #propose(gate: GateKeeper, trainer: Trainer): Promise<void> {
    this.#send({ type: 'PublishDue' });
    this.#progress = await gate.propose(trainer, this.#progress);
    this.#proposed = this.#progress.tally.learned;
    this.#verdict = onTrial(this.#progress.gate!.current!.text);
    await this.#checkpoint(await this.#encoded(trainer));
    this.#send({ type: 'Withheld' });
  }

  async #settle(trainer: Trainer): Promise<void> {
    this.#send({ type: 'PublishDue' });
    const learned = this.#proposed;
    this.#progress = await this.#gate!.settle(trainer, this.#progress);
    const version = this.#progress.gate!.alias.champion;
    const promoted = version !== this.#published.version;
    if (promoted) {
      this.#send({ type: 'Evaluated' });
      this.#published = { ...this.#live(version, this.#ports.clock.nowMs()), learned };
      if (this.#progress.tally.learned === learned) this.#staleSinceMs = undefined;
    }
    await this.#checkpoint(await this.#encoded(trainer));
    this.#send({ type: promoted ? 'Published' : 'Withheld' });
  }

  #encoded(trainer: Trainer): Promise<Uint8Array> {
    const v = this.#ports.writes?.() ?? RECORD_VERSION;
    return trainer.save({ v, epoch: this.#epoch, savedAtMs: this.#ports.clock.nowMs() });
  }

  /** Nothing may have been learned since `bytes` were taken. */
  async #checkpoint(bytes: Uint8Array): Promise<void> {
    const { checkpoints, clock } = this.#ports;
    const place = { identity: this.#identity, position: this.#progress.position };
    await checkpoints.save(this.#settings.id, bytes, this.#epoch, 'learner', place);
    this.#restUntilMs = clock.monotonicMs() + saveRestMs(bytes.length);
    this.#savedPosition = this.#progress.position;
    this.#owesCheckpoint = false;
  }

  #send(event: LearnerEvent): void {
    const before = this.#mode.value;
    this.#mode = nextMode(this.#mode, event);
    if (this.#mode.value !== before) this.#ports.onMode?.(this.status());
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#ports.clock.after(delayMs, resolve);
      this.#cancelPause = () => {
        cancel();
        resolve();
      };
    });
  }
}
