/**
 * Artifacts on NATS. Key `<policy token>` of the bucket ATTUNE_POLICIES holds `{version, objectKey, checksum,
 * publishedAtMs, by, experiences, epoch, older, candidates, held, rollbacks}`; the artifact is that object in the object store ATTUNE_ARTIFACTS. A learner outside
 * this process publishes the same way: put the object, then compare-and-set the key.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import { z } from 'zod';
import type { Clock } from '../../kernel/clock.js';
import { sleep } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { decodeToken, encodeToken } from '../../kernel/ids.js';
import { readJson } from '../../kernel/read-json.js';
import { buckets } from '../../messages/subjects.js';
import { ARTIFACT_BYTES_MAX, type ArtifactHead, type SealedArtifact } from '../../policies/artifact.js';
import type {
  ArtifactStore,
  PolicyRollbacks,
  PublicationOutcome,
  RegistryEntry,
  Rollback,
  RollbackOrder,
} from '../../policies/registry/artifact-store.js';
import type { ArtifactOpener } from '../artifacts/opener.js';
import type { JournalReader } from '../host/ports.js';
import type { NatsLink } from '../nats/connection.js';
import { OrderedReader } from '../nats/ordered-reader.js';
import type { NatsFencedObjects } from './nats-fenced-objects.js';

/** Former versions that stay loadable. */
const OLDER_MAX = 20;
/** Publications that are kept while a policy is held; an operator may want one of the last. */
const CANDIDATES_MAX = 5;
/** Rollbacks that are kept with what is live. */
const ROLLBACKS_MAX = 20;
const LOAD_TRIES = 60;
const RETRY_MS = 500;

const versionSchema = z.object({ version: z.number().int().nonnegative(), objectKey: z.string() });
const rollbackSchema = z.object({
  version: z.number().int(),
  from: z.number().int(),
  to: z.number().int(),
  by: z.string(),
  why: z.string(),
  atMs: z.number(),
  held: z.boolean(),
});
const pointerSchema = z.object({
  ...versionSchema.shape,
  checksum: z.string(),
  publishedAtMs: z.number(),
  by: z.string(),
  experiences: z.number().int().nonnegative().default(0),
  epoch: z.number().int().nonnegative(),
  older: z.array(versionSchema).default([]),
  /** Published while it was held, newest first. */
  candidates: z.array(versionSchema.extend({ checksum: z.string() })).default([]),
  held: z.object({ by: z.string(), why: z.string(), atMs: z.number() }).nullable().default(null),
  /** Who made which older version live again, and why; the last first. */
  rollbacks: z.array(rollbackSchema).default([]),
});
type Pointer = z.infer<typeof pointerSchema>;

export class NatsArtifactStore implements ArtifactStore, PolicyRollbacks {
  readonly #link: NatsLink;
  readonly #jsm: JetStreamManager;
  readonly #objects: NatsFencedObjects;
  readonly #clock: Clock;
  readonly #opener: Pick<ArtifactOpener, 'reseal'>;

  /** The opener refuses an older version that what it serves now cannot use. */
  constructor(
    link: NatsLink,
    jsm: JetStreamManager,
    objects: NatsFencedObjects,
    clock: Clock,
    opener: Pick<ArtifactOpener, 'reseal'>,
  ) {
    this.#opener = opener;
    this.#link = link;
    this.#jsm = jsm;
    this.#objects = objects;
    this.#clock = clock;
  }

