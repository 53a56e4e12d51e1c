/**
 * How the room that JetStream has is shared out. Every stream and bucket has a limit, and all limits with the journals'
 * reserves lie below what the account may store: whatever is flooded, leases, snapshots and dead letters keep their
 * room. A limit is also a reservation with the server, so that what does not fit is refused at boot. (nats-server 2.9.10
 * does not even restore a stream whose limit no longer fits.)
 */
import { EngineError } from '../../kernel/errors.js';

const MB = 1024 * 1024;

/** What an operator may set; what is left out is a share of the room. Bytes. */
export interface StoreSettings {
  /** Of everything together; what the account allows if left out. */
  readonly bytesMax?: number | undefined;
  /** Of one partition. */
  readonly journalBytesMax?: number | undefined;
  readonly snapshotsBytesMax?: number | undefined;
  readonly experienceBytesMax?: number | undefined;
  readonly deadLettersBytesMax?: number | undefined;
  readonly stateBytesMax?: number | undefined;
  readonly artifactsBytesMax?: number | undefined;
  readonly learnerCheckpointsBytesMax?: number | undefined;
}

/** A limit for each kind of stream and bucket. Bytes; journals and snapshots are one partition's. */
export interface StorePlan {
  readonly journal: number;
  /** By so much a journal's limit is raised while it takes no events: room for decisions, and for control records last. */
  readonly journalReserve: number;
  readonly snapshots: number;
  readonly experience: number;
  readonly deadLetters: number;
  readonly state: number;
  readonly artifacts: number;
  readonly learnerCheckpoints: number;
  /** Leases, hosts and the cluster's constants, each. */
  readonly small: number;
  readonly policies: number;
}

/** Never given to anybody: what the server itself needs, and a first look at a store that fills. */
const UNPLANNED_SHARE = 0.04;
/** Of a journal's limit. */
const RESERVE_SHARE = 0.5;

/** Leases and announcements are a few hundred bytes each; these limits are there so that nobody else takes their room. */
const SMALL = MB;
const SMALL_BUCKETS = 3;
const POLICIES = 2 * MB;

type Shared = Exclude<keyof StorePlan, 'journalReserve' | 'small' | 'policies'>;

interface Share {
  readonly setting: keyof StoreSettings;
  /** The configuration's name of it. */
  readonly field: string;
  readonly share: number;
  readonly min: number;
  readonly perPartition: boolean;
}

/** A journal must hold several of the largest records, a bucket or object store two of its largest values. */
const SHARES: Readonly<Record<Shared, Share>> = {
  journal: {
    setting: 'journalBytesMax',
    field: 'storage.journals.bytesMax',
    share: 0.34,
    min: 2 * MB,
    perPartition: true,
  },
  snapshots: {
    setting: 'snapshotsBytesMax',
    field: 'storage.snapshots.bytesMax',
    share: 0.32,
    min: 2 * MB,
    perPartition: true,
  },
  experience: {
    setting: 'experienceBytesMax',
    field: 'storage.experience.bytesMax',
    share: 0.13,
    min: 4 * MB,
    perPartition: false,
  },
  learnerCheckpoints: {
    setting: 'learnerCheckpointsBytesMax',
    field: 'storage.learnerCheckpoints.bytesMax',
    share: 0.08,
    min: 8 * MB,
    perPartition: false,
  },
  artifacts: {
    setting: 'artifactsBytesMax',
    field: 'storage.artifacts.bytesMax',
    share: 0.06,
    min: 4 * MB,
    perPartition: false,
  },
  state: {
    setting: 'stateBytesMax',
    field: 'storage.state.bytesMax',
    share: 0.04,
    min: MB,
    perPartition: false,
  },
  deadLetters: {
    setting: 'deadLettersBytesMax',
    field: 'storage.deadLetters.bytesMax',
    share: 0.03,
    min: 2 * MB,
    perPartition: false,
  },
};

const NAMES = Object.keys(SHARES) as Shared[];

/**
 * The limits for `room` bytes. Throws Configuration `STORE_TOO_SMALL`, which names what was set and what would be needed.
 */
export function planStore(room: number, partitions: number, settings: StoreSettings): StorePlan {
  const fixed = SMALL_BUCKETS * SMALL + POLICIES;
  const set = NAMES.filter((name) => settings[SHARES[name].setting] !== undefined);
  const times = (name: Shared): number =>
    (SHARES[name].perPartition ? partitions : 1) * (name === 'journal' ? 1 + RESERVE_SHARE : 1);
  const usable = Math.floor(room * (1 - UNPLANNED_SHARE)) - fixed;
  const taken = set.reduce((sum, name) => sum + times(name) * settings[SHARES[name].setting]!, 0);
  const open = NAMES.filter((name) => !set.includes(name));
  const shares = open.reduce((sum, name) => sum + SHARES[name].share, 0);
  const limits = Object.fromEntries(
    NAMES.map((name) => {
      const { setting, share, min } = SHARES[name];
      const wanted = settings[setting];
      if (wanted !== undefined) return [name, wanted];
      return [name, Math.max(min, Math.floor(((usable - taken) * share) / shares / times(name)))];
    }),
  ) as Record<Shared, number>;
  // Where a share lies below its least, what the least take is not there for the others.
  const least = open.filter((name) => limits[name] === SHARES[name].min);
  const left = usable - taken - least.reduce((sum, name) => sum + times(name) * limits[name], 0);
  const rest = open.filter((name) => !least.includes(name));
  const restShares = rest.reduce((sum, name) => sum + SHARES[name].share, 0);
  for (const name of rest) {
    const { share, min } = SHARES[name];
    limits[name] = Math.max(min, Math.floor((left * share) / restShares / times(name)));
  }
  const total = NAMES.reduce((sum, name) => sum + times(name) * limits[name], 0);
  if (total > usable) throw tooSmall(room, Math.ceil((total + fixed) / (1 - UNPLANNED_SHARE)), set, settings);
  return { ...limits, journalReserve: Math.floor(limits.journal * RESERVE_SHARE), small: SMALL, policies: POLICIES };
}

function tooSmall(room: number, needed: number, set: readonly Shared[], settings: StoreSettings): EngineError {
  const fields = set.map((name) => `${SHARES[name].field} = ${settings[SHARES[name].setting]}`);
  const why = fields.length === 0 ? '' : ` with ${fields.join(', ')}`;
  return new EngineError(
    'Configuration',
    'STORE_TOO_SMALL',
    `JetStream may store ${room} bytes, and this cluster needs ${needed}${why}. Give the account more room ` +
      '(max_file), lower cluster.partitions, or set storage.*.bytesMax to less.',
    { field: set.length === 0 ? 'storage.bytesMax' : SHARES[set[0]!].field },
  );
}
