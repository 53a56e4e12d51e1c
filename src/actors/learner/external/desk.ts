/**
 * Where a learner in another process is served: it holds the learner's lease by requests, is given experience, and hands
 * in artifacts and checkpoints. The desk checks all of it before it stores anything, so that a learner needs no rights on
 * streams and buckets, and cannot publish another's policy. See docs/learners.md and docs/adr/0006-external-learners.md.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { EngineError, invalidRequest } from '../../../kernel/errors.js';
import { InTurn } from '../../../kernel/in-turn.js';
import { SLICE_MS, Slices } from '../../../kernel/slices.js';
import {
  EXTERNAL_VERBS,
  externalRequestSchemas,
  STATE_CHARACTERS_MAX,
  type ExternalReply,
  type ExternalRequest,
  type ExternalVerb,
} from '../../../messages/external-learner.js';
import { RECORD_VERSION } from '../../../messages/versions.js';
import type { Hold } from '../../../policies/registry/artifact-store.js';
import type { ArtifactOpener } from '../../artifacts/opener.js';
import type { Lease, LeaseValue } from '../../keeper/keeper.js';
import type { LearningPorts } from '../learning-ports.js';
import { onTrial } from '../publish-rule.js';
import type { LearnerSettings } from '../settings.js';
import { blankStatus, type LearnerStatus } from '../status.js';
import { labelOf } from '../trainer.js';
import {
  decodeExternalCheckpoint,
  encodeExternalCheckpoint,
  EXTERNAL_KIND,
  type ExternalCheckpoint,
} from './checkpoint.js';
import { decodeCursor } from './cursor.js';
import { ExperiencePages } from './experience-pages.js';
import type { GateRunner, Proposal } from './gate-session.js';
import { DeskGate } from './gate.js';
import { piecesOf, Upload } from './pieces.js';
import { leaseHeld, leaseLost, parseRequest } from './requests.js';

export interface DeskPorts extends LearningPorts {
  readonly opener: ArtifactOpener;
  /** Where a gate judges, if the learner has one. */
  readonly launchGate: () => GateRunner;
  readonly ttlMs: number;
  /** The learner's lease for a process, renewed when it is confirmed; undefined while another holds it. */
  readonly leaseFor: (owner: LeaseValue) => Promise<Lease | undefined>;
}

/** The version of `publish` requests that this build reads. */
const PUBLISH_SCHEMA = 1;
/** Of a session's secret: nobody guesses so many. */
const SECRET_BYTES = 18;
/** Pieces of a state that are encoded in one turn of the event loop, at most. */
const STATE_PIECES_AT_ONCE = 8;
/** A process should be heard of this often in its lease's life; a request after half of that renews the lease. */
const RENEWALS = 3;

interface Session {
  readonly owner: LeaseValue;
  readonly lease: Lease;
  readonly epoch: number;
  /** Told to the process alone that claimed it. */
  readonly secret: string;
  readonly pages: ExperiencePages;
  readonly upload: Upload;
  readonly checkpoint: ExternalCheckpoint | undefined;
  /** Where one is configured. */
  readonly gate: DeskGate | undefined;
  /** What it put on trial last: the same once more, when no answer came, is answered the same. */
  proposed: { readonly sha256: string; readonly family: string; readonly reply: ExternalReply<'publish'> } | undefined;
  renewedAtMs: number;
  /** A page is being waited for. */
  paging: boolean;
  learned: number;
  position: number;
}

type Handlers = { readonly [V in ExternalVerb]: (request: ExternalRequest<V>) => Promise<ExternalReply<V>> };

export class ExternalLearnerDesk {
  readonly #settings: LearnerSettings;
  readonly #ports: DeskPorts;
  #session: Session | undefined;
  /** A piece of a state takes a third of a millisecond to encode. */
  readonly #slices: Slices;
  /** Claims, publications and saves happen one at a time. */
  readonly #turn = new InTurn();
  #stopped = false;
  /** Where its gate judges, in whatever session; undefined where none is configured. */
  readonly #runner: GateRunner | undefined;
  /** Gates of sessions that are over, until nothing of them runs. */
  #closing: Promise<unknown> = Promise.resolve();
  #live: { version: number; atMs: number; learned: number } | undefined;
  #refusal: string | null = null;
  /** As of the last publication or claim. */
  #held: Hold | null = null;
  /** Why the gate cannot go on at the moment. */
  #gateFailure: string | null = null;
  #failures = 0;

