/** Experience by hand, and in-memory stand-ins for what a learner actor needs. */
import { LearningSession } from '../../src/actors/learner/learning-session.js';
import type { CheckpointPart, CheckpointStore, StreamPlace } from '../../src/actors/learner/checkpoint.js';
import type { ExperienceSource } from '../../src/actors/learner/record-inbox.js';
import type {
  ArtifactMeta,
  CheckpointMeta,
  ExperienceRecord,
  GateAnswer,
  GateStep,
  SessionProgress,
  SessionSpec,
  Trainer,
} from '../../src/actors/learner/trainer.js';
import type { VerdictStore } from '../../src/actors/learner/verdict-store.js';
import type { JournalRecord } from '../../src/actors/host/ports.js';
import { EngineError } from '../../src/kernel/errors.js';
import type { AnyLearnerPlugin } from '../../src/learners/learner.js';
import type { GateVerdict } from '../../src/messages/gate-verdict.js';
import type { Experience } from '../../src/messages/decisions.js';
import { subjects } from '../../src/messages/subjects.js';
import { encodeArtifact, openArtifact, type Artifact, type SealedArtifact } from '../../src/policies/artifact.js';
import {
  GateSession,
  type GateRunner,
  type GateSpec,
  type RunningGate,
} from '../../src/actors/learner/external/gate-session.js';
import type {
  ArtifactStore,
  Hold,
  PublicationOutcome,
  RegistryEntry,
} from '../../src/policies/registry/artifact-store.js';

export const SURFACE = 'rider.pickup';

export function experience(part: Partial<Experience> = {}): Experience {
  return {
    decisionId: 'd',
    surface: SURFACE,
    status: 'complete',
    decidedAtMs: 0,
    closedAtMs: 1,
    policy: { id: 'p', version: 1 },
    slate: [{ id: 'a', propensity: 1 }],
    eligible: ['a'],
    distribution: [1],
    context: {},
    features: {},
    reward: 0,
    rewardedId: null,
    events: [],
    ...part,
  };
}

/** Numbers the outputs of one partition, as a fold does. */
export class Chainer {
  #sequence = 0;
  #previous: [number, number] = [0, 0];

  constructor(
    private readonly partition = 0,
    private readonly source = 'journal',
  ) {}

  message(body: unknown, surface: string = SURFACE): { subject: string; payload: Uint8Array } {
    const prev = this.#previous;
    this.#previous = [++this.#sequence, 0];
    const chain = { p: this.partition, src: this.source, seq: this.#sequence, idx: 0, prev };
    const payload = Buffer.from(JSON.stringify({ v: 2, chain, at: 0, body }));
    return { subject: subjects.experience(surface), payload };
  }
}

/** A stream that readers follow. */
export class MemoryStream implements ExperienceSource {
  readonly records: { sequence: number; subject: string; payload: Uint8Array }[] = [];
  readonly #readers = new Set<() => void>();
  identity = 'stream';

  push(message: { subject: string; payload: Uint8Array }): number {
    const sequence = this.records.length + 1;
    this.records.push({ sequence, ...message });
    for (const wake of this.#readers) wake();
    return sequence;
  }

  info() {
    return Promise.resolve({ identity: this.identity, firstSequence: 1, lastSequence: this.records.length });
  }

  read(from: number, onRecord: (record: JournalRecord) => void) {
    let next = from;
    let running = false;
    let stopped = false;
    const pump = (): void => {
      if (running || stopped) return;
      running = true;
      setImmediate(() => {
        running = false;
        while (!stopped && next <= this.records.length) {
          const record = this.records[next - 1]!;
          onRecord({ ...record, timestampMs: 0, pending: this.records.length - next++ });
        }
      });
    };
    this.#readers.add(pump);
    pump();
    return {
      stop: () => {
        stopped = true;
        this.#readers.delete(pump);
      },
    };
  }
}

export class MemoryArtifactStore implements ArtifactStore {
  readonly published: Artifact[] = [];
  /** What was published while it was held. */
  readonly candidates: Artifact[] = [];
  held: Hold | undefined;
  #epoch = 0;
  #listeners = new Set<(entry: RegistryEntry) => void>();

