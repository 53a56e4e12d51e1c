import { beforeEach, describe, expect, it } from '@jest/globals';
import { HostWorld, idle, type Tally } from '../../../test/support/host-world.js';
import type { PartitionOwner } from './partition-owner.js';

let world: HostWorld;

beforeEach(() => {
  world = new HostWorld();
});

const stateOf = async (owner: PartitionOwner<never>, token = 'a'): Promise<Tally> =>
  (await owner.request({ kind: 'user', token }, 'view', {})) as Tally;
const view = (owner: unknown, token?: string): Promise<Tally> => stateOf(owner as PartitionOwner<never>, token);

describe('an owner', () => {
  it('folds an event whose id is half a surrogate pair, and its repeat as a repeat', async () => {
    const owner = await world.serve(1);
    world.event('add', { id: '\ud800' });
    world.event('add', { id: '\ud800' });
    world.event('add', { id: '\ud801' });
    await idle();
    expect(owner.status().counters).toMatchObject({ poisoned: 0, duplicates: 1 });
    expect(await view(owner)).toMatchObject({ sum: 2 });
  });
});
