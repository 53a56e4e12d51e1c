/**
 * Learner checkpoints on NATS: key `checkpoint.<learner token>`, or `checkpoint.<learner token>.gate`, beside the policies, the
 * bytes in the object store.
 */
import { z } from 'zod';
import { EngineError } from '../../kernel/errors.js';
import { encodeToken } from '../../kernel/ids.js';
import type { Clock } from '../../kernel/clock.js';
import type { CheckpointPart, CheckpointStore, StreamPlace } from './checkpoint.js';
import type { NatsFencedObjects } from './nats-fenced-objects.js';

const pointerSchema = z.object({
  epoch: z.number().int().nonnegative(),
  /** Rises with every save: no object is ever written over. */
  turn: z.number().int().nonnegative(),
  objectKey: z.string(),
  /** Left out by builds that did not trim the stream by it. */
  place: z.object({ identity: z.string(), position: z.number().int().nonnegative(), savedAtMs: z.number() }).optional(),
});
type Pointer = z.infer<typeof pointerSchema>;

export class NatsCheckpointStore implements CheckpointStore {
  readonly #objects: NatsFencedObjects;
  readonly #clock: Pick<Clock, 'nowMs'>;

  constructor(objects: NatsFencedObjects, clock: Pick<Clock, 'nowMs'>) {
    this.#objects = objects;
    this.#clock = clock;
  }

  async load(learnerId: string, part: CheckpointPart = 'learner'): Promise<Uint8Array | undefined> {
    const pointer = await this.#objects.pointer(checkpointKey(learnerId, part), parsePointer);
    if (pointer === undefined) return undefined;
    const bytes = await this.#objects.object(pointer.objectKey);
    if (bytes === undefined)
      throw new EngineError('Dependency', 'CHECKPOINT_MISSING', `The checkpoint of ${learnerId} is not stored.`);
    return bytes;
  }

  save(
    learnerId: string,
    bytes: Uint8Array,
    epoch: number,
    part: CheckpointPart,
    place: StreamPlace | undefined,
  ): Promise<void> {
    const key = checkpointKey(learnerId, part);
    const covered = place === undefined ? {} : { place: { ...place, savedAtMs: this.#clock.nowMs() } };
    return this.#objects.write<Pointer>({
      key,
      bytes,
      parse: parsePointer,
      decide: (present) => {
        if (present !== undefined && present.epoch > epoch) throw staleEpoch(learnerId);
        const turn = (present?.turn ?? 0) + 1;
        const objectKey = `${key}.${epoch}.${turn}`;
        return { pointer: { epoch, turn, objectKey, ...covered }, objectKey };
      },
      obsolete: (before) => (before === undefined ? [] : [before.objectKey]),
    });
  }
}

/** What the keys of all pointers begin with. */
export const CHECKPOINT_KEYS = 'checkpoint.';

/** Key of a pointer. */
export const checkpointKey = (learnerId: string, part: CheckpointPart): string =>
  `${CHECKPOINT_KEYS}${encodeToken(learnerId)}${part === 'gate' ? '.gate' : ''}`;

/** Throws Invariant `CHECKPOINT_INVALID`. */
export function parsePointer(value: Uint8Array): Pointer {
  try {
    return pointerSchema.parse(JSON.parse(Buffer.from(value).toString('utf8')));
  } catch (cause) {
    throw new EngineError('Invariant', 'CHECKPOINT_INVALID', 'The pointer to a checkpoint cannot be read.', { cause });
  }
}

const staleEpoch = (learnerId: string): EngineError =>
  new EngineError('StaleOwner', 'CHECKPOINT_STALE_EPOCH', `A later owner of ${learnerId} has saved.`);