  constructor(settings: LearnerSettings, ports: DeskPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#slices = new Slices(ports.clock, { sliceMs: SLICE_MS, slicePiecesMax: STATE_PIECES_AT_ONCE });
    this.#runner = settings.gate && ports.launchGate();
  }

  /** Answers one request; rejects with EngineError, which is the answer then. */
  async handle(verb: string, payload: Uint8Array): Promise<unknown> {
    if (!(EXTERNAL_VERBS as readonly string[]).includes(verb))
      throw invalidRequest('UNKNOWN_VERB', `A learner is not asked to ${verb}.`);
    if (this.#stopped) throw leaseLost();
    const request = parseRequest(externalRequestSchemas[verb as ExternalVerb], payload);
    return (this.#handlers[verb as ExternalVerb] as (request: unknown) => Promise<unknown>)(request);
  }

  status(): LearnerStatus {
    const session = this.#current();
    const tally = session?.pages.tally;
    const { id, surface, policy } = this.#settings;
    const unwell = this.#refusal !== null || this.#gateFailure !== null;
    const current = session?.gate?.view.current;
    return {
      ...blankStatus({ id, kind: EXTERNAL_KIND, surface, policy }),
      mode: session === undefined ? 'standby' : unwell ? 'degraded' : 'learning',
      epoch: session?.epoch ?? null,
      version: this.#live?.version ?? null,
      lastPublishMs: this.#live?.atMs ?? null,
      experiences: tally?.experiences ?? 0,
      learned: session?.learned ?? 0,
      position: session?.position ?? 0,
      lag: session?.pages.waiting ?? 0,
      held: this.#held,
      gate: session?.gate?.view ?? null,
      publishing: current ? onTrial(current.text) : null,
      skipped: { past: tally?.past ?? 0, ahead: tally?.ahead ?? 0, malformed: tally?.malformed ?? 0 },
      reason: this.#refusal ?? this.#gateFailure ?? (session === undefined ? 'No process has claimed it.' : null),
      failures: this.#failures,
    };
  }

  /** The process keeps its lease, and claims it again where the desk is served next. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const gate = this.#session?.gate;
    this.#session?.pages.close();
    await gate?.stop();
    await this.#turn.over();
    this.#drop();
    await this.#closing;
    await this.#runner?.stop();
  }

  readonly #handlers: Handlers = {
    claim: (request) => this.#turn.run(() => this.#claim({ host: request.worker, incarnation: request.instance })),
    renew: async (request) => ({ epoch: (await this.#require(request)).epoch }),
    next: (request) => this.#next(request),
    upload: async ({ upload, part, text, ...named }) => ({
      characters: (await this.#require(named)).upload.take(upload, part, text),
    }),
    publish: (request) => this.#turn.run(() => this.#publish(request)),
    save: (request) => this.#turn.run(() => this.#save(request)),
    load: async ({ part, ...named }) => {
      const pieces = piecesOf((await this.#require(named)).checkpoint?.state ?? '');
      const text = pieces[part];
      if (text === undefined) throw invalidRequest('INVALID_REQUEST', `There are ${pieces.length} parts.`, 'part');
      return { part, parts: pieces.length, text };
    },
    release: (named) =>
      this.#turn.run(async () => {
        const session = await this.#require(named);
        this.#close();
        await session.lease.release();
        return {};
      }),
  };

  async #claim(owner: LeaseValue): Promise<ExternalReply<'claim'>> {
    const present = this.#current();
    if (present !== undefined && !isSame(present.owner, owner)) throw leaseHeld(present.owner.host, this.#ports.ttlMs);
    // The same process once more: it has lost an answer, or its place. It begins again, with a new epoch.
    this.#drop();
    const { artifacts, clock, source, ttlMs, leaseFor } = this.#ports;
    const { id, surface, policy, config, seed } = this.#settings;
    const renewedAtMs = clock.monotonicMs();
    const lease = await leaseFor(owner);
    if (lease === undefined) throw leaseHeld('another process', ttlMs);
    const opened = [this.#checkpoint(), artifacts.entry(policy), this.#gateFor(lease)] as const;
    const [checkpoint, entry, gate] = await Promise.all(opened).catch(async (error) => {
      // Whoever can do better should not have to wait for the lease to run out.
      await lease.release().catch(() => undefined);
      throw error;
    });
    const learned = checkpoint?.experiences ?? 0;
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    this.#session = {
      owner,
      secret,
      lease,
      epoch: lease.epoch,
      // Whatever is said of a held-out decision, now or later, the learner never hears.
      pages: new ExperiencePages(source, clock, surface, (decisionId) => gate?.holdsOut(decisionId) !== true),
      gate,
      proposed: undefined,
      upload: new Upload(STATE_CHARACTERS_MAX),
      checkpoint,
      renewedAtMs,
      paging: false,
      learned,
      position: 0,
    };
    gate?.start();
    this.#held = entry?.held ?? null;
    if (entry !== undefined) this.#live = { version: entry.version, atMs: entry.publishedAtMs, learned };
    return {
      epoch: lease.epoch,
      session: secret,
      ttlMs,
      renewMs: Math.floor(ttlMs / RENEWALS),
      learner: id,
      surface,
      policy,
      config: config ?? null,
      seed,
      version: entry?.version ?? null,
      checkpoint: checkpoint
        ? {
            cursor: checkpoint.cursor,
            experiences: checkpoint.experiences,
            savedAtMs: checkpoint.savedAtMs,
            parts: piecesOf(checkpoint.state).length,
          }
        : null,
    };
  }

  async #gateFor(lease: Lease): Promise<DeskGate | undefined> {
    const { gate } = this.#settings;
    if (gate === undefined) return undefined;
    this.#gateFailure = null;
    const session = {
      epoch: lease.epoch,
      held: () => lease.held,
      inTurn: <T>(task: () => Promise<T>) => this.#turn.run(task),
      onFailure: (error: EngineError | undefined) => {
        if (this.#session?.lease !== lease) return;
        this.#gateFailure = error === undefined ? null : `${error.code}: ${error.message}`;
      },
      onPromoted: (version: number) => {
        const learned = this.#session?.learned ?? 0;
        this.#live = { version, atMs: this.#ports.clock.nowMs(), learned };
      },
    };
    return DeskGate.open({ ...this.#settings, gate }, { ...this.#ports, runner: this.#runner! }, session);
  }

  async #checkpoint(): Promise<ExternalCheckpoint | undefined> {
    const { id, surface } = this.#settings;
    const bytes = await this.#ports.checkpoints.load(id);
    return bytes === undefined ? undefined : decodeExternalCheckpoint(bytes, id, surface);
  }

  async #next({ cursor, max, waitMs, ...named }: ExternalRequest<'next'>): Promise<ExternalReply<'next'>> {
    const session = await this.#require(named);
    if (session.paging) throw new EngineError('Conflict', 'LEARNER_BUSY', 'It is waiting for its next page already.');
    session.paging = true;
    try {
      const page = await session.pages.next(cursor, max, waitMs);
      if (this.#session !== session) throw leaseLost();
      session.position = page.position;
      return page;
    } finally {
      session.paging = false;
      if (this.#session !== session) session.pages.close();
    }
  }

  async #publish(request: ExternalRequest<'publish'>): Promise<ExternalReply<'publish'>> {
    const session = await this.#require(request);
    try {
      const reply = await this.#handIn(session, request);
      session.upload.drop(request.upload);
      session.learned = request.experiences;
      this.#refusal = null;
      this.#failures = 0;
      return reply;
    } catch (error) {
      const { code, message } = EngineError.from(error);
      // It came too early, and nothing is wrong with it.
      if (code === 'LEARNER_ON_TRIAL') throw error;
      this.#refusal = `${code}: ${message}`;
      this.#failures++;
      throw error;
    }
  }

  /** Makes it live; where there is a gate, that is for the first version only, and others are put on trial. */
  async #handIn(session: Session, request: ExternalRequest<'publish'>): Promise<ExternalReply<'publish'>> {
    const { gate, proposed, epoch } = session;
    const { sha256, family, experiences } = request;
    const isRepeated = proposed?.sha256 === sha256 && proposed.family === family;
    if (isRepeated && proposed.reply.version === gate?.challenger) return proposed.reply;
    const { publication, lineage } = await this.#proposalOf(session, request);
    const { artifacts, clock, opener } = this.#ports;
    const { id: learner, policy, surface } = this.#settings;
    const entry = await artifacts.entry(policy);
    if (gate === undefined || entry === undefined) {
      const createdAtMs = clock.nowMs();
      const version = (entry?.newest ?? 0) + 1;
      const meta = { policyId: policy, version, parent: entry?.version, createdAtMs };
      const label = labelOf(meta, learner, lineage);
      const artifact = await opener.seal(publication, label, surface);
      const outcome = await artifacts.publish(artifact, epoch);
      this.#held = outcome === 'held' ? (entry?.held ?? null) : null;
      if (outcome === 'live') this.#live = { version, atMs: createdAtMs, learned: experiences };
      // It is live. The gate looks again before whatever it does next.
      await gate?.align().catch(() => undefined);
      return { policy, version, checksum: artifact.head.checksum, outcome };
    }
    const { version, checksum } = await gate.propose({ publication, lineage });
    const reply = { policy, version, checksum, outcome: 'on-trial' as const };
    session.proposed = { sha256, family, reply };
    return reply;
  }

  /** What the request hands in; nothing has looked at the parameters yet. */
  async #proposalOf(session: Session, request: ExternalRequest<'publish'>): Promise<Proposal> {
    const { schema, family, parameters: text, upload, sha256, cursor, experiences } = request;
    if (schema !== PUBLISH_SCHEMA)
      throw invalidRequest('ARTIFACT_SCHEMA', `This build reads artifacts of schema ${PUBLISH_SCHEMA}.`, 'schema');
    const parameters = session.upload.textOf('parameters', text, upload);
    const { identity } = await this.#ports.source.info();
    const sequence = decodeCursor(cursor, identity).position;
    const bytesMax = this.#settings.artifactBytesMax;
    return { publication: { family, parameters, sha256, bytesMax }, lineage: { experiences, sequence } };
  }

