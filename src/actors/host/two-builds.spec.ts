import { describe, expect, it } from '@jest/globals';
import { createNextTotals, NEXT_BUILD, nextTallyKind } from '../../../test/support/next-build.js';
import { HostWorld, idle, tallyKind, type Total } from '../../../test/support/host-world.js';
import { THIS_BUILD, versionsOf, type ClusterVersions } from '../../messages/versions.js';
import type { ActorKind } from './actor-kind.js';
import type { PartitionOwner } from './partition-owner.js';

const BEFORE = versionsOf(THIS_BUILD);
const AFTER = versionsOf(NEXT_BUILD);
const address = { kind: 'user', token: 'a' } as const;

const kindsOf = (kind: unknown) => new Map([['user', kind as ActorKind<never, Total, never>]]);
const THIS = { build: THIS_BUILD, kinds: kindsOf(tallyKind) };
const NEXT = { build: NEXT_BUILD, kinds: kindsOf(nextTallyKind), createShared: createNextTotals };

const serve = (world: HostWorld, epoch: number, of: typeof THIS, versions: ClusterVersions) =>
  world.serve(epoch, { ...of, versions });

const sum = async (owner: PartitionOwner<Total>): Promise<number> =>
  ((await owner.request(address, 'view', {})) as { sum: number }).sum;

/** An event, a decision, an output to another actor: one of everything that is stored. */
async function work(world: HostWorld, owner: PartitionOwner<Total>): Promise<void> {
  world.event('add', { value: 1 });
  world.event('tell', { value: 2 });
  const asked = owner.request(address, 'add', { n: 4 });
  await idle();
  await asked;
}

const versionsStored = (world: HostWorld): Set<unknown> =>
  new Set([
    ...['decision', 'output', 'control'].flatMap((cls) => world.journal.bodies(cls).map(({ v }) => v as unknown)),
    ...[...world.snapshots.stored.keys()].map((key) => {
      const stored = world.snapshots.json(key)!;
      return key === 'checkpoint' ? (JSON.parse(stored['body'] as string) as { v: unknown }).v : stored['v'];
    }),
  ]);

describe('two builds in one cluster', () => {
  it.each([
    ['this, then the next', THIS, NEXT],
    ['the next, then this', NEXT, THIS],
  ])('read each other before the rise: %s', async (_, first, second) => {
    const world = new HostWorld();
    for (const [i, build] of [first, second, first].entries()) {
      const owner = await serve(world, i + 1, build, BEFORE);
      expect(await sum(owner)).toBe(7 * i);
      await work(world, owner);
      expect(await sum(owner)).toBe(7 * (i + 1));
      await owner.release();
      // Each has its checkpoint to begin with, or the whole journal to fold.
      if (i === 1) world.snapshots.stored.clear();
    }
    expect(versionsStored(world)).toEqual(new Set([THIS_BUILD.schema]));
    expect(world.ends).toEqual([]);
  });

  it('fold what comes after the raised barrier by the new rules, and what came before by the old', async () => {
    const world = new HostWorld();
    const old = await serve(world, 1, THIS, BEFORE);
    await work(world, old);
    await old.release();
    const risen = await serve(world, 2, NEXT, AFTER);
    await work(world, risen);
    expect(await sum(risen)).toBe(7 + 16);
    await risen.release();
    world.snapshots.stored.clear();
    const again = await serve(world, 3, NEXT, AFTER);
    expect(await sum(again)).toBe(7 + 16);
    expect(versionsStored(world)).toEqual(new Set([THIS_BUILD.schema, NEXT_BUILD.schema]));
  });

  it('never fold by older rules again, whatever a late host takes the cluster’s versions for', async () => {
    const world = new HostWorld();
    await (await serve(world, 1, NEXT, AFTER)).release();
    const late = await serve(world, 2, NEXT, BEFORE);
    world.event('add', { value: 1 });
    await idle();
    expect(await sum(late)).toBe(10);
    expect(world.journal.bodies('control').map(({ semantics }) => semantics as unknown)).toEqual([2, 2]);
  });

  it.each([
    ['a checkpoint', AFTER, 'DATA_TOO_NEW'],
    ['a barrier alone', { ...BEFORE, semantics: AFTER.semantics }, 'SEMANTICS_TOO_NEW'],
  ])('after the rise, the old one refuses the partition: by %s', async (what, versions, code) => {
    const world = new HostWorld();
    const risen = await serve(world, 1, NEXT, versions);
    await work(world, risen);
    await risen.release();
    if (what === 'a barrier alone') world.snapshots.stored.clear();
    const stored = [...world.snapshots.stored];
    const old = await serve(world, 2, THIS, BEFORE);
    expect(old.status()).toMatchObject({ phase: 'refused', reason: expect.stringContaining(code) });
    expect([...world.snapshots.stored]).toEqual(stored);
    expect(world.journal.bodies('control')).toHaveLength(1);
    // Nothing was lost on it.
    expect(await sum(await serve(world, 3, NEXT, versions))).toBe(16);
  });

  it('the old one refuses what a newer one writes while it serves', async () => {
    const world = new HostWorld();
    const old = await serve(world, 1, THIS, BEFORE);
    await serve(world, 2, NEXT, AFTER);
    expect(old.status()).toMatchObject({ phase: 'refused', reason: expect.stringContaining('DATA_TOO_NEW') });
  });

  it('an owner is behind once the cluster has risen', async () => {
    const owner = await serve(new HostWorld(), 1, NEXT, BEFORE);
    expect(
      [BEFORE, { ...BEFORE, schema: AFTER.schema }, { ...BEFORE, semantics: 2 }].map((v) => owner.isBehind(v)),
    ).toEqual([false, true, true]);
  });
});

describe('records before the first barrier', () => {
  it('are folded by that barrier’s rules, also by an owner that expected its own to be the first', async () => {
    const world = new HostWorld();
    world.event('add', { value: 1 });
    world.journal.held = true;
    const forestalled = await serve(world, 2, NEXT, AFTER);
    const barrier = world.journal.records.get(2)!;
    // Another's, of a lower epoch and older rules, comes before it.
    world.journal.records.set(3, { ...barrier, sequence: 3 });
    const { tenure: _tenure, ...ours } = JSON.parse(Buffer.from(barrier.payload).toString()) as Record<string, unknown>;
    const theirs = Buffer.from(JSON.stringify({ ...ours, term: [1, 0], semantics: 1 }));
    world.journal.records.set(2, { ...barrier, payload: theirs });
    world.journal.last = 3;
    world.journal.release();
    await idle();
    expect(forestalled.status().phase).toBe('stopped');
    expect(await sum(await serve(world, 4, NEXT, AFTER))).toBe(1);
  });
});
