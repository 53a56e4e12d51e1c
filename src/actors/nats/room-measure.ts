/**
 * How much a server would still reserve, where no account's limit says so. Many processes may measure at once, beside others
 * that already make the cluster's streams.
 */
import { JetStreamApiError, StorageType, type JetStreamManager, type StreamConfig } from '@nats-io/jetstream';
import { sleep, systemClock } from '../../kernel/clock.js';
import { buckets } from '../../messages/subjects.js';
import { areSubjectsTaken, isNameTaken, isStreamMissing, noRoomFor } from './nats-errors.js';
import { streamInfoOf } from './stream-info.js';

/** The server is asked for less and less. */
const ASKED_FIRST = 2 ** 42;
const ASKED_LAST = 2 ** 22;
/** More than any server has. */
const IMPOSSIBLE = 2 ** 60;
/** The stream that measures, under one name: a process that is killed while it exists leaves one behind, not many. */
const MEASURE = 'ATTUNE_ROOM';
/** Nobody measures for so long: what is still there was left behind. */
const MEASURE_MS_MAX = 5_000;
const MEASURE_LOOK_MS = 100;

/** The largest power of two, or one and a half of it, that the server would reserve. */
export async function reservable(jsm: JetStreamManager, replicas: number): Promise<number> {
  // Where several processes begin at once, what one reserves to measure would be missing in the others' measures.
  const fits = (await wouldReserve(jsm, replicas, IMPOSSIBLE)) ? reserves : wouldReserve;
  for (let asked = ASKED_FIRST; asked >= ASKED_LAST; asked /= 2) {
    if (!(await fits(jsm, replicas, asked))) continue;
    return (await fits(jsm, replicas, asked * 1.5)) ? asked * 1.5 : asked;
  }
  return ASKED_LAST;
}

const measureOf = (replicas: number, max_bytes: number, subject: string): Partial<StreamConfig> & { name: string } => ({
  name: MEASURE,
  subjects: [subject],
  max_bytes,
  num_replicas: replicas,
  storage: StorageType.File,
});

/**
 * Asks for a stream that cannot be: another one has its subjects. A server of its own looks at the room before it looks at
 * the subjects, and so says whether there is room without ever reserving it; a server in a cluster says yes to everything.
 */
async function wouldReserve(jsm: JetStreamManager, replicas: number, max_bytes: number): Promise<boolean> {
  try {
    await jsm.streams.add(measureOf(replicas, max_bytes, `$KV.${buckets.cluster}.room`));
  } catch (error) {
    if (error instanceof JetStreamApiError && noRoomFor(error)) return false;
    if (areSubjectsTaken(error)) return true;
    throw error;
  }
  await endMeasure(jsm);
  return true;
}

async function reserves(jsm: JetStreamManager, replicas: number, max_bytes: number): Promise<boolean> {
  for (;;) {
    try {
      await jsm.streams.add(measureOf(replicas, max_bytes, 'attune.room'));
      break;
    } catch (error) {
      if (error instanceof JetStreamApiError && noRoomFor(error)) return false;
      if (!isNameTaken(error) && !areSubjectsTaken(error)) throw error;
      await measureEnds(jsm);
    }
  }
  await endMeasure(jsm);
  return true;
}

/** Resolves, once no other process measures, to whether one did. What was left behind by one that was killed is removed. */
export async function measureEnds(jsm: JetStreamManager): Promise<boolean> {
  let wasThere = false;
  for (let waitedMs = 0; await streamInfoOf(jsm, MEASURE); waitedMs += MEASURE_LOOK_MS) {
    wasThere = true;
    if (waitedMs >= MEASURE_MS_MAX) await endMeasure(jsm);
    else await sleep(systemClock, MEASURE_LOOK_MS);
  }
  return wasThere;
}

async function endMeasure(jsm: JetStreamManager): Promise<void> {
  try {
    await jsm.streams.delete(MEASURE);
  } catch (error) {
    if (!isStreamMissing(error)) throw error;
  }
}
