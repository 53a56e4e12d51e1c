/**
 * Calls to a worker thread, one at a time, each with a deadline. Code that does not come back cannot be interrupted, only ended
 * with its thread: after a crash or a late answer the thread is over, and so is everything that was in it.
 */
import { parentPort, Worker } from 'node:worker_threads';
import type { Clock } from './clock.js';
import { EngineError, type WireError } from './errors.js';
import type { WorkerEntry } from './worker-entry.js';

/** Calls are answered in order, one each. */
type ThreadAnswer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: WireError };

export interface CallThreadOptions {
  readonly entry: WorkerEntry;
  /** Plain data that the thread begins with. */
  readonly data?: unknown;
  readonly heapMbMax: number;
  readonly clock: Clock;
  /** What a call that got no answer rejects with, and every later one. */
  readonly hung: (deadlineMs: number) => EngineError;
  /** `why` it ended, as a clause. */
  readonly crashed: (why: string, cause: unknown) => EngineError;
}

export class CallThread<Call> {
  readonly #worker: Worker;
  readonly #options: CallThreadOptions;
  #settle: ((answer: ThreadAnswer) => void) | undefined;
  #ended: EngineError | undefined;

  constructor(options: CallThreadOptions) {
    const { entry, data, heapMbMax, crashed } = options;
    this.#options = options;
    this.#worker = new Worker(entry.url, {
      execArgv: entry.execArgv,
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: heapMbMax },
    });
    this.#worker.on('message', (answer: ThreadAnswer) => this.#settle?.(answer));
    this.#worker.on('error', (error) =>
      this.#end(crashed(error instanceof Error ? error.message : 'it exited', error)),
    );
    this.#worker.on('exit', () => this.#end(crashed('it exited', undefined)));
  }

  /** Why it answers no more; undefined while it does. */
  get ended(): EngineError | undefined {
    return this.#ended;
  }

  /**
   * Not before the call before has been answered. Rejects with what the thread threw, or with `hung` or `crashed`.
   * `transfer`: memory that is the thread's from now on.
   */
  call(call: Call, deadlineMs: number, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(deadlineMs, () => {
        this.#end(this.#options.hung(deadlineMs));
        void this.#worker.terminate();
      });
      this.#settle = (answer) => {
        cancel();
        this.#settle = undefined;
        if (answer.ok) resolve(answer.value);
        else reject(EngineError.fromWire(answer.error));
      };
      try {
        this.#worker.postMessage(call, [...transfer]);
      } catch (error) {
        cancel();
        this.#settle = undefined;
        reject(EngineError.from(error));
      }
    });
  }

  /** The call under way rejects with `reason`. Idempotent. */
  async stop(reason: EngineError): Promise<void> {
    this.#end(reason);
    await this.#worker.terminate();
  }

  #end(error: EngineError): void {
    this.#ended ??= error;
    this.#settle?.({ ok: false, error: this.#ended.toWire() });
  }
}

/** The other side, in the thread. `failed` says what an error that `perform` throws is told as. */
export function answerCalls<Call>(
  perform: (call: Call) => unknown,
  failed: (error: unknown) => EngineError = EngineError.from,
): void {
  const port = parentPort!;
  const answer = async (call: Call): Promise<void> => {
    let message: ThreadAnswer;
    try {
      message = { ok: true, value: await perform(call) };
    } catch (error) {
      message = { ok: false, error: failed(error).toWire() };
    }
    port.postMessage(message, message.ok ? transferableOf(message.value) : []);
  };
  port.on('message', (call: Call) => void answer(call));
}

/** The memory of every typed array in plain data that has it to itself: it goes over as it is, without a copy. */
function transferableOf(value: unknown, found = new Set<ArrayBuffer>()): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteLength } = value;
    if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) found.add(buffer);
  } else if (typeof value === 'object' && value !== null)
    for (const part of Object.values(value)) transferableOf(part, found);
  return [...found];
}

/** The bytes in memory of their own, which may be handed over: a copy only where others lie beside them. */
export function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isAlone = bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
  return isAlone ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
