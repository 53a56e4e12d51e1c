/** The live version of every learned policy, swapped while decisions go on. */
import { EngineError } from '../../kernel/errors.js';
import type { PolicyRef } from '../../messages/decisions.js';
import type { Policy, PolicyDirectory } from '../policy.js';
import type { ArtifactStore, Hold, RegistryEntry } from './artifact-store.js';
import type { OpenedPolicy, PolicyOpener } from './opener.js';

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

/** A version that is to become live. */
interface Coming {
  readonly ref: PolicyRef;
  /** Gives its bytes; they are the opener's then, so that each try has to have them anew. */
  readonly load: () => Promise<Uint8Array>;
  /** As the store says; undefined where nobody says. */
  readonly checksum: string | undefined;
}

interface Slot {
  live: OpenedPolicy | undefined;
  refused: PolicyStatus['refused'];
  held: PolicyStatus['held'];
  /** The newest version that anybody has told of, until it is live or refused. */
  newest: Coming | undefined;
  /** Loaded and not being opened yet. A newer one takes its place: nothing that is overtaken need be opened. */
  next: { readonly coming: Coming; readonly bytes: Uint8Array } | undefined;
  /** One at a time; undefined while none is. */
  opening: Promise<void> | undefined;
}

/** A thread that ended may have ended of something else than what it was opening. */
const OPEN_TRIES = 3;

export class PolicyRegistry implements PolicyDirectory {
  readonly #opener: PolicyOpener;
  readonly #slots = new Map<string, Slot>();
  readonly #onChange: (status: PolicyStatus) => void;
  #stopped = false;

  /** `onChange` hears of every swap and every refusal. */
  constructor(opener: PolicyOpener, onChange: (status: PolicyStatus) => void = () => undefined) {
    this.#opener = opener;
    this.#onChange = onChange;
  }

  get(policyId: string): Policy | undefined {
    return this.#slots.get(policyId)?.live?.policy;
  }

  status(): readonly PolicyStatus[] {
    return [...this.#slots].map(([policyId, slot]) => statusOf(policyId, slot));
  }

  /**
   * Takes the bytes of an artifact as the live version of `expected`, or keeps the last good one and says why. Resolves once that
   * is done, or once a newer version has taken its place.
   */
  async offer(expected: PolicyRef, bytes: Uint8Array): Promise<PolicyStatus> {
    const slot = this.#slot(expected.id);
    await this.#take(slot, { ref: expected, load: () => Promise.resolve(new Uint8Array(bytes)), checksum: undefined });
    return statusOf(expected.id, slot);
  }

  /** Keeps up with a store until the returned function is called. */
  follow(store: ArtifactStore): () => void {
    const unwatch = store.watch((entry) => {
      if (!this.#stopped) this.#hear(store, entry);
    });
    return () => {
      this.#stopped = true;
      unwatch();
    };
  }

  #hear(store: ArtifactStore, { policyId, version, checksum, held, candidates }: RegistryEntry): void {
    const slot = this.#slot(policyId);
    slot.held = held && { ...held, candidates };
    if (slot.newest?.ref.version === version && slot.newest.checksum === checksum) {
      // It is on its way already: only the hold or its candidates have changed.
      this.#say(policyId, slot);
      return;
    }
    if (slot.live?.head.checksum === checksum) {
      // What is live is what was live.
      slot.newest = undefined;
      slot.refused = undefined;
      this.#say(policyId, slot);
      return;
    }
    const load = async (): Promise<Uint8Array> => {
      const bytes = await store.load(policyId, version);
      if (bytes === undefined) throw missing();
      return bytes;
    };
    void this.#take(slot, { ref: { id: policyId, version }, load, checksum });
  }

  /** Loads it and has it opened, unless a newer one comes first. Never rejects. */
  async #take(slot: Slot, coming: Coming): Promise<void> {
    slot.newest = coming;
    try {
      const bytes = await coming.load();
      // A load that took long must not replace a newer version.
      if (this.#isOver(slot, coming)) return;
      slot.next = { coming, bytes };
    } catch (error) {
      if (!this.#isOver(slot, coming)) this.#refuse(slot, coming, error);
      return;
    }
    slot.opening ??= this.#openAll(slot);
    await slot.opening;
  }

  async #openAll(slot: Slot): Promise<void> {
    for (let next = slot.next; next !== undefined && !this.#stopped; next = slot.next) {
      slot.next = undefined;
      const { coming, bytes } = next;
      try {
        const opened = await this.#open(slot, coming, bytes);
        // What is live was said to stay, meanwhile. Where a newer one is on its way, this one is still newer than what is live,
        // unless that is a rollback.
        if (this.#stopped || slot.newest === undefined) continue;
        if (slot.held !== undefined && slot.newest !== coming) continue;
        slot.live = opened;
        slot.refused = undefined;
        if (slot.newest === coming) slot.newest = undefined;
        this.#say(coming.ref.id, slot);
      } catch (error) {
        if (!this.#isOver(slot, coming)) this.#refuse(slot, coming, error);
      }
    }
    // At once: whoever comes from now on begins anew.
    slot.opening = undefined;
  }

  async #open(slot: Slot, coming: Coming, bytes: Uint8Array): Promise<OpenedPolicy> {
    const { ref, load } = coming;
    for (let tries = 1; ; tries++) {
      try {
        return await this.#opener.open(tries === 1 ? bytes : await load(), ref);
      } catch (error) {
        const isWorthIt = EngineError.from(error).disposition === 'retry' && tries < OPEN_TRIES;
        if (!isWorthIt || this.#isOver(slot, coming)) throw error;
      }
    }
  }

  #isOver(slot: Slot, coming: Coming): boolean {
    return this.#stopped || slot.newest !== coming;
  }

  #refuse(slot: Slot, { ref }: Coming, error: unknown): void {
    const { code, message } = EngineError.from(error);
    slot.newest = undefined;
    slot.refused = { version: ref.version, code, message };
    this.#say(ref.id, slot);
  }

  #say(policyId: string, slot: Slot): void {
    this.#onChange(statusOf(policyId, slot));
  }

  #slot(policyId: string): Slot {
    let slot = this.#slots.get(policyId);
    if (slot === undefined) {
      slot = {
        live: undefined,
        refused: undefined,
        held: undefined,
        newest: undefined,
        next: undefined,
        opening: undefined,
      };
      this.#slots.set(policyId, slot);
    }
    return slot;
  }
}

const statusOf = (policyId: string, { live, refused, held }: Slot): PolicyStatus => ({
  policyId,
  version: live?.policy.ref.version,
  family: live?.head.family,
  publishedAtMs: live?.head.lineage.createdAtMs,
  refused,
  held,
});

const missing = (): EngineError =>
  new EngineError('NotFound', 'ARTIFACT_MISSING', 'The artifact is not in the object store.');
