/**
 * The promotion gate of a learner in another process. It reads what is held out by itself, from a place of its own in the
 * stream: what the learner asks for, or asks for twice, changes nothing in the evidence.
 */
import type { Clock } from '../../../kernel/clock.js';
import { EngineError } from '../../../kernel/errors.js';
import { Slices } from '../../../kernel/slices.js';
import { PromotionGate, type GateSettings, type GateView } from '../../../learners/promotion/index.js';
import type { Experience } from '../../../messages/decisions.js';
import { RECORD_VERSION } from '../../../messages/versions.js';
import type { ArtifactStore } from '../../../policies/registry/artifact-store.js';
import { LEARNED_FAMILIES } from '../../../policies/registry/learned-families.js';
import { saveRestMs, type CheckpointStore } from '../checkpoint.js';
import { GateKeeper, pendingVerdict } from '../gate-keeper.js';
import { takeGateStep } from '../gate-step.js';
import type { ExperienceSource } from '../record-inbox.js';
import type { LearnerSettings } from '../settings.js';
import type { ArtifactMeta, Gated, GateAnswer, GateProgress, GateStep } from '../trainer.js';
import type { VerdictStore } from '../verdict-store.js';
import { decodeGateCheckpoint, encodeGateCheckpoint, GATE_KIND } from './checkpoint.js';
import { ExperiencePages, type ExperiencePage } from './experience-pages.js';

export interface DeskGatePorts {
  readonly source: ExperienceSource;
  readonly artifacts: ArtifactStore;
  readonly checkpoints: CheckpointStore;
  readonly verdicts: VerdictStore;
  readonly clock: Clock;
  /** Schema to write checkpoints in; this build's, where left out. */
  readonly writes?: (() => number) | undefined;
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

export class DeskGate implements Gated<GateProgress> {
  readonly #settings: GatedSettings;
  readonly #ports: DeskGatePorts;
  readonly #session: DeskGateSession;
  readonly #gate: PromotionGate;
  readonly #keeper: GateKeeper<GateProgress>;
  readonly #pages: ExperiencePages;
  readonly #slices: Slices;
  #cursor: string | null;
  #position = 0;
  #savedPosition: number | undefined;
  /** A verdict or a proposal is not in the checkpoint yet. */
  #owesCheckpoint = false;
  #restUntilMs = -Infinity;
  #failed = false;
  #seal: ((meta: ArtifactMeta) => Uint8Array) | undefined;
  #stopped = false;
  #wake: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();

  /** Throws as PromotionGate does, and Invariant `CHECKPOINT_*` for a checkpoint that is none of this gate. */
  constructor(
    settings: GatedSettings,
    ports: DeskGatePorts,
    session: DeskGateSession,
    checkpoint: Uint8Array | undefined,
  ) {
    const { id: learner, surface, policy, gate } = settings;
    const { source, artifacts, verdicts, clock } = ports;
    const saved = checkpoint === undefined ? undefined : decodeGateCheckpoint(checkpoint, learner, surface);
    this.#settings = settings;
    this.#ports = ports;
    this.#session = session;
    this.#gate = new PromotionGate(gate, learner, LEARNED_FAMILIES, saved?.gate);
    this.#cursor = saved?.cursor ?? null;
    this.#keeper = new GateKeeper({ policy, anchor: gate.anchor, epoch: session.epoch, artifacts, verdicts, clock });
    this.#pages = new ExperiencePages(source, clock, surface, (decisionId) => this.holdsOut(decisionId));
    this.#slices = new Slices(clock);
  }

  /** Whether a decision's experience is for the gate, and so never for the learner. */
  holdsOut(decisionId: string): boolean {
    return this.#gate.holdsOut(decisionId);
  }

  get view(): GateView {
    return this.#gate.view();
  }

  /** Version of the candidate on trial, or promoted and not live yet. */
  get challenger(): number | null {
    return this.#gate.challenger?.policy.version ?? null;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Resolves once nothing of it runs any more. What it read since the last checkpoint is read again later. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pages.close();
    this.#wake();
    await this.#running;
  }

  /**
   * Puts what `seal` makes on trial against what is live, and keeps that in the checkpoint: its share of the error budget is
   * spent. Called in turn. Rejects with Conflict `LEARNER_ON_TRIAL` while a candidate is, and with what `seal` throws.
   */
  async propose(seal: (meta: ArtifactMeta) => Uint8Array): Promise<number> {
    const progress = await this.#keeper.align(this, this.#progress);
    const { current } = progress.gate!;
    if (current !== null)
      throw new EngineError(
        'Conflict',
        'LEARNER_ON_TRIAL',
        `Version ${current.version} is on trial: ${current.text} Publish again after its verdict.`,
      );
    this.#seal = seal;
    try {
      await this.#keeper.propose(this, progress);
    } finally {
      this.#seal = undefined;
    }
    this.#owesCheckpoint = true;
    await this.#save();
    return this.challenger!;
  }

  /** Takes what was made live without a trial. Called in turn. */
  async align(): Promise<void> {
    await this.#keeper.align(this, this.#progress);
  }

  /** See Gated. */
  async gate(step: GateStep): Promise<GateAnswer<GateProgress>> {
    const challenger = takeGateStep(this.#gate, step, (meta) => this.#seal!(meta));
    return await Promise.resolve({ progress: this.#progress, challenger });
  }

  get #progress(): GateProgress {
    return { gate: this.#gate.view() };
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
        const page = await this.#pages.next(this.#cursor, PAGE_RECORDS_MAX, PAGE_WAIT_MS);
        if (this.#isOver) break;
        await this.#session.inTurn(() => this.#take(page));
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

  async #take({ records, cursor, position }: ExperiencePage): Promise<void> {
    // Between two pieces nobody asks the gate anything but its view: proposals wait for their turn.
    await this.#slices.each(records.length, (i) => this.#gate.judge(records[i]!.experience as Experience));
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
    const before = this.#gate.championVersion;
    this.#owesCheckpoint = true;
    await this.#keeper.settle(this, this.#progress);
    const { championVersion } = this.#gate;
    if (championVersion !== null && championVersion !== before) this.#session.onPromoted(championVersion);
  }

  async #save(): Promise<void> {
    const { checkpoints, clock, writes } = this.#ports;
    const { id: learner, surface } = this.#settings;
    const { epoch } = this.#session;
    const bytes = encodeGateCheckpoint({
      v: writes?.() ?? RECORD_VERSION,
      learner,
      kind: GATE_KIND,
      surface,
      epoch,
      savedAtMs: clock.nowMs(),
      cursor: this.#cursor,
      gate: this.#gate.save(),
    });
    await checkpoints.save(learner, bytes, epoch, 'gate');
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
