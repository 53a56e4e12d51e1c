import { beforeEach, describe, expect, it } from '@jest/globals';
import { HostWorld, idle, type Tally } from '../../../test/support/host-world.js';
import { RECORD_VERSION } from '../../messages/versions.js';
import { subjects } from '../../messages/subjects.js';
import type { AppBounds } from './app-backlog.js';
import type { HostLimits } from './limits.js';
import { ALL_PROTECTIONS } from './protections.js';

const UNBOUND: AppBounds = { eventsWaitingMax: Infinity, eventBytesWaitingMax: Infinity };
const APPS = new Map([
  ['app', UNBOUND],
  ['flood', UNBOUND],
]);
const ASKER = { app: 'app', trace: undefined };
const FLOOD = 300;

let world: HostWorld;

beforeEach(() => {
  world = new HostWorld();
});

type Owner = ReturnType<HostWorld['owner']>;

/** The answer, or the error's code, and how far the fold had come when it came. */
interface Heard {
  readonly body?: { readonly sequence: number };
  readonly code?: string;
  readonly folded: number;
}

const ask = (owner: Owner, body: object): Promise<Heard> =>
  owner.request({ kind: 'user', token: 'a' }, 'add', { alone: true, n: 1, ...body }, ASKER).then(
    (answer) => ({ body: answer as { sequence: number }, folded: owner.status().sequence }),
    (error: { code: string }) => ({ code: error.code, folded: owner.status().sequence }),
  );

const view = async (owner: Owner): Promise<Tally> =>
  (await owner.request({ kind: 'user', token: 'a' }, 'view', {}, ASKER)) as Tally;

const serve = (apps = APPS, limits: Partial<HostLimits> = {}, foresight = true): Promise<Owner> =>
  world.serve(1, { apps, protections: { ...ALL_PROTECTIONS, foresight } }, limits);

const flood = (): void => {
  for (let i = 0; i < FLOOD; i++) {
    const payload = Buffer.from('{"specversion":"1.0"}');
    world.journal.store({ subject: subjects.record(0, 'event', 'flood', 'user', `new-${i}`, 'add'), payload });
  }
};

/** What is asked, and whatever else is stored, stands in the journal before the fold gets any of it. */
async function behindFlood(then: () => readonly Promise<Heard>[]): Promise<Heard[]> {
  world.journal.held = true;
  flood();
  const asked = then();
  await idle();
  world.journal.release();
  return Promise.all(asked);
}

const isAhead = ({ body, folded }: Heard): boolean => body !== undefined && folded < body.sequence;

