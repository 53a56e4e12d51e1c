/**
 * Makes streams and buckets, or brings them to what is wanted. Other processes may be making the same ones at the same
 * moment: whoever comes first, all go on with what is there.
 */
import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { sleep, systemClock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { areSubjectsTaken, isNameTaken, noRoomFor, unreachable } from './nats-errors.js';
import { measureEnds } from './room-measure.js';
import { streamInfoOf } from './stream-info.js';

const CONCURRENT_MAX = 8;
/** A limit may be lowered to where so much of it would be in use. */
const USED_SHARE_MAX = 0.9;
const RACES_MAX = 40;
const RACE_PAUSE_MS = 50;

export type WantedStream = Partial<StreamConfig> & { name: string };

export interface Making {
  /** Of the stream, and its subjects. */
  readonly name: string;
  readonly subjects: readonly string[];
  /** Makes the stream where there is none; may be called again. */
  readonly make: () => Promise<unknown>;
}

/**
 * Makes a stream. A server may refuse to make one that another process is making: nats-server 2.9.10 finds that its subjects
 * are taken, by the very same stream. It is there when it is looked for again. Rejects with Configuration
 * `STREAM_SUBJECTS_TAKEN` where the subjects are another stream's.
 */
export async function makeOne(jsm: JetStreamManager, making: Making): Promise<void> {
  for (let races = 0; races < RACES_MAX; races++) {
    try {
      await making.make();
      return;
    } catch (error) {
      if (!areSubjectsTaken(error) && !isNameTaken(error)) throw error;
      if (areSubjectsTaken(error)) await assertNobodyElses(jsm, making);
      await sleep(systemClock, RACE_PAUSE_MS);
    }
  }
  throw unreachable(`The stream ${making.name}`);
}

async function assertNobodyElses(jsm: JetStreamManager, { name, subjects }: Making): Promise<void> {
  for (const subject of subjects) {
    for await (const owner of jsm.streams.names(subject)) {
      if (owner === name) continue;
      throw new EngineError(
        'Configuration',
        'STREAM_SUBJECTS_TAKEN',
        `The stream ${owner} of this NATS account takes ${subject}, which ${name} is to take. Remove it, or give the engine ` +
          'an account of its own.',
      );
    }
  }
}

const TRIES = 2;
/** Many processes that begin at once measure one after the other. */
const TRIES_BESIDE_MEASURES = 12;

/**
 * Makes them all, a few at a time. What finds no room, because another limit is still to be lowered or another process is
 * measuring the room, is tried again. Rejects with Configuration `STORE_TOO_SMALL`.
 */
export async function makeAll(jsm: JetStreamManager, all: readonly Making[]): Promise<void> {
  let left = all;
  for (let tries = 1; ; tries++) {
    const without: Making[] = [];
    await inParallel(left, async (making) => {
      if (!(await hasRoom(jsm, making))) without.push(making);
    });
    const [first] = without;
    if (first === undefined) return;
    const wasMeasured = await measureEnds(jsm);
    if (tries >= (wasMeasured ? TRIES_BESIDE_MEASURES : TRIES)) {
      throw new EngineError(
        'Configuration',
        'STORE_TOO_SMALL',
        'The server has not enough room for what this cluster has planned: others have reserved it. Set storage.bytesMax to ' +
          `less, or give the account more. (${first.name} has no room.)`,
        { field: 'storage.bytesMax' },
      );
    }
    left = without;
  }
}

/** Whether there was room to make it. */
async function hasRoom(jsm: JetStreamManager, making: Making): Promise<boolean> {
  try {
    await makeOne(jsm, making);
    return true;
  } catch (error) {
    if (error instanceof JetStreamApiError && noRoomFor(error)) return false;
    throw error;
  }
}

/** A few at a time: a server with many streams to make answers each call late. */
async function inParallel<T>(all: readonly T[], task: (one: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < all.length) await task(all[next++]!);
  };
  await Promise.all(Array.from({ length: CONCURRENT_MAX }, worker));
}

/** Creates the stream, or brings the settings that may change over its life to what is wanted. */
export async function ensureStream(jsm: JetStreamManager, wanted: WantedStream): Promise<void> {
  const existing = await streamInfoOf(jsm, wanted.name);
  if (!existing) return void (await jsm.streams.add(wanted));
  // Never fewer subjects: another process may know of more.
  const subjects = [...new Set([...existing.config.subjects, ...(wanted.subjects ?? [])])];
  await changeStream(jsm, existing, { ...wanted, subjects });
}

/** Brings the settings that may change over a stream's life to what is wanted. */
export async function changeStream(
  jsm: JetStreamManager,
  { config, state }: StreamInfo,
  wanted: WantedStream,
): Promise<void> {
  const { max_bytes, max_msgs, max_age, max_msg_size, num_replicas, discard } = config;
  const has: Partial<StreamConfig> = { max_bytes, max_msgs, max_age, max_msg_size, num_replicas, discard };
  const differs = (Object.keys(has) as (keyof typeof has)[]).some(
    (k) => wanted[k] !== undefined && wanted[k] !== has[k],
  );
  if (!differs && isSameSet(config.subjects, wanted.subjects ?? [])) return;
  if (wanted.max_bytes !== undefined && wanted.discard === DiscardPolicy.New) {
    assertHolds(wanted.name, state.bytes, wanted.max_bytes);
  }
  await jsm.streams.update(wanted.name, wanted);
}

const isSameSet = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && some.every((one) => others.includes(one));

/** Of a bucket or an object store that exists. */
export async function resize(jsm: JetStreamManager, name: string, max_bytes: number): Promise<void> {
  const { config, state } = await jsm.streams.info(name);
  if (config.max_bytes === max_bytes) return;
  assertHolds(name, state.bytes, max_bytes);
  await jsm.streams.update(name, { ...config, max_bytes });
}

/** The server makes a stream fit a lower limit by dropping its oldest messages, whatever it says of new ones (m: 2.9.10). */
function assertHolds(name: string, bytes: number, max: number): void {
  if (bytes <= max * USED_SHARE_MAX) return;
  throw new EngineError(
    'Configuration',
    'STORE_LIMIT_BELOW_USE',
    `${name} holds ${bytes} bytes, and its limit would be ${max}: the server would drop what is above it. Raise the limit ` +
      '(storage.*.bytesMax) or wait until it holds less.',
    { field: 'storage' },
  );
}
