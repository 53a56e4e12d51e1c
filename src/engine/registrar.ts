/** Registers campaigns, policy versions and verdicts on candidates in the store, for queries; whatever fails is tried again at the next look. */
import { z } from 'zod';
import type { VerdictStore } from '../actors/learner/verdict-store.js';
import { readStored } from '../actors/nats/stored-messages.js';
import type { Logger } from '../kernel/logger.js';
import { CAMPAIGN_STATES, campaignDefinitionSchema } from '../messages/campaigns.js';
import { streams, subjects } from '../messages/subjects.js';
import { openArtifact } from '../policies/artifact.js';
import type { ArtifactStore, RegistryEntry } from '../policies/registry/artifact-store.js';
import type { CampaignReport, RegistryRepository } from '../store/registry-repository.js';
import type { ClusterAccess } from './attachment.js';

const LOOK_EVERY_MS = 5_000;

const broadcastSchema = z.object({
  id: z.string(),
  status: z.enum(CAMPAIGN_STATES),
  definition: campaignDefinitionSchema,
});

export interface RegistrarOptions {
  readonly registry: RegistryRepository;
  /** Resolves once the tables are there. */
  readonly migrated: () => Promise<void>;
  readonly source: ClusterAccess;
  readonly artifacts: ArtifactStore;
  readonly verdicts: VerdictStore;
  readonly log: Logger;
  readonly everyMs?: number;
}

/** The returned function ends it, after the look under way. */
export function startRegistrar(options: RegistrarOptions): () => Promise<void> {
  const { artifacts, log, everyMs = LOOK_EVERY_MS } = options;
  const published = new Map<string, RegistryEntry>();
  /** Policies that were ever published: a verdict is on a candidate for one of them. */
  const judged = new Map<string, string>();
  const unwatch = artifacts.watch((entry) => {
    published.set(`${entry.policyId} ${entry.version}`, entry);
    if (!judged.has(entry.policyId)) judged.set(entry.policyId, '');
  });
  const reported = new Map<string, number>();
  const unreadable = new Set<number>();
  let looking: Promise<void> = Promise.resolve();
  let busy = false;
  /** Said once, until it works again. */
  let failing = false;
  const look = async (): Promise<void> => {
    await options.migrated();
    const parts = [
      registerPolicies(options, published),
      registerVerdicts(options, judged),
      registerCampaigns(options, reported, unreadable),
    ];
    // One that cannot be read must not keep the others waiting for ever.
    const failure = (await Promise.allSettled(parts)).find(({ status }) => status === 'rejected');
    if (failure) throw (failure as PromiseRejectedResult).reason;
  };
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    looking = look()
      .then(() => void (failing = false))
      .catch((error: unknown) => {
        if (!failing) log.warn('campaigns, policies or verdicts could not be registered yet', { error });
        failing = true;
      })
      .finally(() => (busy = false));
  }, everyMs);
  return async () => {
    clearInterval(timer);
    unwatch();
    await looking;
  };
}

async function registerPolicies(
  { artifacts, registry, log }: RegistrarOptions,
  published: Map<string, RegistryEntry>,
): Promise<void> {
  for (const [key, { policyId, version }] of published) {
    const bytes = await artifacts.load(policyId, version);
    try {
      if (bytes) await registry.registerPolicy(openArtifact(bytes));
    } catch (error) {
      if (!isFinal(error)) throw error;
      log.warn('a policy version cannot be registered', { policyId, version, error });
    }
    published.delete(key);
  }
}

/** In the place of a policy's last verdict: said once, and all are registered again once they can be read. */
const UNREADABLE = 'unreadable';

/** `judged` has, by policy, the last verdict that is registered. */
async function registerVerdicts(
  { verdicts, registry, log }: RegistrarOptions,
  judged: Map<string, string>,
): Promise<void> {
  for (const [policyId, last] of judged) {
    const known = await verdicts.of(policyId).catch((error: unknown) => {
      if ((error as { code?: string }).code !== 'VERDICTS_INVALID') throw error;
      if (last !== UNREADABLE) log.warn('verdicts on candidates cannot be read', { policyId, error });
      return undefined;
    });
    if (known === undefined) {
      judged.set(policyId, UNREADABLE);
      continue;
    }
    const keys = known.map(({ candidate, version, judgedAtMs }) => `${candidate} ${version} ${judgedAtMs}`);
    for (const verdict of known.slice(keys.indexOf(last) + 1)) await registry.registerVerdict(verdict);
    judged.set(policyId, keys.at(-1) ?? '');
  }
}

/** An artifact that is no artifact, or a version that is taken, stays so. */
const isFinal = (error: unknown): boolean =>
  ['InvalidRequest', 'Conflict'].includes((error as { family?: string }).family ?? '');

async function registerCampaigns(
  { source, registry }: RegistrarOptions,
  reported: Map<string, number>,
  unreadable: Set<number>,
): Promise<void> {
  const query = { stream: streams.state, filter: subjects.books('campaign', '>') };
  const found = await readStored(source.link, source.jsm, query, (message, { sequence, timestampMs }) => ({
    subject: message.subject,
    bytes: message.data,
    sequence,
    atMs: timestampMs,
  }));
  for (const { subject, bytes, sequence, atMs } of found) {
    if (unreadable.has(sequence)) continue;
    const broadcast = source.link.unreadable.read('campaign-broadcast', subject, bytes, broadcastSchema);
    if (broadcast === undefined) {
      // Looked at once; the others are registered all the same.
      unreadable.add(sequence);
      continue;
    }
    const report: CampaignReport = { ...broadcast, sequence, atMs };
    if (reported.get(report.id) === sequence) continue;
    await registry.registerCampaign(report);
    reported.set(report.id, sequence);
  }
}
