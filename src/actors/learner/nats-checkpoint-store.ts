/**
 * Learner checkpoints on NATS: key `checkpoint.<learner token>`, or `checkpoint.<learner token>.gate`, beside the policies, the
 * bytes in the object store.
 */
import { z } from 'zod';
import { EngineError } from '../../kernel/errors.js';
import { encodeToken } from '../../kernel/ids.js';
import type { CheckpointPart, CheckpointStore } from './checkpoint.js';
import type { NatsFencedObjects } from './nats-fenced-objects.js';

const pointerSchema = z.object({
  epoch: z.number().int().nonnegative(),
  /** Rises with every save: no object is ever written over. */
  turn: z.number().int().nonnegative(),
  objectKey: z.string(),
});
type Pointer = z.infer<typeof pointerSchema>;

export class NatsCheckpointStore implements CheckpointStore {
  readonly #objects: NatsFencedObjects;

  constructor(objects: NatsFencedObjects) {
    this.#objects = objects;
  }

  async load(learnerId: string, part: CheckpointPart = 'learner'): Promise<Uint8Array | undefined> {
    const pointer = await this.#objects.pointer(keyOf(learnerId, part), parse);
    if (pointer === undefined) return undefined;
    const bytes = await this.#objects.object(pointer.objectKey);
    if (bytes === undefined)
      throw new EngineError('Dependency', 'CHECKPOINT_MISSING', `The checkpoint of ${learnerId} is not stored.`);
    return bytes;
  }

  save(learnerId: string, bytes: Uint8Array, epoch: number, part: CheckpointPart = 'learner'): Promise<void> {
    const key = keyOf(learnerId, part);
    return this.#objects.write<Pointer>({
      key,
      bytes,
      parse,
      decide: (present) => {
        if (present !== undefined && present.epoch > epoch) throw staleEpoch(learnerId);
        const turn = (present?.turn ?? 0) + 1;
        const objectKey = `${key}.${epoch}.${turn}`;
        return { pointer: { epoch, turn, objectKey }, objectKey };
      },
      obsolete: (before) => (before === undefined ? [] : [before.objectKey]),
    });
  }
}

const keyOf = (learnerId: string, part: CheckpointPart): string =>
  `checkpoint.${encodeToken(learnerId)}${part === 'gate' ? '.gate' : ''}`;

function parse(value: Uint8Array): Pointer {
  try {
    return pointerSchema.parse(JSON.parse(Buffer.from(value).toString('utf8')));
  } catch (cause) {
    throw new EngineError('Invariant', 'CHECKPOINT_INVALID', 'The pointer to a checkpoint cannot be read.', { cause });
  }
}

const staleEpoch = (learnerId: string): EngineError =>
  new EngineError('StaleOwner', 'CHECKPOINT_STALE_EPOCH', `A later owner of ${learnerId} has saved.`);