  publish({ bytes }: SealedArtifact, epoch: number): Promise<PublicationOutcome> {
    const artifact = openArtifact(bytes);
    if (epoch < this.#epoch) return Promise.reject(new EngineError('StaleOwner', 'ARTIFACT_STALE_EPOCH', 'stale'));
    this.#epoch = epoch;
    if (this.held !== undefined) {
      this.candidates.push(artifact);
      return Promise.resolve('held');
    }
    this.published.push(artifact);
    for (const listener of this.#listeners) listener(this.#entryOf(artifact));
    return Promise.resolve('live');
  }

  entry(policyId: string): Promise<RegistryEntry | undefined> {
    const live = this.published.findLast((artifact) => artifact.policy.id === policyId);
    return Promise.resolve(live === undefined ? undefined : this.#entryOf(live));
  }

  load(policyId: string, version?: number): Promise<Uint8Array | undefined> {
    const found = this.published.findLast(
      ({ policy }) => policy.id === policyId && (version === undefined || policy.version === version),
    );
    return Promise.resolve(found === undefined ? undefined : encodeArtifact(found));
  }

  watch(onChange: (entry: RegistryEntry) => void): () => void {
    this.#listeners.add(onChange);
    return () => void this.#listeners.delete(onChange);
  }

  #entryOf({ policy, checksum, lineage }: Artifact): RegistryEntry {
    const publishedAtMs = lineage.createdAtMs;
    const { id: policyId, version } = policy;
    const { learner: by, experiences } = lineage;
    const candidates = this.candidates.map((one) => one.policy.version).reverse();
    return {
      policyId,
      version,
      objectKey: '',
      checksum,
      publishedAtMs,
      by,
      experiences,
      epoch: this.#epoch,
      ...(this.held === undefined ? {} : { held: this.held }),
      candidates,
      newest: Math.max(version, candidates[0] ?? 0),
    };
  }
}

export class MemoryCheckpointStore implements CheckpointStore {
  readonly saved: Uint8Array[] = [];
  readonly gates: Uint8Array[] = [];
  #epoch = 0;

  load(_learnerId?: string, part: CheckpointPart = 'learner'): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#partOf(part).at(-1));
  }

  /** Places that were saved with them. */
  readonly places: (StreamPlace | undefined)[] = [];

  save(
    _learnerId: string,
    bytes: Uint8Array,
    epoch: number,
    part: CheckpointPart = 'learner',
    place?: StreamPlace,
  ): Promise<void> {
    if (epoch < this.#epoch) return Promise.reject(new EngineError('StaleOwner', 'CHECKPOINT_STALE_EPOCH', 'stale'));
    this.#epoch = epoch;
    this.#partOf(part).push(bytes);
    this.places.push(place);
    return Promise.resolve();
  }

  #partOf(part: CheckpointPart): Uint8Array[] {
    return part === 'gate' ? this.gates : this.saved;
  }
}

/** A session in this thread: no deadline, otherwise the same. */
export class InlineTrainer implements Trainer {
  #session: LearningSession | undefined;

  constructor(private readonly plugin: AnyLearnerPlugin) {}

  async start(spec: SessionSpec, checkpoint: Uint8Array | undefined): Promise<SessionProgress> {
    await Promise.resolve();
    this.#session = new LearningSession(this.plugin, spec, checkpoint);
    return this.#session.progress;
  }

  fold(records: readonly ExperienceRecord[], idle: boolean): Promise<SessionProgress> {
    return this.#session!.fold(records, idle, new AbortController().signal);
  }

  async exportArtifact(meta: ArtifactMeta): Promise<SealedArtifact> {
    await Promise.resolve();
    return this.#session!.exportArtifact(meta);
  }

  async save(meta: CheckpointMeta): Promise<Uint8Array> {
    await Promise.resolve();
    return this.#session!.save(meta);
  }

  async gate(step: GateStep): Promise<GateAnswer> {
    await Promise.resolve();
    return this.#session!.gate(step);
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

/** The same for a gate. */
export class InlineGate implements GateRunner {
  /** As if its thread had ended; the next session begins in another one. */
  crash: () => void = () => undefined;

  async begin(spec: GateSpec, checkpoint: Uint8Array | undefined): Promise<RunningGate> {
    await Promise.resolve();
    const session = new GateSession(spec, checkpoint);
    let isOver = false;
    this.crash = () => (isOver = true);
    const alive = async <T>(task: () => T): Promise<T> => {
      await Promise.resolve();
      if (isOver) throw new EngineError('Dependency', 'GATE_CRASHED', 'The thread of the gate ended.');
      return task();
    };
    return {
      started: session.started,
      get isOver() {
        return isOver;
      },
      judge: (experiences) => alive(() => session.judge(experiences)),
      gate: (step, proposal) => alive(() => session.gate(step, proposal)),
      save: (meta, cursor) => alive(() => session.save(meta, cursor)),
      end: () => (isOver = true),
    };
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

export class MemoryVerdictStore implements VerdictStore {
  readonly recorded: GateVerdict[] = [];

  record(verdict: GateVerdict): Promise<void> {
    const at = this.recorded.findIndex(({ candidate }) => candidate === verdict.candidate);
    if (at < 0) this.recorded.push(verdict);
    else this.recorded[at] = verdict;
    return Promise.resolve();
  }

  of(policyId: string): Promise<readonly GateVerdict[]> {
    return Promise.resolve(this.recorded.filter((verdict) => verdict.policyId === policyId));
  }
}

/** Resolves once the condition holds; the test's own time limit ends a wait in vain. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}
