/**
 * A learner with its place in the experience stream. What it learns depends on the stream alone: batches are cut at
 * multiples of `batchSize` sequences, each output of a chain counts once, and chance comes from a generator that is
 * checkpointed. So a session that resumes ends where one that never stopped does, bit for bit.
 */
import { JSON_BOUNDS, parseBoundedJson } from '../../kernel/bounded-json.js';
import { EngineError } from '../../kernel/errors.js';
import { seededRandom, type SeededRandom } from '../../kernel/random.js';
import { parseExperience } from '../../learners/experience-schema.js';
import type { AnyLearnerPlugin, Learner } from '../../learners/learner.js';
import { parseLearnerConfig } from '../../learners/plugin-registry.js';
import { PromotionGate, type Candidate } from '../../learners/promotion/index.js';
import type { Experience } from '../../messages/decisions.js';
import { outputRecordSchema } from '../../messages/records.js';
import { isVersionRefusal, THIS_SCHEMA, type Stored } from '../../messages/versions.js';
import { subjects } from '../../messages/subjects.js';
import { encodeArtifact, headOf, openArtifact, sealArtifact, type SealedArtifact } from '../../policies/artifact.js';
import { LEARNED_FAMILIES } from '../../policies/registry/learned-families.js';
import { policyOf } from '../../policies/registry/policy-of.js';
import { assertFits, fitSurface } from '../../surfaces/policy-fit.js';
import { ActionLedger } from './action-ledger.js';
import { ChainWatermarks } from './chain-watermarks.js';
import { decodeCheckpoint, encodeCheckpoint, type SessionState } from './checkpoint.js';
import { takeGateStep } from './gate-step.js';
import { checkedReport, checkedRuntime, checkState } from './plugin-answers.js';
import { EMPTY_TALLY, explored, movingMean, type Tally } from './tally.js';
import {
  labelOf,
  type ArtifactMeta,
  type CheckpointMeta,
  type ExperienceRecord,
  type GateAnswer,
  type GateStep,
  type SessionProgress,
  type SessionSpec,
} from './trainer.js';

type Counts = { -readonly [Name in keyof Tally]: Tally[Name] };

export class LearningSession {
  readonly #spec: SessionSpec;
  readonly #plugin: AnyLearnerPlugin;
  readonly #learner: Learner<unknown>;
  readonly #random: SeededRandom;
  readonly #watermarks: ChainWatermarks;
  readonly #subject: string;
  readonly #ledger: ActionLedger;
  readonly #gate: PromotionGate | undefined;
  #tally: Tally;
  #position: number;
  /** Read, but not learned from: the batch they belong to is not complete. */
  #held: ExperienceRecord[] = [];

  /** Throws Configuration for a bad config, Invariant `CHECKPOINT_INVALID` or `CHECKPOINT_FOREIGN`. */
  constructor(plugin: AnyLearnerPlugin, spec: SessionSpec, checkpoint: Uint8Array | undefined) {
    const saved = checkpoint === undefined ? undefined : savedSession(plugin, spec, checkpoint);
    this.#spec = spec;
    this.#plugin = plugin;
    this.#subject = subjects.experience(spec.surface);
    this.#random = seededRandom(saved?.random ?? spec.seed);
    const config = parseLearnerConfig(plugin, spec.config);
    this.#learner = plugin.create(config, { random: this.#random, surface: spec.surface }, saved?.state);
    this.#watermarks = new ChainWatermarks(saved?.watermarks);
    this.#tally = saved?.tally ?? EMPTY_TALLY;
    this.#ledger = new ActionLedger(saved?.ledger);
    if (spec.gate) this.#gate = new PromotionGate(spec.gate, spec.learner, LEARNED_FAMILIES, saved?.gate);
    this.#position = saved !== undefined && saved.identity === spec.stream.identity ? saved.position : 0;
    if (saved !== undefined && saved.identity !== spec.stream.identity) this.#watermarks.rejoin();
  }