describe('a decision behind what another app has piled up', () => {
  it('is answered once it stands in the journal, and counts when its turn comes', async () => {
    const owner = await serve();
    const [heard] = await behindFlood(() => [ask(owner, {})]);
    expect(isAhead(heard!)).toBe(true);
    expect(heard!.folded).toBeLessThan(FLOOD);
    await idle();
    expect(owner.status()).toMatchObject({ lag: 0, recordsInFlight: 0, counters: { poisoned: 0 } });
    expect(await view(owner)).toMatchObject({ sum: 1 });
  });

  it('waits its turn where a single app is alone, and without the protection', async () => {
    const alone = await serve(new Map([['app', UNBOUND]]));
    const [first] = await behindFlood(() => [ask(alone, {})]);
    expect([first!.body !== undefined, isAhead(first!)]).toEqual([true, false]);
    alone.stop('enough');
    world = new HostWorld();
    const bare = await serve(APPS, {}, false);
    const [second] = await behindFlood(() => [ask(bare, {})]);
    expect([second!.body !== undefined, isAhead(second!)]).toEqual([true, false]);
  });

  it('is answered like its fellows: each on what those before it will have made of their actor', async () => {
    const owner = await serve();
    world.event('add', { id: 'before', value: 0 });
    await idle();
    const heard = await behindFlood(() => {
      world.event('add', { id: 'once', value: 2 });
      world.event('add', { id: 'once', value: 2 });
      return [ask(owner, { max: 2 }), ask(owner, { max: 3 })];
    });
    expect(heard.map(isAhead)).toEqual([true, true]);
    await idle();
    expect(await view(owner)).toMatchObject({ sum: 2 + 1 + 1 });
  });

  it('keeps its place among the open requests until it is folded, so that who asks again makes no backlog', async () => {
    const openMax = 2;
    const owner = await serve(APPS, { requestsOpenMax: openMax });
    let most = 0;
    const add = async (token: string): Promise<Heard> => {
      const body = await owner.request({ kind: 'user', token }, 'add', { alone: true, n: 1 }, ASKER);
      const { sequence: folded } = owner.status();
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, owner.status().recordsInFlight);
      return { body: body as { sequence: number }, folded };
    };
    const heard = await behindFlood(() => ['a', 'b', 'c', 'd', 'e', 'f'].map(add));
    expect(heard.slice(0, openMax).map(isAhead)).toEqual([true, true]);
    expect(most).toBeLessThanOrEqual(openMax);
    await idle();
    expect(owner.status()).toMatchObject({ lag: 0, requests: 0, recordsInFlight: 0 });
  });

  it('waits its turn behind more of its own actor than may be looked at in one go', async () => {
    const owner = await serve();
    const own = 200;
    const heard = await behindFlood(() => {
      for (let i = 0; i < own; i++) world.event('add', { id: `own-${i}` });
      return [ask(owner, {})];
    });
    expect(heard.map(isAhead)).toEqual([false]);
    await idle();
    expect(await view(owner)).toMatchObject({ sum: own + 1 });
  });

  it('is refused in its turn where a record of its actor before it makes that certain', async () => {
    const owner = await serve();
    const [heard] = await behindFlood(() => {
      world.event('add', { value: 10 });
      return [ask(owner, { max: 5 })];
    });
    expect(heard).toMatchObject({ code: 'REFUSED' });
    expect(await view(owner)).toMatchObject({ sum: 10 });
  });

  it('takes of what all actors share where that is left whatever the others do, and else waits its turn', async () => {
    const owner = await serve();
    const heard = await behindFlood(() => [600, 300, 200].map((n) => ask(owner, { alone: false, n })));
    // All three together are too much, so of none it is certain; in their turns two are not.
    expect(heard.map(isAhead)).toEqual([false, false, false]);
    expect(heard.map(({ code }) => code)).toEqual([undefined, undefined, 'REFUSED']);
    expect((await behindFlood(() => [60, 40].map((n) => ask(owner, { alone: false, n })))).map(isAhead)).toEqual([
      true,
      true,
    ]);
    await idle();
    expect(await view(owner)).toMatchObject({ sum: 1_000 });
    expect(owner['fold'].state.shared).toEqual({ total: 1_000 });
  });

  it('waits its turn behind what is said to the partition itself, where it takes of what that changes', async () => {
    const owner = await serve();
    const say = (seq: number): void => {
      const chain = { p: 1, src: 'other', seq, idx: 0, prev: [seq - 1, 0] };
      const said = { v: RECORD_VERSION, chain, at: 0, body: { n: 500 } };
      world.journal.write(subjects.partitionOutput(0, 'given'), said);
    };
    const heard = await behindFlood(() => {
      say(1);
      return [ask(owner, { n: 501, alone: false })];
    });
    expect(heard).toMatchObject([{ code: 'REFUSED' }]);
    const [other] = await behindFlood(() => {
      say(2);
      return [ask(owner, { n: 1 })];
    });
    expect(isAhead(other!)).toBe(true);
  });

  it('waits its turn behind a record that cannot be folded', async () => {
    const owner = await serve();
    const [after] = await behindFlood(() => {
      world.event('boom');
      return [ask(owner, {})];
    });
    expect([after!.body !== undefined, isAhead(after!)]).toEqual([true, false]);
    expect(await view(owner)).toMatchObject({ sum: 1 });
  });

  it('is not answered where a later owner has begun before it', async () => {
    const owner = await serve();
    const [heard] = await behindFlood(() => {
      const { settings } = owner['options'];
      const barrier = { v: RECORD_VERSION, term: [9, 0], host: 'other', tenure: 'other', settings };
      world.journal.write(subjects.control(0, 'barrier'), { ...barrier, semantics: 1, idKey: '' });
      return [ask(owner, {})];
    });
    expect(heard!.body).toBeUndefined();
    expect(owner.status().phase).toBe('stopped');
  });

  it('waits its turn where its actor has many answers before their turn already', async () => {
    const owner = await serve(APPS, { requestsPerActorMax: 4 });
    const heard = await behindFlood(() => [1, 2, 3, 4].map(() => ask(owner, {})));
    expect(heard.map(isAhead)).toEqual([true, true, false, false]);
    await idle();
    expect(await view(owner)).toMatchObject({ sum: 4 });
  });

  it('is answered again and again while the flood goes on, and nothing of it is kept when it is over', async () => {
    const owner = await serve();
    for (let round = 1; round <= 20; round++) {
      const heard = await behindFlood(() => [ask(owner, {}), ask(owner, {})]);
      expect(heard.map(isAhead)).toEqual([true, true]);
    }
    await idle();
    expect(await view(owner)).toMatchObject({ sum: 40 });
    const { lanes, ahead } = owner['foresight']! as unknown as Record<'lanes' | 'ahead', Map<string, unknown>>;
    expect([lanes.size, ahead.size]).toEqual([0, 0]);
  });
});
