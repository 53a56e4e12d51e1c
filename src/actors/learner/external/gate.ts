/**
 * The promotion gate of a learner in another process. It reads what is held out by itself, from a place of its own in the
 * stream: what the learner asks for, or asks for twice, changes nothing in the evidence.
 */
import { EngineError } from '../../../kernel/errors.js';
import { HeldOutSplit } from '../../../learners/promotion/holdout.js';
import type { GateSettings, GateView } from '../../../learners/promotion/index.js';
import type { Experience } from '../../../messages/decisions.js';
import { RECORD_VERSION } from '../../../messages/versions.js';
import { surfaceShape } from '../../../surfaces/policy-fit.js';
import { saveRestMs } from '../checkpoint.js';
import { fittedArtifacts } from '../fitted-artifacts.js';
import { GateKeeper, pendingVerdict } from '../gate-keeper.js';
import type { LearningPorts } from '../learning-ports.js';
import type { LearnerSettings } from '../settings.js';
import type { Gated, GateAnswer, GateProgress, GateStep } from '../trainer.js';
import { streamPlaceOf } from './cursor.js';
import { ExperiencePages, type ExperiencePage } from './experience-pages.js';
import type { GateRunner, Proposal, RunningGate } from './gate-session.js';
import { leaseLost } from './requests.js';

export interface DeskGatePorts extends LearningPorts {
  /** Where the gate judges. */
  readonly runner: GateRunner;
}

/** One session's part in it. */
export interface DeskGateSession {
  readonly epoch: number;
  /** Whether the session's lease is still its own. */
  readonly held: () => boolean;
  /** Runs a task while nothing else of the desk does. */
  readonly inTurn: <T>(task: () => Promise<T>) => Promise<T>;
  /** Hears why it cannot go on; it tries again by itself. Undefined: it goes on. */
  readonly onFailure: (error: EngineError | undefined) => void;
  /** Hears that the version on trial is live. */
  readonly onPromoted: (version: number) => void;
}

type GatedSettings = LearnerSettings & { readonly gate: GateSettings };

const PAGE_RECORDS_MAX = 512;
const PAGE_WAIT_MS = 1_000;
const RETRY_MS = 500;
/** Experiences that cross to the gate's thread at once: copying more would hold up decisions. */
const JUDGED_AT_ONCE = 32;

export class DeskGate implements Gated<GateProgress> {
  readonly #settings: GatedSettings;
  readonly #ports: DeskGatePorts;
  readonly #session: DeskGateSession;
  readonly #split: HeldOutSplit;
  readonly #keeper: GateKeeper<GateProgress>;
  readonly #pages: ExperiencePages;
  #running: RunningGate | undefined;
  /** How often the gate was started: what was read for the one before is not for the one now. */
  #launches = 0;
  #progress: GateProgress = {};
  #cursor: string | null = null;
  #position = 0;
  #savedPosition: number | undefined;
  /** A verdict or a proposal is not in the checkpoint yet. */
  #owesCheckpoint = false;
  #restUntilMs = -Infinity;
  #failed = false;
  #proposal: Proposal | undefined;
  #stopped = false;
  #wake: () => void = () => undefined;
  #reading: Promise<void> = Promise.resolve();

  /**
   * From its checkpoint, if there is one. Rejects as PromotionGate throws, and with Invariant `CHECKPOINT_*` for a checkpoint that is
   * none of this gate.
   */
  static async open(settings: GatedSettings, ports: DeskGatePorts, session: DeskGateSession): Promise<DeskGate> {
    const gate = new DeskGate(settings, ports, session);
    try {
      await gate.#launch();
      return gate;
    } catch (error) {
      await gate.stop();
      throw error;
    }
  }

  private constructor(settings: GatedSettings, ports: DeskGatePorts, session: DeskGateSession) {
    const { id: learner, surface, policy, gate } = settings;
    const { source, verdicts, clock, opener } = ports;
    this.#settings = settings;
    this.#ports = ports;
    this.#session = session;
    this.#split = new HeldOutSplit(learner, gate.holdout);
    // What is promoted was tried out before its trial, and surfaces change.
    const artifacts = fittedArtifacts(ports.artifacts, opener, surface);
    this.#keeper = new GateKeeper({ policy, anchor: gate.anchor, epoch: session.epoch, artifacts, verdicts, clock });
    this.#pages = new ExperiencePages(source, clock, surface, (decisionId) => this.holdsOut(decisionId));
  }

  /** Whether a decision's experience is for the gate, and so never for the learner. */
  holdsOut(decisionId: string): boolean {
    return this.#split.has(decisionId);
  }

  get view(): GateView {
    return this.#progress.gate!;
  }

  /** Version of the candidate on trial, or promoted and not live yet. */
  get challenger(): number | null {
    return this.view.alias.challenger;
  }

  start(): void {
    this.#reading = this.#run();
  }