  get progress(): SessionProgress {
    const gate = this.#gate?.view();
    const runtime = checkedRuntime(this.#learner.runtime);
    return {
      position: this.#position,
      tally: this.#tally,
      ...(runtime === undefined ? {} : { runtime }),
      ...(gate === undefined ? {} : { gate }),
    };
  }

  /** Takes records in stream order; see Trainer.fold. */
  async fold(records: readonly ExperienceRecord[], idle: boolean, signal: AbortSignal): Promise<SessionProgress> {
    const { batchSize } = this.#spec;
    const batchOf = (sequence: number): number => Math.ceil(sequence / batchSize);
    for (const record of records) {
      const last = this.#held.at(-1)?.sequence ?? this.#position;
      if (record.sequence <= last) continue;
      if (this.#held.length > 0 && batchOf(record.sequence) !== batchOf(last)) await this.#learn(signal);
      this.#held.push(record);
      if (record.sequence % batchSize === 0) await this.#learn(signal);
    }
    if (idle && this.#plugin.incremental && this.#held.length > 0) await this.#learn(signal);
    return this.progress;
  }

  /**
   * Throws InvalidRequest `ARTIFACT_*` for parameters that are not finite, and for what its surface cannot use; and what their
   * family has against them.
   */
  exportArtifact(meta: ArtifactMeta): SealedArtifact {
    const { artifact, bytes } = this.#export(meta);
    return { head: headOf(artifact), bytes };
  }

  #export(meta: ArtifactMeta): Candidate & { readonly bytes: Uint8Array } {
    const { family, parameters } = this.#learner.exportPolicy();
    const bytes = encodeArtifact(
      sealArtifact({
        schema: 1,
        family,
        parameters,
        ...labelOf(meta, this.#spec.learner, { experiences: this.#tally.learned, sequence: this.#position }),
      }),
    );
    // What no host could read must not become the live version: a host that starts would have none.
    const artifact = openArtifact(bytes);
    const policy = policyOf(artifact, LEARNED_FAMILIES);
    if (this.#spec.fits !== undefined) assertFits(artifact, policy, fitSurface(this.#spec.fits));
    return { artifact, policy, bytes };
  }

  /** See Trainer.gate. */
  gate(step: GateStep): GateAnswer {
    const gate = this.#gate;
    if (gate === undefined) throw new EngineError('Invariant', 'GATE_MISSING', 'The learner has no gate.');
    const after = takeGateStep(gate, step, (meta) => this.#export(meta));
    return { progress: this.progress, ...after };
  }

  save(meta: CheckpointMeta): Uint8Array {
    const { learner, surface, stream } = this.#spec;
    const session: SessionState = {
      state: this.#learner.snapshot(),
      random: this.#random.state() as SessionState['random'],
      position: this.#position,
      identity: stream.identity,
      watermarks: this.#watermarks.save(),
      tally: this.#tally,
      ledger: this.#ledger.save(),
      ...(this.#gate === undefined ? {} : { gate: this.#gate.save() }),
    };
    const bytes = encodeCheckpoint({ learner, kind: this.#plugin.kind, surface, ...meta, session });
    checkState(this.#plugin, session.state);
    return bytes;
  }

  /** Learns from what is held back and moves the position over it. */
  async #learn(signal: AbortSignal): Promise<void> {
    const held = this.#held;
    this.#held = [];
    const tally: Counts = { ...this.#tally };
    const batch: Experience[] = [];
    let last = this.#position;
    for (const record of held) {
      // A hole is what trimming or an erasure left. Some chain has lost a link there, and nobody knows which.
      if (record.sequence !== last + 1) this.#watermarks.rejoin();
      last = record.sequence;
      const experience = this.#read(record, tally);
      if (experience === undefined) continue;
      this.#count(experience, tally);
      // Whatever is said of a held-out decision, now or later, the learner never hears.
      if (this.#gate?.holdsOut(experience.decisionId)) this.#gate.judge(experience);
      else batch.push(experience);
    }
    tally.regretProxy = this.#ledger.regretProxy();
    tally.statesVisited = this.#ledger.statesVisited;
    if (batch.length > 0) {
      const report: unknown = await this.#learner.update(batch, signal);
      const { learned, lossSum } = checkedReport(report, batch.length);
      tally.learned += learned;
      // One step a batch, of its mean: cutting a batch in two may show in this figure, never in the learner.
      if (learned > 0 && lossSum !== undefined) tally.lossMean = movingMean(tally.lossMean, lossSum / learned);
    }
    this.#tally = tally;
    this.#position = last;
  }

  #count(experience: Experience, tally: Counts): void {
    if (experience.status === 'corrected') {
      tally.corrections++;
      return;
    }
    tally.experiences++;
    tally.rewardMean = movingMean(tally.rewardMean, experience.reward);
    const wasExplored = explored(experience);
    if (wasExplored !== undefined) tally.explorationShare = movingMean(tally.explorationShare, wasExplored ? 1 : 0);
    const tried = this.#ledger.observe(experience);
    if (tried !== undefined) tally.actionCoverage = movingMean(tally.actionCoverage, tried);
  }

  /** The experience in a message, if it is this surface's and counts now. */
  #read(record: ExperienceRecord, tally: Counts): Experience | undefined {
    const output = outputOf(record.payload);
    if (output === undefined) {
      tally.malformed++;
      return undefined;
    }
    const verdict = this.#watermarks.offer(output.chain);
    if (verdict !== 'next') {
      tally[verdict]++;
      return undefined;
    }
    if (record.subject !== this.#subject) return undefined;
    const experience = parseExperience(output.body);
    if (experience === undefined) tally.malformed++;
    return experience;
  }
}

function savedSession(plugin: AnyLearnerPlugin, spec: SessionSpec, bytes: Uint8Array): SessionState {
  const { learner, kind, surface, session } = decodeCheckpoint(bytes);
  if (learner !== spec.learner || kind !== plugin.kind || surface !== spec.surface)
    throw new EngineError(
      'Invariant',
      'CHECKPOINT_FOREIGN',
      `The checkpoint is of the ${kind} learner ${learner} for ${surface}. Give this learner another id.`,
    );
  const state = plugin.stateSchema.safeParse(session.state);
  if (state.success) return { ...session, state: state.data };
  const issue = state.error.issues[0]!;
  throw new EngineError(
    'Invariant',
    'CHECKPOINT_INVALID',
    `The learner's saved state does not fit its schema: ${issue.path.join('.')}: ${issue.message}.`,
  );
}

function outputOf(payload: Uint8Array): ReturnType<typeof outputRecordSchema.parse> | undefined {
  try {
    const stored = THIS_SCHEMA.read('experience', parseBoundedJson(payload, JSON_BOUNDS.internal) as Stored);
    return outputRecordSchema.safeParse(stored).data;
  } catch (error) {
    if (isVersionRefusal(error)) throw error;
    return undefined;
  }
}
