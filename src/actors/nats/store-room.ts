/** How much room JetStream has for a cluster, and how the cluster has shared it out: kept beside its constants. */
import type { JetStreamManager } from '@nats-io/jetstream';
import { z } from 'zod';
import { EngineError } from '../../kernel/errors.js';
import { DEFAULT_APP } from '../../kernel/ids.js';
import type { KeyValue } from '../host/ports.js';
import { reservable } from './room-measure.js';
import { planStore, type StorePlan, type StoreSettings } from './store-plan.js';

/** The bucket of the constants, which is made before anything is known. */
export const CLUSTER_BYTES_MAX = 1024 * 1024;

const KEY = 'storage';
const TRIES_MAX = 10;

const bytes = z.number().int().positive();
const storedSchema = z.strictObject({
  /** What was configured when it was planned. */
  settings: z.record(z.string(), bytes),
  room: bytes,
  /** All apps that any process has ever named: a journal that takes events again takes theirs. */
  apps: z.array(z.string()),
  plan: z.strictObject({
    journal: bytes,
    journalReserve: bytes,
    snapshots: bytes,
    experience: bytes,
    deadLetters: bytes,
    state: bytes,
    artifacts: bytes,
    learnerCheckpoints: bytes,
    small: bytes,
    policies: bytes,
  }),
});
type StoredPlan = z.infer<typeof storedSchema>;

/** The limits in force, and whose events journals take. */
export interface StorePlanOfApps extends StorePlan {
  readonly apps: readonly string[];
}

/** The plan as it was stored by a process that has just looked at it. */
export interface PlannedStore extends StorePlanOfApps {
  /** Of the apps, those that nobody had named before. */
  readonly newApps: readonly string[];
}

export interface PlanOptions {
  readonly partitions: number;
  readonly replicas: number;
  readonly storage?: StoreSettings;
  readonly apps?: readonly string[];
}

/**
 * The limits in force: what the configuration sets, and for the rest what was planned when the cluster was made, so that
 * a disk with more or less room on another day moves nothing. Rejects with Configuration `STORE_TOO_SMALL`.
 */
export async function storedPlan(
  bucket: KeyValue,
  options: PlanOptions,
  roomNow: () => Promise<number>,
): Promise<PlannedStore> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const found = await bucket.get(KEY);
    const before = found && parse(found.value);
    const after = await planned(before, options, roomNow);
    if (before && JSON.stringify(before) === JSON.stringify(after)) return { ...ofApps(after), newApps: [] };
    if ((await bucket.put(KEY, Buffer.from(JSON.stringify(after)), found?.revision ?? 0)) !== undefined) {
      return { ...ofApps(after), newApps: after.apps.filter((app) => !before?.apps.includes(app)) };
    }
  }
  throw new EngineError('Dependency', 'CLUSTER_CONTENDED', 'Too many hosts plan the store at once.', {
    retryAfterMs: 500,
  });
}

/** The plan of a cluster that exists, for those who only use it. */
export async function readPlan(bucket: KeyValue): Promise<StorePlanOfApps> {
  const found = await bucket.get(KEY);
  if (!found) throw new EngineError('Dependency', 'CLUSTER_MISSING', 'The cluster has no plan of its store yet.');
  return ofApps(parse(found.value));
}

const ofApps = ({ plan, apps }: StoredPlan): StorePlanOfApps => ({ ...plan, apps });

async function planned(
  before: StoredPlan | undefined,
  { partitions, storage = {}, apps: named = [DEFAULT_APP] }: PlanOptions,
  roomNow: () => Promise<number>,
): Promise<StoredPlan> {
  const set = Object.entries(storage).filter(([, value]) => value !== undefined);
  const settings = Object.fromEntries(set.sort(([a], [b]) => (a < b ? -1 : 1))) as Record<string, number>;
  const apps = [...new Set([...(before?.apps ?? []), ...named])].sort();
  if (before && JSON.stringify(before.settings) === JSON.stringify(settings)) return { ...before, apps };
  // What the server would reserve now does not count what this cluster has already.
  const room = storage.bytesMax ?? Math.max(before?.room ?? 0, await roomNow());
  return { settings, room, apps, plan: planStore(room, partitions, settings) };
}

function parse(value: Uint8Array): StoredPlan {
  try {
    return storedSchema.parse(JSON.parse(Buffer.from(value).toString('utf8')));
  } catch (cause) {
    throw new EngineError('Configuration', 'CLUSTER_CONSTANTS_DAMAGED', 'The cluster bucket holds no valid plan.', {
      cause,
    });
  }
}

/**
 * Bytes that one copy of everything may have: what is configured, within what the account allows. Where neither says, the
 * server is asked what it would reserve. Rejects with Configuration `STORE_TOO_SMALL` where more is configured than allowed.
 */
export async function roomOf(jsm: JetStreamManager, { replicas, storage }: PlanOptions): Promise<number> {
  const { limits, tiers } = await jsm.getAccountInfo();
  const tier = (tiers as Record<string, { limits?: { max_storage: number } }> | undefined)?.[`R${replicas}`];
  const allowed = tier?.limits?.max_storage ?? limits.max_storage;
  // Without tiers an account pays for every replica.
  const room = allowed < 0 ? Infinity : Math.floor(allowed / (tier ? 1 : replicas));
  const wanted = storage?.bytesMax;
  if (wanted !== undefined && wanted > room) {
    throw new EngineError(
      'Configuration',
      'STORE_TOO_SMALL',
      `storage.bytesMax is ${wanted}, and the NATS account allows ${room} bytes.`,
      { field: 'storage.bytesMax' },
    );
  }
  return wanted ?? (room === Infinity ? await reservable(jsm, replicas) : room);
}
