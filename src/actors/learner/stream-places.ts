/**
 * How far learners have read the experience stream for good: what is before the place of its last checkpoint, no learner
 * reads again, whatever becomes of its process.
 */
import type { KeyValue } from '../host/ports.js';
import type { StreamPlace } from './checkpoint.js';
import { CHECKPOINT_KEYS, checkpointKey, parsePointer } from './nats-checkpoint-store.js';

/** A learner that is configured, and whether the evidence of its gate is kept apart from it. */
export interface DeclaredLearner {
  readonly id: string;
  readonly hasOwnGate: boolean;
}

export interface SlowestPlace {
  /** Last sequence that all of them have passed; Infinity where there is no learner. */
  readonly position: number;
  /** Key of the checkpoint that holds it there, or that is missing. */
  readonly heldBy: string | undefined;
}

/**
 * The place that all learners have passed: those declared here, and every other one that has saved within `keptMs` (another
 * process may declare it). One that has saved nothing, or in an earlier build without its place, has passed nothing.
 */
export async function slowestPlace(
  pointers: Pick<KeyValue, 'get' | 'keys'>,
  declared: readonly DeclaredLearner[],
  identity: string,
  { nowMs, keptMs }: { readonly nowMs: number; readonly keptMs: number },
): Promise<SlowestPlace> {
  const wanted = new Set(
    declared.flatMap(({ id, hasOwnGate }) => [
      checkpointKey(id, 'learner'),
      ...(hasOwnGate ? [checkpointKey(id, 'gate')] : []),
    ]),
  );
  const keys = new Set([...wanted, ...(await pointers.keys(CHECKPOINT_KEYS))]);
  let slowest: SlowestPlace = { position: Infinity, heldBy: undefined };
  for (const key of keys) {
    const stored = await pointers.get(key);
    const place = stored === undefined ? undefined : parsePointer(stored.value).place;
    const isGone = place !== undefined && keptMs > 0 && nowMs - place.savedAtMs > keptMs;
    if (isGone && !wanted.has(key)) continue;
    const position = passedBy(place, identity);
    if (position < slowest.position) slowest = { position, heldBy: key };
  }
  return slowest;
}

/** A place in a stream that was made anew since says nothing. */
const passedBy = (place: StreamPlace | undefined, identity: string): number =>
  place?.identity === identity ? place.position : 0;
