/** The live version of every learned policy, swapped while decisions go on. */
import { EngineError } from '../../kernel/errors.js';
import type { Candidate, PolicyRef } from '../../messages/decisions.js';
import { openArtifact, type Artifact } from '../artifact.js';
import type { DecisionContext, Policy, PolicyDirectory } from '../policy.js';
import type { PolicyFamily } from '../source.js';
import type { ArtifactStore, Hold, RegistryEntry } from './artifact-store.js';

/** Candidates that no artifact knows: every policy must have an answer for them. */
const PROBE_CANDIDATES: readonly Candidate[] = ['probe-a', 'probe-b'].map((id) => ({
  id,
  features: {},
  nonPersonal: true,
}));
const PROBE_CONTEXT: DecisionContext = {
  surface: 'probe',
  subjectKind: 'rider',
  personalized: false,
  context: {},
  features: {},
  nowMs: 0,
};

export interface PolicyStatus {
  readonly policyId: string;
  /** The version that answers; undefined while none was acceptable. */
  readonly version: number | undefined;
  readonly family: string | undefined;
  readonly publishedAtMs: number | undefined;
  /** Why the newest version is not the one that answers. */
  readonly refused: { readonly version: number; readonly code: string; readonly message: string } | undefined;
  /** Who holds it there since a rollback, and which versions were published meanwhile; undefined where nobody does. */
  readonly held: (Hold & { readonly candidates: readonly number[] }) | undefined;
}

interface Slot {
  policy: Policy | undefined;
  artifact: Artifact | undefined;
  refused: PolicyStatus['refused'];
  held: PolicyStatus['held'];
  /** Rises with every offer, so that a slow load never replaces a newer one. */
  turn: number;
}

/** Throws InvalidRequest `ARTIFACT_UNFIT`. */
export type FitCheck = (artifact: Artifact, policy: Policy) => void;

export type PolicyFamilies = Readonly<Record<string, PolicyFamily>>;

/**
 * Makes a policy of an artifact and tries it. Throws InvalidRequest `ARTIFACT_FAMILY_UNKNOWN`, `ARTIFACT_DISTRIBUTION`,
 * or whatever its family has against the parameters.
 */
export function policyOf(artifact: Artifact, families: PolicyFamilies): Policy {
  const family = Object.hasOwn(families, artifact.family) ? families[artifact.family] : undefined;
  if (family === undefined)
    throw refusal('ARTIFACT_FAMILY_UNKNOWN', `Nothing here reads the family ${artifact.family}.`, 'family');
  const policy = family(artifact);
  const observation = new Array<number>(policy.observationSize ?? 0).fill(0);
  const context: DecisionContext = { ...PROBE_CONTEXT, observation };
  const distribution = policy.distribution(context, PROBE_CANDIDATES);
  const total = distribution.reduce((sum, p) => sum + p, 0);
  const sound =
    distribution.length === PROBE_CANDIDATES.length &&
    distribution.every((p) => p >= 0) &&
    Math.abs(total - 1) <= 1e-9 &&
    policy.scores(context, PROBE_CANDIDATES).every(Number.isFinite);
  if (!sound) throw refusal('ARTIFACT_DISTRIBUTION', 'The policy does not give a distribution with finite scores.');
  return policy;
}

export class PolicyRegistry implements PolicyDirectory {
  readonly #families: PolicyFamilies;
  readonly #slots = new Map<string, Slot>();
  readonly #onChange: (status: PolicyStatus) => void;
  readonly #assertFits: FitCheck;

  /** `onChange` hears of every swap and every refusal; `assertFits` throws where a policy cannot do what it is for. */
  constructor(
    families: PolicyFamilies,
    onChange: (status: PolicyStatus) => void = () => undefined,
    assertFits: FitCheck = () => undefined,
  ) {
    this.#families = families;
    this.#onChange = onChange;
    this.#assertFits = assertFits;
  }

  get(policyId: string): Policy | undefined {
    return this.#slots.get(policyId)?.policy;
  }

  status(): readonly PolicyStatus[] {
    return [...this.#slots].map(([policyId, slot]) => statusOf(policyId, slot));
  }

  /** Takes the bytes of an artifact as the live version of `expected`, or keeps the last good one and says why. */
  offer(expected: PolicyRef, bytes: Uint8Array): PolicyStatus {
    const slot = this.#slot(expected.id);
    slot.turn++;
    try {
      const artifact = openArtifact(bytes);
      if (artifact.policy.id !== expected.id || artifact.policy.version !== expected.version)
        throw refusal('ARTIFACT_MISNAMED', 'The artifact is of another policy or version than the registry says.');
      const policy = policyOf(artifact, this.#families);
      this.#assertFits(artifact, policy);
      slot.policy = policy;
      slot.artifact = artifact;
      slot.refused = undefined;
    } catch (error) {
      this.#refuse(slot, expected, error);
    }
    const status = statusOf(expected.id, slot);
    this.#onChange(status);
    return status;
  }

  /** Keeps up with a store until the returned function is called. */
  follow(store: ArtifactStore): () => void {
    let stopped = false;
    const unwatch = store.watch((entry) => {
      if (!stopped) void this.#take(store, entry, () => stopped);
    });
    return () => {
      stopped = true;
      unwatch();
    };
  }

  async #take(store: ArtifactStore, entry: RegistryEntry, stopped: () => boolean): Promise<void> {
    const slot = this.#slot(entry.policyId);
    const ref: PolicyRef = { id: entry.policyId, version: entry.version };
    const turn = ++slot.turn;
    slot.held = entry.held && { ...entry.held, candidates: entry.candidates };
    if (slot.artifact?.checksum === entry.checksum) {
      // What is live is what was live: only the hold or its candidates have changed.
      slot.refused = undefined;
      this.#onChange(statusOf(entry.policyId, slot));
      return;
    }
    const overtaken = (): boolean => stopped() || slot.turn !== turn;
    try {
      const bytes = await store.load(entry.policyId, entry.version);
      if (overtaken()) return;
      if (bytes === undefined) throw missing();
      this.offer(ref, bytes);
    } catch (error) {
      if (overtaken()) return;
      this.#refuse(slot, ref, error);
      this.#onChange(statusOf(entry.policyId, slot));
    }
  }

  #refuse(slot: Slot, ref: PolicyRef, error: unknown): void {
    const { code, message } = EngineError.from(error);
    slot.refused = { version: ref.version, code, message };
  }

  #slot(policyId: string): Slot {
    let slot = this.#slots.get(policyId);
    if (slot === undefined) {
      slot = { policy: undefined, artifact: undefined, refused: undefined, held: undefined, turn: 0 };
      this.#slots.set(policyId, slot);
    }
    return slot;
  }
}

const statusOf = (policyId: string, { policy, artifact, refused, held }: Slot): PolicyStatus => ({
  policyId,
  version: policy?.ref.version,
  family: artifact?.family,
  publishedAtMs: artifact?.lineage.createdAtMs,
  refused,
  held,
});

const missing = (): EngineError =>
  new EngineError('NotFound', 'ARTIFACT_MISSING', 'The artifact is not in the object store.');

const refusal = (code: string, message: string, field?: string): EngineError =>
  new EngineError('InvalidRequest', code, message, field === undefined ? {} : { field });