  async publish({ head, bytes }: SealedArtifact, epoch: number): Promise<PublicationOutcome> {
    const { id, version } = head.policy;
    const key = encodeToken(id, 'policy.id');
    // The epoch is in the name, so that an owner that was overtaken cannot overwrite its successor's object.
    const objectKey = `policy.${key}.${version}.${epoch}`;
    let outcome: PublicationOutcome = 'live';
    await this.#objects.write<Pointer>({
      key,
      bytes,
      parse,
      decide: (present) => {
        if (present !== undefined && present.epoch > epoch) throw staleEpoch(id);
        outcome = present !== undefined && present.held !== null ? 'held' : 'live';
        const same = present?.candidates.find((one) => one.version === version && one.checksum === head.checksum);
        if (present !== undefined && outcome === 'held' && same !== undefined)
          return { pointer: { ...present, epoch }, objectKey: same.objectKey };
        if (present !== undefined && newestOf(present) >= version) throw versionTaken(id, newestOf(present));
        if (present !== undefined && outcome === 'held') {
          const candidate = { version, objectKey, checksum: head.checksum };
          const candidates = [candidate, ...present.candidates].slice(0, CANDIDATES_MAX);
          return { pointer: { ...present, epoch, candidates }, objectKey };
        }
        return {
          pointer: successorOf(present, head, { objectKey, epoch, by: head.lineage.learner }),
          objectKey,
        };
      },
      obsolete,
    });
    return outcome;
  }

  async rollBack(policyId: string, { to, by, why, release = false }: RollbackOrder): Promise<Rollback> {
    const key = encodeToken(policyId, 'id');
    const live = await this.#objects.pointer(key, parse);
    if (live === undefined) throw unknownPolicy(policyId);
    if (release && (to === undefined || to === live.version)) return this.#release(policyId, live, { by, why });
    const target = to ?? live.older[0]?.version;
    if (target === undefined || target === live.version)
      throw new EngineError('Conflict', 'ROLLBACK_POINTLESS', `There is nothing to go back to from ${live.version}.`, {
        field: 'to',
      });
    const stored = await this.load(policyId, target);
    if (stored === undefined)
      throw new EngineError('NotFound', 'ARTIFACT_MISSING', `Version ${target} of ${policyId} is not stored.`, {
        field: 'to',
      });
    const version = newestOf(live) + 1;
    const atMs = this.#clock.nowMs();
    const policy = { id: policyId, version };
    const { head, bytes } = await this.#opener.reseal(stored, policy, { parent: target, createdAtMs: atMs });
    const rollback: Rollback = { version, from: live.version, to: target, by, why, atMs, held: !release };
    // A name of its own: a learner that publishes the same version at the same time must not write over it.
    const objectKey = `policy.${key}.${version}.${live.epoch}.${checksumPart(head)}`;
    await this.#objects.write<Pointer>({
      key,
      bytes,
      parse,
      decide: (present) => {
        // What was to be undone is not what is live any more: whoever ordered this should look again.
        if (present?.version !== live.version) throw versionTaken(policyId, present?.version ?? version);
        if (newestOf(present) >= version) throw versionTaken(policyId, newestOf(present));
        const pointer = successorOf(present, head, { objectKey, epoch: present.epoch, by });
        const { candidates } = present;
        return {
          pointer: {
            ...pointer,
            candidates,
            held: release ? null : { by, why, atMs },
            ...withRollback(present, rollback),
          },
          objectKey,
        };
      },
      obsolete,
    });
    return rollback;
  }

  /** What is live stays, and what is published from now on goes live. */
  async #release(policyId: string, live: Pointer, { by, why }: Pick<Rollback, 'by' | 'why'>): Promise<Rollback> {
    const { version } = live;
    const rollback = { version, from: version, to: version, by, why, atMs: this.#clock.nowMs(), held: false };
    await this.#objects.write<Pointer>({
      key: encodeToken(policyId, 'id'),
      bytes: undefined,
      parse,
      decide: (present) => {
        if (present?.version !== version) throw versionTaken(policyId, present?.version ?? version);
        if (present.held === null)
          throw new EngineError(
            'Conflict',
            'POLICY_NOT_HELD',
            `Nobody holds ${policyId}: what is published goes live.`,
            {
              field: 'release',
            },
          );
        return {
          pointer: { ...present, held: null, ...withRollback(present, rollback) },
          objectKey: present.objectKey,
        };
      },
      obsolete,
    });
    return rollback;
  }

  async entry(policyId: string): Promise<RegistryEntry | undefined> {
    const pointer = await this.#objects.pointer(encodeToken(policyId, 'policy.id'), parse);
    return pointer === undefined ? undefined : entryOf(policyId, pointer);
  }

  async load(policyId: string, version?: number): Promise<Uint8Array | undefined> {
    for (let tries = 1; ; tries++) {
      try {
        const pointer = await this.#objects.pointer(encodeToken(policyId, 'policy.id'), parse);
        const wanted = version ?? pointer?.version;
        const found = [...(pointer === undefined ? [] : [pointer, ...pointer.older, ...pointer.candidates])].find(
          (candidate) => candidate.version === wanted,
        );
        return found === undefined ? undefined : await this.#objects.object(found.objectKey, ARTIFACT_BYTES_MAX);
      } catch (error) {
        const retry = EngineError.from(error).disposition === 'retry';
        if (!retry || tries >= LOAD_TRIES) throw error;
        await sleep(this.#clock, RETRY_MS);
      }
    }
  }

  watch(onChange: (entry: RegistryEntry) => void): () => void {
    const prefix = `$KV.${buckets.policies}.`;
    let stopped = false;
    let reader: JournalReader | undefined;
    let cancel: () => void = () => undefined;
    const read = (): void => {
      if (stopped) return;
      reader = new OrderedReader(this.#link, this.#jsm, {
        stream: `KV_${buckets.policies}`,
        from: 1,
        onRecord: ({ subject, payload }) => {
          // A deleted key has no payload; keys with a dot are checkpoints.
          const policyId = decodeToken(subject.slice(prefix.length));
          if (stopped || policyId === undefined || payload.length === 0) return;
          const parsed = this.#link.unreadable.read('policy-pointer', subject, payload, pointerSchema);
          if (parsed !== undefined) onChange(entryOf(policyId, parsed));
        },
        onLost: () => {
          // The bucket may come back; whoever follows takes what is live then.
          cancel = this.#clock.after(RETRY_MS, read);
        },
      });
    };
    read();
    return () => {
      stopped = true;
      cancel();
      reader?.stop();
    };
  }
}