  /** Resolves once nothing of it runs any more. What it read since the last checkpoint is read again later. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pages.close();
    this.#wake();
    await this.#reading;
    this.#running?.end();
  }

  /**
   * Puts a proposal on trial against what is live, and keeps that in the checkpoint: its share of the error budget is spent.
   * Gives what it is now. Called in turn. Rejects with Conflict `LEARNER_ON_TRIAL` while a candidate is on trial, and with what
   * ArtifactOpener.seal rejects with.
   */
  async propose(proposal: Proposal): Promise<{ readonly version: number; readonly checksum: string }> {
    try {
      await this.#ready();
      const progress = await this.#keeper.align(this, this.#progress);
      const { current } = progress.gate!;
      if (current !== null)
        throw new EngineError(
          'Conflict',
          'LEARNER_ON_TRIAL',
          `Version ${current.version} is on trial: ${current.text} Publish again after its verdict.`,
        );
      this.#proposal = proposal;
      await this.#keeper.propose(this, progress);
      this.#owesCheckpoint = true;
      const { challenger } = await this.gate({ step: 'look' });
      await this.#save();
      return { version: challenger!.policy.version, checksum: challenger!.checksum };
    } catch (error) {
      // The lease went, and the gate's thread with it.
      throw this.#stopped ? leaseLost() : error;
    } finally {
      this.#proposal = undefined;
    }
  }

  /** Takes what was made live without a trial. Called in turn. */
  async align(): Promise<void> {
    await this.#ready();
    await this.#keeper.align(this, this.#progress);
  }

  /** See Gated. */
  async gate(step: GateStep): Promise<GateAnswer<GateProgress>> {
    const answer = await this.#running!.gate(step, step.step === 'propose' ? this.#proposal : undefined);
    this.#progress = answer.progress;
    return answer;
  }

  /** A gate whose thread has ended goes on from its checkpoint, in another one; what came behind that is read again. */
  async #ready(): Promise<void> {
    if (this.#running?.isOver !== false) await this.#launch();
  }

  async #launch(): Promise<void> {
    const { checkpoints, runner, surface } = this.#ports;
    const { id: learner, surface: surfaceId, gate } = this.#settings;
    const spec = { learner, surface: surfaceId, gate, ...(surface && { fits: surfaceShape(surface) }) };
    const running = await runner.begin(spec, await checkpoints.load(learner, 'gate'));
    if (this.#stopped) {
      running.end();
      throw leaseLost();
    }
    const { progress, cursor } = running.started;
    this.#running = running;
    this.#launches++;
    this.#progress = progress;
    this.#cursor = cursor;
    this.#savedPosition = undefined;
    this.#owesCheckpoint = false;
  }

  get #isOver(): boolean {
    return this.#stopped || !this.#session.held();
  }

  async #run(): Promise<void> {
    let aligned = false;
    while (!this.#isOver) {
      try {
        if (!aligned) await this.#session.inTurn(() => this.align());
        aligned = true;
        await this.#session.inTurn(() => this.#ready());
        const launches = this.#launches;
        const page = await this.#pages.next(this.#cursor, PAGE_RECORDS_MAX, PAGE_WAIT_MS);
        if (this.#isOver) break;
        await this.#session.inTurn(() => this.#take(page, launches));
        if (this.#failed) this.#session.onFailure(undefined);
        this.#failed = false;
      } catch (error) {
        if (this.#isOver) break;
        this.#failed = true;
        this.#session.onFailure(EngineError.from(error));
        await this.#pause();
      }
    }
    this.#pages.close();
  }

  async #take({ records, cursor, position }: ExperiencePage, launches: number): Promise<void> {
    if (launches !== this.#launches) return;
    for (let from = 0; from < records.length; from += JUDGED_AT_ONCE) {
      const portion = records.slice(from, from + JUDGED_AT_ONCE);
      this.#progress = await this.#running!.judge(portion.map(({ experience }) => experience as Experience));
    }
    this.#cursor = cursor;
    this.#position = position;
    this.#savedPosition ??= position;
    if (this.#isOver) return;
    if (pendingVerdict(this.#progress)) await this.#settle();
    const { batchSize, publishEvery } = this.#settings;
    const isEnough = position - this.#savedPosition >= batchSize * publishEvery;
    const isResting = this.#ports.clock.monotonicMs() < this.#restUntilMs;
    if (this.#owesCheckpoint || (isEnough && !isResting)) await this.#save();
  }

  async #settle(): Promise<void> {
    const before = this.view.alias.champion;
    this.#owesCheckpoint = true;
    await this.#keeper.settle(this, this.#progress);
    const { champion } = this.view.alias;
    if (champion !== null && champion !== before) this.#session.onPromoted(champion);
  }

  async #save(): Promise<void> {
    const { checkpoints, clock, writes } = this.#ports;
    const { id: learner } = this.#settings;
    const { epoch } = this.#session;
    const meta = { v: writes?.() ?? RECORD_VERSION, epoch, savedAtMs: clock.nowMs() };
    const bytes = await this.#running!.save(meta, this.#cursor);
    await checkpoints.save(learner, bytes, epoch, 'gate', streamPlaceOf(this.#cursor));
    this.#restUntilMs = clock.monotonicMs() + saveRestMs(bytes.length);
    this.#savedPosition = this.#position;
    this.#owesCheckpoint = false;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#ports.clock.after(RETRY_MS, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
