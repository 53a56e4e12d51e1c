/** A session in a worker thread, with a deadline on every call. */
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { CallThread, ownBytes } from '../../kernel/thread-calls.js';
import { workerEntry } from '../../kernel/worker-entry.js';
import type { SealedArtifact } from '../../policies/artifact.js';
import type {
  ArtifactMeta,
  CheckpointMeta,
  ExperienceRecord,
  GateAnswer,
  GateStep,
  SessionProgress,
  SessionSpec,
  Trainer,
} from './trainer.js';
import type { WorkerCall } from './worker/protocol.js';

/** A learner that heeds its signal gets so much longer to say so. */
const GRACE_MS = 500;
/** Loading the plug-in and a large checkpoint may take longer than a batch. */
const START_MS = 30_000;

export interface WorkerTrainerOptions {
  readonly clock: Clock;
  readonly updateDeadlineMs: number;
  readonly heapMbMax: number;
}

const ENTRY = workerEntry('./worker/entry', import.meta.url);

export class WorkerTrainer implements Trainer {
  readonly #thread: CallThread<WorkerCall>;
  readonly #updateDeadlineMs: number;

  constructor({ clock, updateDeadlineMs, heapMbMax }: WorkerTrainerOptions) {
    this.#updateDeadlineMs = updateDeadlineMs;
    this.#thread = new CallThread({ entry: ENTRY, heapMbMax, clock, hung, crashed });
  }

  async start(spec: SessionSpec, checkpoint: Uint8Array | undefined): Promise<SessionProgress> {
    // A large one is handed over: a copy would hold up decisions.
    const own = checkpoint && ownBytes(checkpoint);
    const call: WorkerCall = { call: 'start', spec, checkpoint: own };
    return (await this.#thread.call(call, START_MS, own ? [own.buffer] : [])) as SessionProgress;
  }

  async fold(records: readonly ExperienceRecord[], idle: boolean): Promise<SessionProgress> {
    // A payload may be a view of a large network buffer, and cloning a view clones the whole of what is behind it.
    const copies = records.map(({ sequence, subject, payload }) => ({
      sequence,
      subject,
      payload: Uint8Array.from(payload),
    }));
    const deadlineMs = this.#updateDeadlineMs;
    const call: WorkerCall = { call: 'fold', records: copies, idle, deadlineMs };
    const transfer = copies.map((copy) => copy.payload.buffer);
    return (await this.#thread.call(call, deadlineMs + GRACE_MS, transfer)) as SessionProgress;
  }

  async exportArtifact(meta: ArtifactMeta): Promise<SealedArtifact> {
    return (await this.#thread.call({ call: 'export', meta }, this.#updateDeadlineMs)) as SealedArtifact;
  }

  async save(meta: CheckpointMeta): Promise<Uint8Array> {
    return (await this.#thread.call({ call: 'save', meta }, this.#updateDeadlineMs)) as Uint8Array;
  }

  async gate(step: GateStep): Promise<GateAnswer> {
    return (await this.#thread.call({ call: 'gate', step }, this.#updateDeadlineMs)) as GateAnswer;
  }

  stop(): Promise<void> {
    return this.#thread.stop(new EngineError('Invariant', 'LEARNER_STOPPED', 'The learner was stopped.'));
  }
}

const hung = (deadlineMs: number): EngineError =>
  new EngineError('Invariant', 'LEARNER_HUNG', `The learner did not answer within ${deadlineMs} ms.`);

const crashed = (why: string, cause: unknown): EngineError =>
  new EngineError('Invariant', 'LEARNER_CRASHED', `The learner's thread ended: ${why}.`, { cause });