  async #save(request: ExternalRequest<'save'>): Promise<ExternalReply<'save'>> {
    const session = await this.#require(request);
    const { id, surface } = this.#settings;
    const { identity } = await this.#ports.source.info();
    const { position } = decodeCursor(request.cursor, identity);
    const pieces = session.upload.piecesOf('state', request.state, request.upload);
    const checkpoint = {
      v: this.#ports.writes?.() ?? RECORD_VERSION,
      learner: id,
      kind: EXTERNAL_KIND as typeof EXTERNAL_KIND,
      surface,
      epoch: session.epoch,
      savedAtMs: this.#ports.clock.nowMs(),
      cursor: request.cursor,
      experiences: request.experiences,
    };
    const bytes = await encodeExternalCheckpoint(checkpoint, pieces, this.#slices);
    await this.#ports.checkpoints.save(id, bytes, session.epoch, 'learner', { identity, position });
    session.upload.drop(request.upload);
    session.learned = request.experiences;
    return { position };
  }

  /**
   * The session of that epoch while its lease certainly is its own; renews the lease where that is due. Who has guessed the
   * epoch hears the same as who is late, and has renewed nothing.
   */
  async #require({ epoch, session: secret }: { epoch: number; session: string }): Promise<Session> {
    const session = this.#current();
    if (session === undefined || session.epoch !== epoch || !isSecret(session.secret, secret)) throw leaseLost();
    const { clock, ttlMs } = this.#ports;
    const askedMs = clock.monotonicMs();
    if (askedMs - session.renewedAtMs >= ttlMs / RENEWALS / 2) {
      session.renewedAtMs = askedMs;
      if (!(await session.lease.confirm())) throw leaseLost();
    }
    return session;
  }

  #current(): Session | undefined {
    if (this.#session !== undefined && !this.#session.lease.held) this.#drop();
    return this.#session;
  }

  /** The session is over here; the lease is the process's, which may claim it again. */
  #drop(): void {
    const session = this.#session;
    this.#close();
    // Out of reach, it runs out all the same.
    session?.lease.abandon().catch(() => undefined);
  }

  #close(): void {
    const gate = this.#session?.gate;
    this.#session?.pages.close();
    this.#session = undefined;
    if (gate !== undefined) this.#closing = Promise.all([this.#closing, gate.stop()]);
  }
}

const isSecret = (known: string, given: string): boolean => {
  const [a, b] = [known, given].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(a!, b!);
};

const isSame = (a: LeaseValue, b: LeaseValue): boolean => a.host === b.host && a.incarnation === b.incarnation;
