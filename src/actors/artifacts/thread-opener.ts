/**
 * Opens artifacts beside the event loop: small ones at once, large ones in a worker thread, one after the other. The thread is
 * started for the first of them and ended when there was none for a while; after a crash or a hang there is another.
 */
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { InTurn } from '../../kernel/in-turn.js';
import { CallThread, ownBytes } from '../../kernel/thread-calls.js';
import { workerEntry, type WorkerEntry } from '../../kernel/worker-entry.js';
import type { PolicyRef } from '../../messages/decisions.js';
import type { SealedArtifact } from '../../policies/artifact.js';
import type { OpenedPolicy } from '../../policies/registry/opener.js';
import type { SurfaceShape } from '../../surfaces/policy-fit.js';
import type { ArtifactOpener, ArtifactLabel, Publication } from './opener.js';
import { installed, Opening, type OpenedForm, type OpenerCall } from './opening.js';

/**
 * What a kilobyte costs in place, parsed, checked and compiled, is below a tenth of a millisecond: so much stays well within a
 * slice, and spares most learners, whose arms are few, a thread.
 */
export const IN_PLACE_BYTES_MAX = 16 * 1024;
/** Of one artifact: the largest takes below a second, and behind decisions, where cores are scarce, several. */
const DEADLINE_MS = 30_000;
/** Without anything to open. */
const IDLE_MS = 60_000;
/** An artifact of 8 MB is some hundred as objects. */
const HEAP_MB_MAX = 512;

export interface ThreadOpenerOptions {
  readonly surfaces: readonly SurfaceShape[];
  readonly clock: Clock;
  /** Of tests; the opener's own, if left out. */
  readonly entry?: WorkerEntry;
  readonly deadlineMs?: number;
}

export class ThreadOpener implements ArtifactOpener {
  readonly #options: ThreadOpenerOptions;
  readonly #inPlace: Opening;
  #thread: CallThread<OpenerCall> | undefined;
  readonly #turn = new InTurn();
  #waiting = 0;
  #cancelIdle: () => void = () => undefined;
  #stopped = false;

  constructor(options: ThreadOpenerOptions) {
    this.#options = options;
    this.#inPlace = new Opening(options.surfaces);
  }

  async open(bytes: Uint8Array, expected: PolicyRef): Promise<OpenedPolicy> {
    if (bytes.length <= IN_PLACE_BYTES_MAX) return installed(this.#inPlace.open(bytes, expected));
    const own = ownBytes(bytes);
    return installed((await this.#call({ call: 'open', bytes: own, expected }, [own.buffer])) as OpenedForm);
  }

  async seal(publication: Publication, label: ArtifactLabel, surface: string): Promise<SealedArtifact> {
    // A unit of text has up to three bytes.
    if (publication.parameters.length <= IN_PLACE_BYTES_MAX / 3) return this.#inPlace.seal(publication, label, surface);
    return (await this.#call({ call: 'seal', publication, label, surface })) as SealedArtifact;
  }

  async reseal(
    bytes: Uint8Array,
    policy: PolicyRef,
    lineage: { parent: number; createdAtMs: number },
  ): Promise<SealedArtifact> {
    if (bytes.length <= IN_PLACE_BYTES_MAX) return this.#inPlace.reseal(bytes, policy, lineage);
    const own = ownBytes(bytes);
    return (await this.#call({ call: 'reseal', bytes: own, policy, lineage }, [own.buffer])) as SealedArtifact;
  }

  async check({ bytes }: SealedArtifact, surface: string): Promise<void> {
    if (bytes.length <= IN_PLACE_BYTES_MAX) return this.#inPlace.check(bytes, surface);
    const copy = new Uint8Array(bytes);
    await this.#call({ call: 'check', bytes: copy, surface }, [copy.buffer]);
  }

  /** What is asked afterwards rejects. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelIdle();
    await this.#thread?.stop(stopped());
    this.#thread = undefined;
  }

  #call(call: OpenerCall, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    this.#cancelIdle();
    this.#waiting++;
    return this.#turn.run(() => this.#ask(call, transfer).finally(() => this.#rest()));
  }

  async #ask(call: OpenerCall, transfer: readonly ArrayBuffer[]): Promise<unknown> {
    if (this.#stopped) throw stopped();
    if (this.#thread?.ended !== undefined) this.#thread = undefined;
    this.#thread ??= this.#launch();
    return await this.#thread.call(call, this.#options.deadlineMs ?? DEADLINE_MS, transfer);
  }

  #launch(): CallThread<OpenerCall> {
    const { surfaces, clock, entry = ENTRY } = this.#options;
    return new CallThread({ entry, data: surfaces, heapMbMax: HEAP_MB_MAX, clock, hung, crashed });
  }

  #rest(): void {
    if (--this.#waiting > 0 || this.#stopped) return;
    this.#cancelIdle = this.#options.clock.after(IDLE_MS, () => {
      void this.#thread?.stop(stopped());
      this.#thread = undefined;
    });
  }
}

const ENTRY = workerEntry('./opener-worker', import.meta.url);

const hung = (deadlineMs: number): EngineError =>
  new EngineError('Dependency', 'ARTIFACT_OPENER_HUNG', `Opening the artifact took longer than ${deadlineMs} ms.`);

const crashed = (why: string, cause: unknown): EngineError =>
  new EngineError('Dependency', 'ARTIFACT_OPENER_CRASHED', `The thread that opened the artifact ended: ${why}.`, {
    cause,
  });

const stopped = (): EngineError =>
  new EngineError('Dependency', 'ARTIFACT_OPENER_STOPPED', 'The process is stopping: it opens no more artifacts.');