interface Publication {
  readonly objectKey: string;
  readonly epoch: number;
  readonly by: string;
}

function successorOf(present: Pointer | undefined, head: ArtifactHead, { objectKey, epoch, by }: Publication): Pointer {
  const older = present === undefined ? [] : [{ version: present.version, objectKey: present.objectKey }];
  return {
    version: head.policy.version,
    objectKey,
    checksum: head.checksum,
    publishedAtMs: head.lineage.createdAtMs,
    by,
    experiences: head.lineage.experiences,
    epoch,
    older: [...older, ...(present?.older ?? [])].slice(0, OLDER_MAX),
    // It is above them all, so that no number of theirs is given again.
    candidates: [],
    held: null,
    rollbacks: present?.rollbacks ?? [],
  };
}

const newestOf = ({ version, candidates }: Pick<Pointer, 'version' | 'candidates'>): number =>
  Math.max(version, candidates[0]?.version ?? 0);

const withRollback = ({ rollbacks }: Pointer, rollback: Rollback): Pick<Pointer, 'rollbacks'> => ({
  rollbacks: [rollback, ...rollbacks].slice(0, ROLLBACKS_MAX),
});

/** Objects that no version needs any more. */
function obsolete(before: Pointer | undefined, after: Pointer): string[] {
  const kept = new Set([after, ...after.older, ...after.candidates].map((one) => one.objectKey));
  return [...(before?.older ?? []), ...(before?.candidates ?? [])]
    .map((old) => old.objectKey)
    .filter((name) => !kept.has(name));
}

const checksumPart = ({ checksum }: ArtifactHead): string => checksum.slice(0, 16);

const parse = (value: Uint8Array): Pointer => {
  const pointer = readJson(value, pointerSchema);
  if (pointer === undefined)
    throw new EngineError('Invariant', 'REGISTRY_ENTRY_INVALID', 'The registry has an entry that cannot be read.');
  return pointer;
};

const entryOf = (policyId: string, { older: _, rollbacks, candidates, held, ...pointer }: Pointer): RegistryEntry => ({
  policyId,
  ...pointer,
  ...(rollbacks[0]?.version === pointer.version ? { rollback: rollbacks[0] } : {}),
  ...(held === null ? {} : { held }),
  candidates: candidates.map(({ version }) => version),
  newest: newestOf({ version: pointer.version, candidates }),
});

const unknownPolicy = (policyId: string): EngineError =>
  new EngineError('NotFound', 'POLICY_UNKNOWN', `Nothing was ever published as ${policyId}.`, { field: 'id' });

const staleEpoch = (policyId: string): EngineError =>
  new EngineError('StaleOwner', 'ARTIFACT_STALE_EPOCH', `A later owner has published ${policyId}.`);

const versionTaken = (policyId: string, live: number): EngineError =>
  new EngineError('Conflict', 'ARTIFACT_VERSION_TAKEN', `Version ${live} of ${policyId} is live already.`);
