/** Users loaded from their snapshots in a real bucket, one at a time and many at once. */
import { ActivationStore, type ActivationStoreOptions } from '../../src/actors/host/activation-store.js';
import type { ActorAddress, ActorKind } from '../../src/actors/host/actor-kind.js';
import { ALL_PROTECTIONS } from '../../src/actors/host/protections.js';
import type { KeyValue } from '../../src/actors/host/ports.js';
import { systemClock } from '../../src/kernel/clock.js';
import { startNatsWorld } from '../../test/support/nats-world.js';
import { less, more, type Entry } from '../entry.js';
import { livedRider, riderKind } from '../support/rider.js';
import { quantile } from '../support/quantiles.js';
import { decisionBody } from '../support/workload.js';

const USERS = 4_000;
const AT_ONCE = 32;
const SAVES_AT_ONCE = 64;
const LEASE_TTL_MS = 5_000;
const SEQUENCE = 1_000;
const P99_MS_PROMISED = 5;

const position = { epoch: 1, sequence: SEQUENCE, identity: 'bench', fingerprint: 'bench' };

/** A tenure of its own over the same snapshots: nothing is in memory. */
function tenure(snapshots: KeyValue): ActivationStore {
  const kinds: ActivationStoreOptions['kinds'] = new Map([
    ['user', riderKind as unknown as ActorKind<unknown, never, never>],
  ]);
  return new ActivationStore({
    snapshots,
    kinds,
    clock: systemClock,
    protections: ALL_PROTECTIONS,
    epoch: position.epoch,
    identity: position.identity,
    position: () => position,
    tail: () => SEQUENCE,
    acknowledged: () => Promise.resolve(),
  });
}

const addressOf = (i: number): ActorAddress => ({ kind: 'user', token: `rider-${i}` });

async function saveAll(store: ActivationStore): Promise<void> {
  const request: unknown = JSON.parse(decisionBody('42'));
  for (let from = 0; from < USERS; from += SAVES_AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(SAVES_AT_ONCE, USERS - from) }, async (_, i) => {
        const activation = await store.activate(addressOf(from + i));
        activation.state = livedRider(from + i, request);
        activation.touchedSequence = SEQUENCE;
        store.markDirty(activation);
        await store.save(activation);
      }),
    );
  }
}

/** Milliseconds of each activation, with so many under way at a time. */
async function activateAll(store: ActivationStore, lanes: number): Promise<number[]> {
  const tookMs: number[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < USERS) {
      const address = addressOf(next++);
      const startedMs = performance.now();
      const activation = await store.activate(address);
      tookMs.push(performance.now() - startedMs);
      if (activation.revision === 0) throw new Error(`${address.token} was not loaded from a snapshot`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return tookMs;
}

export const activation: Entry = {
  name: 'activation',
  about: 'from snapshot to memory: users with consent, visited zones and a pending decision',
  async run({ say }) {
    const world = await startNatsWorld({ partitions: 1, leaseTtlMs: LEASE_TTL_MS });
    try {
      const snapshots = world.cluster.snapshots(0);
      say(`${USERS} users are saved`);
      await saveAll(tenure(snapshots));
      const bytes = (await snapshots.get('user.rider-0'))!.value.byteLength;
      await activateAll(tenure(snapshots), 1);
      say('one at a time');
      const alone = await activateAll(tenure(snapshots), 1);
      say(`${AT_ONCE} at once`);
      const startedMs = performance.now();
      const busy = await activateAll(tenure(snapshots), AT_ONCE);
      const seconds = (performance.now() - startedMs) / 1000;
      return [
        less('activation.p50', quantile(alone, 0.5), 'ms'),
        less('activation.p99', quantile(alone, 0.99), 'ms', { target: P99_MS_PROMISED }),
        less('activation.busy-p99', quantile(busy, 0.99), `ms, ${AT_ONCE} at once`, { target: P99_MS_PROMISED }),
        more('activation.rate', USERS / seconds, 'activations/s'),
        less('activation.snapshot', bytes, 'bytes'),
      ];
    } finally {
      await world.dispose();
    }
  },
};
