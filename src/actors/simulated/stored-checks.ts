/** What hosts have stored on leaving: snapshots and checkpoints are the fold of the journal, all of one piece. */
import { isDeepStrictEqual } from 'node:util';
import { broken, type Violation } from './checks.js';
import type { Build } from '../../messages/versions.js';
import { plainOf, type Replay, type ReplayedActor } from './replay.js';
import type { SimulatedServer } from './server.js';

interface StoredSnapshot {
  readonly sequence: number;
  readonly state: unknown;
  readonly timer: readonly [number, number];
}

interface StoredCheckpoint {
  readonly sequence: number;
  readonly shared: unknown;
  readonly timers: readonly (readonly [string, number, number])[];
  readonly redriven: readonly [ranges: readonly (readonly [number, number])[], bottom: number];
}

/**
 * Every actor that the journal tells of has a snapshot of its last state, unless it is vacant; the checkpoint has the
 * partition's shared state and every timer still to come. To be called after all hosts have left in calm weather.
 */
export function checkStored<Shared>(
  server: SimulatedServer,
  replays: readonly Replay<Shared>[],
  newest: Build,
  isVacant: (actor: ReplayedActor) => boolean,
): Violation[] {
  const { nowMs } = server.timeline;
  return server.snapshots.flatMap((bucket, partition) => {
    const replay = replays[partition]!;
    const read = <T>(key: string): T | undefined => {
      const stored = bucket.get(key, nowMs);
      return stored && (JSON.parse(Buffer.from(stored.value).toString('utf8')) as T);
    };
    const snapshot = (key: string): StoredSnapshot | undefined => {
      const json = read<Record<string, unknown>>(key);
      return json && (plainOf('snapshot', json, newest) as unknown as StoredSnapshot);
    };
    const header = read<{ body?: string }>('checkpoint');
    if (header?.body === undefined) return [broken('checkpoint-stored', `partition ${partition} has no checkpoint`)];
    const checkpoint = JSON.parse(header.body) as StoredCheckpoint;
    return [
      ...checkCheckpoint(partition, replay, checkpoint),
      ...[...replay.actors].flatMap(([key, actor]) => checkSnapshot(key, actor, snapshot(key), isVacant)),
    ];
  });
}

function checkCheckpoint<Shared>(partition: number, replay: Replay<Shared>, checkpoint: StoredCheckpoint): Violation[] {
  const violations: Violation[] = [];
  const last = replay.records.length;
  if (checkpoint.sequence !== last) {
    violations.push(
      broken('checkpoint-stored', `partition ${partition} ends at ${last}, its checkpoint at ${checkpoint.sequence}`),
    );
  }
  if (!isDeepStrictEqual(checkpoint.shared, plain(replay.shared))) {
    violations.push(
      broken(
        'state-is-the-fold',
        `partition ${partition}: the journal says ${JSON.stringify(replay.shared)}, the checkpoint ${JSON.stringify(checkpoint.shared)}`,
      ),
    );
  }
  const redriven = checkpoint.redriven[0].flatMap(([first, end]) =>
    Array.from({ length: end - first + 1 }, (_, index) => first + index),
  );
  if (
    !isDeepStrictEqual(
      redriven,
      [...replay.redriven].sort((a, b) => a - b),
    )
  ) {
    const what = `partition ${partition}: ${[...replay.redriven].join()} against ${redriven.join()}`;
    violations.push(broken('redrives-count-once', what));
  }
  const timers = [...replay.actors]
    .filter(([, actor]) => actor.timerDue > 0)
    .map(([key, actor]) => [key, actor.timerDue, actor.timerGeneration])
    .sort(byKey);
  if (!isDeepStrictEqual([...checkpoint.timers].sort(byKey), timers)) {
    violations.push(
      broken(
        'timers-kept',
        `partition ${partition}: ${JSON.stringify(timers)} against ${JSON.stringify(checkpoint.timers)}`,
      ),
    );
  }
  return violations;
}

function checkSnapshot(
  key: string,
  actor: ReplayedActor,
  snapshot: StoredSnapshot | undefined,
  isVacant: (actor: ReplayedActor) => boolean,
): Violation[] {
  if (snapshot === undefined && isVacant(actor)) return [];
  if (snapshot && isDeepStrictEqual(snapshot.state, plain(actor.state))) {
    const [due, generation] = snapshot.timer;
    if (due === actor.timerDue && (due === 0 || generation === actor.timerGeneration)) return [];
  }
  const wanted = JSON.stringify([actor.state, actor.timerDue, actor.timerGeneration]).slice(0, 400);
  const found = JSON.stringify(snapshot && [snapshot.state, ...snapshot.timer])?.slice(0, 400);
  return [broken('snapshot-is-the-fold', `${key}: the journal says ${wanted}, its snapshot ${found ?? 'nothing'}`)];
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const byKey = (a: readonly unknown[], b: readonly unknown[]): number => (String(a[0]) < String(b[0]) ? -1 : 1);
