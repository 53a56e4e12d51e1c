/** A session in a worker thread, with a deadline on every call. */
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { workerEntry } from '../../kernel/worker-entry.js';
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
import type { WorkerAnswer, WorkerCall } from './worker/protocol.js';

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
  readonly #worker: Worker;
  readonly #options: WorkerTrainerOptions;
  #settle: ((answer: WorkerAnswer) => void) | undefined;
  #ended: EngineError | undefined;

  constructor(options: WorkerTrainerOptions) {
    this.#options = options;
    this.#worker = new Worker(ENTRY.url, {
      execArgv: ENTRY.execArgv,
      resourceLimits: { maxOldGenerationSizeMb: options.heapMbMax },
    });
    this.#worker.on('message', (answer: WorkerAnswer) => this.#settle?.(answer));
    this.#worker.on('error', (error) => this.#end(crashed(error)));
    this.#worker.on('exit', () => this.#end(crashed(undefined)));
  }

  async start(spec: SessionSpec, checkpoint: Uint8Array | undefined): Promise<SessionProgress> {
    return (await this.#call({ call: 'start', spec, checkpoint }, START_MS)) as SessionProgress;
  }

  async fold(records: readonly ExperienceRecord[], idle: boolean): Promise<SessionProgress> {
    // A payload may be a view of a large network buffer, and cloning a view clones the whole of what is behind it.
    const copies = records.map(({ sequence, subject, payload }) => ({
      sequence,
      subject,
      payload: Uint8Array.from(payload),
    }));
    const deadlineMs = this.#options.updateDeadlineMs;
    const call: WorkerCall = { call: 'fold', records: copies, idle, deadlineMs };
    const transfer = copies.map((copy) => copy.payload.buffer);
    return (await this.#call(call, deadlineMs + GRACE_MS, transfer)) as SessionProgress;
  }

  async exportArtifact(meta: ArtifactMeta): Promise<Uint8Array> {
    return (await this.#call({ call: 'export', meta }, this.#options.updateDeadlineMs)) as Uint8Array;
  }

  async save(meta: CheckpointMeta): Promise<Uint8Array> {
    return (await this.#call({ call: 'save', meta }, this.#options.updateDeadlineMs)) as Uint8Array;
  }

  async gate(step: GateStep): Promise<GateAnswer> {
    return (await this.#call({ call: 'gate', step }, this.#options.updateDeadlineMs)) as GateAnswer;
  }

  async stop(): Promise<void> {
    this.#end(new EngineError('Invariant', 'LEARNER_STOPPED', 'The learner was stopped.'));
    await this.#worker.terminate();
  }

  #call(call: WorkerCall, deadlineMs: number, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(deadlineMs, () => {
        // Code that does not come back cannot be interrupted, only ended with its thread.
        this.#end(new EngineError('Invariant', 'LEARNER_HUNG', `The learner did not answer within ${deadlineMs} ms.`));
        void this.#worker.terminate();
      });
      this.#settle = (answer) => {
        cancel();
        this.#settle = undefined;
        if (answer.ok) resolve(answer.value);
        else reject(EngineError.fromWire(answer.error));
      };
      this.#worker.postMessage(call, [...transfer]);
    });
  }

  #end(error: EngineError): void {
    this.#ended ??= error;
    this.#settle?.({ ok: false, error: this.#ended.toWire() });
  }
}

const crashed = (cause: unknown): EngineError =>
  new EngineError(
    'Invariant',
    'LEARNER_CRASHED',
    `The learner's thread ended: ${cause instanceof Error ? cause.message : 'it exited'}.`,
    { cause },
  );
