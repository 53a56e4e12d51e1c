/** The gate of one external learner in a worker thread: its artifacts may be large, and each held-out decision asks three of them. */
import type { Clock } from '../../../kernel/clock.js';
import { EngineError } from '../../../kernel/errors.js';
import { InTurn } from '../../../kernel/in-turn.js';
import { CallThread, ownBytes } from '../../../kernel/thread-calls.js';
import { workerEntry, type WorkerEntry } from '../../../kernel/worker-entry.js';
import type { Experience } from '../../../messages/decisions.js';
import type { CheckpointMeta, GateAnswer, GateProgress, GateStep } from '../trainer.js';
import type { GateRunner, GateSpec, GateStart, Proposal, RunningGate } from './gate-session.js';

type OwnBytes = Uint8Array<ArrayBuffer>;
type WithOwnBytes<Step> = Step extends { readonly artifact: Uint8Array }
  ? Omit<Step, 'artifact'> & { readonly artifact: OwnBytes }
  : Step;

/** Plain data; bytes are handed over. */
export type GateCall =
  | { readonly call: 'start'; readonly spec: GateSpec; readonly checkpoint: OwnBytes | undefined }
  | { readonly call: 'judge'; readonly experiences: readonly Experience[] }
  | { readonly call: 'gate'; readonly step: WithOwnBytes<GateStep>; readonly proposal: Proposal | undefined }
  | { readonly call: 'save'; readonly meta: CheckpointMeta; readonly cursor: string | null };

/** Of one call: the largest opens three artifacts of 8 MB. */
const DEADLINE_MS = 30_000;

export interface GateThreadOptions {
  readonly clock: Clock;
  readonly heapMbMax: number;
  /** Of tests; the gate's own, if left out. */
  readonly entry?: WorkerEntry;
}

/** The thread lives from one session to the next: whoever claims anew, and again, need not wait for another one to start. */
export class GateThread implements GateRunner {
  readonly #options: GateThreadOptions;
  #thread: CallThread<GateCall>;
  #session: ThreadSession | undefined;
  readonly #turn = new InTurn();
  #stopped = false;

  constructor(options: GateThreadOptions) {
    this.#options = options;
    this.#thread = this.#launch();
  }

  async begin(spec: GateSpec, checkpoint: Uint8Array | undefined): Promise<RunningGate> {
    this.#session?.end();
    if (this.#thread.ended !== undefined && !this.#stopped) this.#thread = this.#launch();
    const thread = this.#thread;
    const session: ThreadSession = new ThreadSession(thread, (call) => this.#call(thread, session, call));
    this.#session = session;
    await session.start(spec, checkpoint);
    return session;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#session?.end();
    await this.#thread.stop(stopped());
  }

  #call(thread: CallThread<GateCall>, session: ThreadSession, call: GateCall): Promise<unknown> {
    const handedOver = bytesOf(call);
    return this.#turn.run(() => {
      if (session.isEnded) throw stopped();
      return thread.call(call, DEADLINE_MS, handedOver ? [handedOver.buffer] : []);
    });
  }

  #launch(): CallThread<GateCall> {
    const { clock, heapMbMax, entry = ENTRY } = this.#options;
    return new CallThread({ entry, heapMbMax, clock, hung, crashed });
  }
}

class ThreadSession implements RunningGate {
  readonly #thread: CallThread<GateCall>;
  readonly #ask: (call: GateCall) => Promise<unknown>;
  #started: GateStart | undefined;
  isEnded = false;

  constructor(thread: CallThread<GateCall>, ask: (call: GateCall) => Promise<unknown>) {
    this.#thread = thread;
    this.#ask = ask;
  }

  get started(): GateStart {
    return this.#started!;
  }

  get isOver(): boolean {
    return this.isEnded || this.#thread.ended !== undefined;
  }

  async start(spec: GateSpec, checkpoint: Uint8Array | undefined): Promise<void> {
    const own = checkpoint && ownBytes(checkpoint);
    this.#started = (await this.#ask({ call: 'start', spec, checkpoint: own })) as GateStart;
  }

  async judge(experiences: readonly Experience[]): Promise<GateProgress> {
    return (await this.#ask({ call: 'judge', experiences })) as GateProgress;
  }

  async gate(step: GateStep, proposal?: Proposal): Promise<GateAnswer<GateProgress>> {
    const given = 'artifact' in step ? { ...step, artifact: ownBytes(step.artifact) } : step;
    return (await this.#ask({ call: 'gate', step: given, proposal })) as GateAnswer<GateProgress>;
  }

  async save(meta: CheckpointMeta, cursor: string | null): Promise<Uint8Array> {
    return (await this.#ask({ call: 'save', meta, cursor })) as Uint8Array;
  }

  end(): void {
    this.isEnded = true;
  }
}

/** What a call hands over. */
function bytesOf(call: GateCall): OwnBytes | undefined {
  if (call.call === 'start') return call.checkpoint;
  return call.call === 'gate' && 'artifact' in call.step ? call.step.artifact : undefined;
}

const ENTRY = workerEntry('./gate-worker', import.meta.url);

const hung = (deadlineMs: number): EngineError =>
  new EngineError('Dependency', 'GATE_HUNG', `The gate did not answer within ${deadlineMs} ms.`);

const crashed = (why: string, cause: unknown): EngineError =>
  new EngineError('Dependency', 'GATE_CRASHED', `The gate's thread ended: ${why}.`, { cause });

const stopped = (): EngineError => new EngineError('Invariant', 'LEARNER_STOPPED', 'The learner was stopped.');
