import { describe, expect, it } from '@jest/globals';
import { createNextTotals, NEXT_BUILD, nextTallyKind } from '../../../test/support/next-build.js';
import { HostWorld, idle, type Total } from '../../../test/support/host-world.js';
import { seededRandom } from '../../kernel/random.js';
import { THIS_BUILD, versionsOf } from '../../messages/versions.js';
import type { ActorKind } from './actor-kind.js';
import type { PartitionOwner } from './partition-owner.js';

const ADDRESS = { kind: 'user', token: 'a' } as const;
const SECOND = 1_000;
const LIMITS = { activationIdleMs: 1_000, sweepEveryMs: 500, checkpointEveryMs: 700 };
const NEXT = {
  build: NEXT_BUILD,
  kinds: new Map([['user', nextTallyKind as unknown as ActorKind<never, Total, never>]]),
  createShared: createNextTotals,
  versions: versionsOf(NEXT_BUILD),
};

const range = (length: number, first = 0): number[] => Array.from({ length }, (_, i) => first + i);

function shuffled(ids: readonly number[], seed: number): number[] {
  const draw = seededRandom(seed);
  return ids
    .map((id) => [draw.next(), id] as const)
    .sort(([a], [b]) => a - b)
    .map(([, id]) => id);
}

/** One partition and the events of one user, of which each is later than those with lower numbers. */
class Town {
  readonly world = new HostWorld();
  private readonly beginMs = this.world.clock.nowMs() - 10_000 * SECOND;
  owner!: PartitionOwner<Total>;
  private epoch = 0;

  async serve(more: Parameters<HostWorld['serve']>[1] = { build: THIS_BUILD, versions: versionsOf(THIS_BUILD) }) {
    this.owner = await this.world.serve(++this.epoch, more, LIMITS);
    await this.caughtUp();
  }

  /** `value` is what each of them counts. */
  async send(ids: readonly number[], value: number): Promise<void> {
    for (const id of ids) {
      this.world.journal.write('attune.p.0.event.app.user.a.add', {
        specversion: '1.0',
        source: 'test',
        id: String(id),
        time: new Date(this.beginMs + id * SECOND).toISOString(),
        data: { value },
      });
    }
    await this.caughtUp();
  }

  async passivate(): Promise<void> {
    await this.world.clock.advance(10_000);
    expect(this.owner.status()).toMatchObject({ activations: 0, phase: 'serving' });
  }

  /** The owner is gone without a word; the next one begins with what is stored, and folds the rest again. */
  async failOver(more?: Parameters<HostWorld['serve']>[1]): Promise<void> {
    const before = this.owner.status().sequence;
    this.owner.stop('killed');
    await this.serve(more);
    expect(this.owner.status().sequence).toBeGreaterThan(before);
  }

  async sum(): Promise<number> {
    return ((await this.owner.request(ADDRESS, 'view', {})) as { sum: number }).sum;
  }

  private async caughtUp(): Promise<void> {
    while (this.owner.status().sequence < this.world.journal.last) await idle();
  }
}

describe('a thousand events, sent twice, in any order', () => {
  const ours = range(1_000);

  it('count a thousand, with three thousand others between, across passivation, failover and upgrade', async () => {
    const town = new Town();
    await town.serve();
    await town.send(shuffled(ours, 1), 1);
    await town.send(range(1_000, 1_000), 0);
    await town.passivate();
    expect(town.world.snapshots.json('user.a')).toMatchObject({ v: THIS_BUILD.schema });
    await town.send(shuffled(ours, 2).slice(0, 500), 1);
    await town.send(range(1_000, 2_000), 0);
    await town.failOver();
    expect(await town.sum()).toBe(1_000);
    await town.send(range(1_000, 3_000), 0);
    await town.failOver(NEXT);
    expect(town.world.journal.bodies('control').at(-1)).toMatchObject({ semantics: NEXT_BUILD.semantics });
    // By the newer rules a new one of them would count ten.
    await town.send(shuffled(ours, 3), 1);
    expect(await town.sum()).toBe(1_000);
    await town.passivate();
    await town.send(shuffled(ours, 4), 1);
    expect(await town.sum()).toBe(1_000);
    expect(town.owner.status().counters).toMatchObject({ events: 4_000, duplicates: 2_500, tooOld: 0, rejected: 0 });
    expect(town.world.letters).toEqual([]);
    await town.send([4_000], 1);
    expect(await town.sum()).toBe(1_010);
  });

  it('are refused the second time with five thousand later ones between, and still count a thousand', async () => {
    const town = new Town();
    await town.serve();
    await town.send(shuffled(ours, 5), 1);
    await town.send(range(2_500, 1_000), 0);
    await town.passivate();
    await town.send(range(2_500, 3_500), 0);
    await town.failOver();
    await town.failOver(NEXT);
    await town.send(shuffled(ours, 6), 1);
    expect(await town.sum()).toBe(1_000);
    const { events, duplicates, tooOld, rejected } = town.owner.status().counters;
    expect({ events, duplicates, tooOld, rejected }).toEqual({
      events: 7_000,
      duplicates: 0,
      tooOld: 1_000,
      rejected: 1_000,
    });
    await town.world.clock.advance(1_000);
    expect(new Set(town.world.letters.map(({ sequence }) => sequence as number)).size).toBe(1_000);
    const reasons = town.world.letters.map(({ reason }) => (reason as string).split(':')[0]);
    expect(new Set(reasons)).toEqual(new Set(['EVENT_TOO_OLD_TO_KNOW']));
  });
});
