/** Verdicts on NATS: key `verdict.<policy token>` of the bucket of policies holds the latest of each policy, oldest first. */
import { z } from 'zod';
import { EngineError } from '../../kernel/errors.js';
import { encodeToken } from '../../kernel/ids.js';
import { gateVerdictSchema, type GateVerdict } from '../../messages/gate-verdict.js';
import type { KeyValue } from '../host/ports.js';
import { VERDICTS_KEPT, type VerdictStore } from './verdict-store.js';

const CONFLICTS_MAX = 8;

const recordedSchema = z.object({ epoch: z.number().int().nonnegative(), verdicts: z.array(gateVerdictSchema) });
type Recorded = z.infer<typeof recordedSchema>;

export class NatsVerdictStore implements VerdictStore {
  readonly #bucket: KeyValue;

  constructor(bucket: KeyValue) {
    this.#bucket = bucket;
  }

  async record(verdict: GateVerdict, epoch: number): Promise<void> {
    const key = keyOf(verdict.policyId);
    for (let tries = 0; tries < CONFLICTS_MAX; tries++) {
      const stored = await this.#bucket.get(key);
      const present = stored === undefined ? undefined : parse(stored.value);
      if (present !== undefined && present.epoch > epoch)
        throw new EngineError('StaleOwner', 'VERDICT_STALE_EPOCH', `A later owner has judged ${verdict.policyId}.`);
      const others = (present?.verdicts ?? []).filter((one) => !isSame(one, verdict));
      const next: Recorded = { epoch, verdicts: [...others, verdict].slice(-VERDICTS_KEPT) };
      const value = Buffer.from(JSON.stringify(next), 'utf8');
      if ((await this.#bucket.put(key, value, stored?.revision ?? 0)) !== undefined) return;
    }
    throw new EngineError('Dependency', 'POINTER_CONTENDED', `Too many writers change ${key} at once.`);
  }

  async of(policyId: string): Promise<readonly GateVerdict[]> {
    const stored = await this.#bucket.get(keyOf(policyId));
    return stored === undefined ? [] : parse(stored.value).verdicts;
  }
}

/** A learner that lost its checkpoint counts its candidates again, and judges them by later decisions. */
const isSame = (one: GateVerdict, other: GateVerdict): boolean =>
  one.candidate === other.candidate && one.version === other.version && one.judgedAtMs === other.judgedAtMs;

/** With a dot: no policy's own key has one. */
const keyOf = (policyId: string): string => `verdict.${encodeToken(policyId, 'policy.id')}`;

function parse(value: Uint8Array): Recorded {
  try {
    return recordedSchema.parse(JSON.parse(Buffer.from(value).toString('utf8')));
  } catch (cause) {
    throw new EngineError('Invariant', 'VERDICTS_INVALID', 'Stored verdicts cannot be read.', { cause });
  }
}
