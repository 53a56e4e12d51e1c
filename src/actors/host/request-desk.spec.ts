import { beforeEach, describe, expect, it } from '@jest/globals';
import { createTotals, HostWorld, idle, tallyKind, type Tally } from '../../../test/support/host-world.js';
import { encodePosition } from '../../messages/tokens.js';
import type { ActorKind, Handling } from './actor-kind.js';

let world: HostWorld;
let settledIn: string[];

beforeEach(() => {
  world = new HostWorld();
  settledIn = [];
});

type Owner = ReturnType<HostWorld['owner']>;
const ask = (owner: Owner, verb: string, body: unknown = {}, token = 'a'): Promise<any> => {
  const asked = owner.request({ kind: 'user', token }, verb, body);
  asked.then(
    () => settledIn.push(verb),
    () => settledIn.push(`${verb} failed`),
  );
  return asked;
};

/** An owner of actors that handle requests in another way. */
const serving = (handle: (state: Tally, verb: string, request: any, ctx: any) => Handling, ...more: any[]) => {
  const kind = { ...tallyKind, handle } as unknown as ActorKind<never, never, never>;
  return world.serve(1, { kinds: new Map([['user', kind]]) as never, ...more[0] }, more[1]);
};
const appending = (key: string, body: object, more: object = {}): Handling => ({
  do: 'append',
  class: 'decision',
  address: { kind: 'user', token: 'a' },
  key,
  body,
  reply: ({ sequence }) => ({ sequence }),
  refused: () => undefined,
  ...more,
});

describe('a decision', () => {
  it('is answered when the own fold has applied it, and not when it is merely stored', async () => {
    const owner = await world.serve(1);
    world.journal.held = true;
    const answer = ask(owner, 'add', { n: 1 });
    await idle();
    expect(world.journal.bodies('decision')).toHaveLength(1);
    expect(settledIn).toEqual([]);
    world.journal.release();
    expect(await answer).toMatchObject({ sequence: 2 });
  });

  it('counts in the overlay from its publish to its fold, and not after', async () => {
    const seen: number[] = [];
    const owner = await serving((_state, verb, request, ctx) => {
      seen.push(ctx.overlay.length);
      return verb === 'view' ? { do: 'reply', body: {} } : appending(ctx.nonce(), request);
    });
    world.journal.held = true;
    void ask(owner, 'add', { n: 1 });
    void ask(owner, 'add', { n: 2 });
    await ask(owner, 'view');
    world.journal.release();
    await idle();
    await ask(owner, 'view');
    expect(seen).toEqual([0, 1, 2, 0]);
  });

  it('that comes back leaves the others in flight in the overlay', async () => {
    const seen: number[] = [];
    const owner = await serving((_state, verb, request, ctx) => {
      if (verb !== 'view') return appending(ctx.nonce(), request);
      seen.push(ctx.overlay.length);
      return { do: 'reply', body: {} };
    });
    const first = ask(owner, 'add', { n: 1 });
    await first;
    world.journal.held = true;
    void ask(owner, 'add', { n: 2 });
    await idle();
    await ask(owner, 'view');
    world.journal.fate = () => ({ status: 'refused', code: 'JOURNAL_FULL', message: 'full' });
    const refused = ask(owner, 'add', { n: 3 });
    await expect(refused).rejects.toMatchObject({ code: 'JOURNAL_FULL' });
    await ask(owner, 'view');
    world.journal.release();
    await idle();
    await ask(owner, 'view');
    expect(seen).toEqual([1, 1, 0]);
  });

  it('reserves budget until it is folded, or known not to be stored', async () => {
    const reserved = [0];
    const book = (by: 1 | -1): void => void reserved.push(reserved.at(-1)! + by);
    const owner = await serving((_state, _verb, request, ctx) => appending(ctx.nonce(), request), {
      createShared: () => ({
        ...createTotals(),
        reserve: () => book(1),
        release: () => book(-1),
      }),
    });
    world.journal.held = true;
    const stored = ask(owner, 'add', { n: 1 });
    await idle();
    world.journal.fate = () => ({ status: 'refused', code: 'JOURNAL_FULL', message: 'full' });
    await expect(ask(owner, 'add', { n: 2 })).rejects.toMatchObject({ code: 'JOURNAL_FULL' });
    expect(reserved).toEqual([0, 1, 2, 1]);
    world.journal.release();
    await stored;
    expect(reserved).toEqual([0, 1, 2, 1, 0]);
  });

  it('in flight keeps its actor in memory', async () => {
    const owner = await world.serve(1, {}, { activationsPerPartitionMax: 0, activationIdleMs: 1, sweepEveryMs: 50 });
    world.journal.held = true;
    const answer = ask(owner, 'add', { n: 1 });
    await idle();
    await world.clock.advance(200);
    expect(owner.status().activations).toBe(1);
    world.journal.release();
    await answer;
    await world.clock.advance(200);
    expect(owner.status().activations).toBe(0);
  });

  it('that a later owner has fenced off is not answered', async () => {
    const owner = await world.serve(1);
    world.journal.held = true;
    const answer = ask(owner, 'add', { n: 1 });
    const records = [...world.journal.records.values()];
    await idle();
    const decision = world.journal.records.get(2)!;
    const barrier = JSON.parse(Buffer.from(records[0]!.payload).toString('utf8')) as object;
    const later = Buffer.from(JSON.stringify({ ...barrier, term: [2, 0], tenure: 'another' }));
    world.journal.records.set(2, { ...records[0]!, sequence: 2, payload: later });
    world.journal.records.set(3, { ...decision, sequence: 3 });
    world.journal.last = 3;
    world.journal.release();
    await expect(answer).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(owner.status().phase).toBe('stopped');
  });

  it('refused by the fold is decided anew on the newer state, a few times at most', async () => {
    let tries = 0;
    const owner = await serving((_state, _verb, _request, ctx) => {
      tries++;
      return appending(ctx.nonce(), { n: 1, outcome: tries < 3 ? 'refused' : 'applied' });
    });
    const answer = ask(owner, 'add');
    await idle();
    expect(await answer).toMatchObject({ sequence: expect.any(Number) });
    expect(tries).toBe(3);
    const never = await serving((_state, _verb, _request, ctx) => appending(ctx.nonce(), { n: 1, outcome: 'refused' }));
    const refused = ask(never, 'add');
    await expect(refused).rejects.toMatchObject({ code: 'REFUSED', family: 'Conflict' });
  });

  it('that cannot be folded is tried once, and its app is told', async () => {
    const owner = await world.serve(1);
    const answer = ask(owner, 'add', { n: 1, outcome: 'throw' });
    await expect(answer).rejects.toMatchObject({ code: 'RECORD_SKIPPED' });
    expect(world.journal.bodies('decision')).toHaveLength(1);
    const rejected = ask(owner, 'add', { n: 1, outcome: 'rejected' });
    await expect(rejected).rejects.toMatchObject({ code: 'RECORD_SKIPPED' });
    expect(owner.status()).toMatchObject({ phase: 'serving', requests: 0 });
  });

  it('whose answer cannot be made fails alone', async () => {
    const owner = await serving((_state, verb, request, ctx) =>
      verb === 'view'
        ? { do: 'reply', body: 'well' }
        : appending(ctx.nonce(), request, {
            reply: () => {
              throw new Error('no answer');
            },
          }),
    );
    await expect(ask(owner, 'add', { n: 1 })).rejects.toThrow('no answer');
    expect(await ask(owner, 'view')).toBe('well');
  });
});

describe('a request', () => {
  it('that joins another gets its outcome', async () => {
    const owner = await serving((_state, _verb, request, ctx) =>
      ctx.overlay.length > 0 ? { do: 'join', key: 'k' } : appending('k', request),
    );
    const answers = [ask(owner, 'add', { n: 1 }), ask(owner, 'add', { n: 1 })];
    const [first, second] = await Promise.all(answers);
    expect(second).toEqual(first);
    expect(world.journal.bodies('decision')).toHaveLength(1);
  });

  it('joins the one it names, of several that are in flight', async () => {
    const owner = await serving((_state, _verb, request, ctx) => {
      const { key } = request as { key: string };
      const isInFlight = ctx.overlay.some((body: unknown) => (body as { key?: string }).key === key);
      return isInFlight ? { do: 'join', key } : appending(key, request);
    });
    const asks = ['k', 'l', 'k', 'l'].map((key) => ask(owner, 'add', { n: 1, key }));
    const [k, l, alsoK, alsoL] = await Promise.all(asks);
    expect([alsoK, alsoL]).toEqual([k, l]);
    expect(k).not.toEqual(l);
    expect(world.journal.bodies('decision')).toHaveLength(2);
  });

  it('above the limits is turned away with the time to come back', async () => {
    const owner = await world.serve(1, {}, { requestsPerActorMax: 2, requestsPerPartitionMax: 3 });
    world.journal.held = true;
    const [first, second] = [ask(owner, 'add', { n: 1 }), ask(owner, 'add', { n: 1 })];
    await expect(ask(owner, 'add', { n: 1 })).rejects.toMatchObject({ code: 'OVERLOADED', retryAfterMs: 100 });
    const third = ask(owner, 'add', { n: 1 }, 'b');
    await expect(ask(owner, 'add', { n: 1 }, 'c')).rejects.toMatchObject({ code: 'OVERLOADED' });
    world.journal.release();
    await Promise.all([first, second, third]);
    expect(owner.status().requests).toBe(0);
    await ask(owner, 'add', { n: 1 });
  });

  it('is bounded in bytes by app, and leaves others their part', async () => {
    const owner = await world.serve(1, {}, { requestBytesMax: 1_000 });
    world.journal.held = true;
    const send = (app: string, bytes: number): Promise<unknown> =>
      owner.request({ kind: 'user', token: 'a' }, 'add', { n: 1 }, { app, trace: undefined, bytes });
    const first = [send('flood', 600), send('flood', 400)];
    await expect(send('flood', 1)).rejects.toMatchObject({ code: 'OVERLOADED' });
    const quiet = send('quiet', 500);
    world.journal.release();
    await Promise.all([...first, quiet]);
    await send('flood', 1_000);
    expect(owner.status().requests).toBe(0);
  });

  it('that is sent round in circles ends', async () => {
    const owner = await serving(() => ({ do: 'redirect', address: { kind: 'user', token: 'b' } }));
    await expect(ask(owner, 'add')).rejects.toMatchObject({ code: 'REDIRECT_LOOP' });
  });

  it('to a kind that is none is told so', async () => {
    const owner = await world.serve(1);
    await expect(owner.request({ kind: 'zone', token: 'a' }, 'view', {})).rejects.toMatchObject({
      code: 'KIND_UNKNOWN',
    });
  });

  it('is not answered once the lease has run out', async () => {
    let held = true;
    const owner = await world.serve(1, { leaseHeld: () => held });
    held = false;
    await expect(ask(owner, 'view')).rejects.toMatchObject({ code: 'STALE_OWNER' });
    expect(owner.status().phase).toBe('stopped');
  });
});

describe('read your writes', () => {
  const decide = (state: Tally, _verb: string, _request: unknown, ctx: { degraded: readonly string[] }): Handling => ({
    do: 'reply',
    body: { sum: state.sum, degraded: ctx.degraded },
  });
  const after = (sequence: number, more: object = {}) =>
    encodePosition({ identity: 'id', partition: 0, sequence, ...more });

  it('waits until the fold has come to the token', async () => {
    const owner = await serving(decide);
    world.journal.held = true;
    const sequence = world.event('add');
    const answer = ask(owner, 'decide', { after: after(sequence), deadlineMs: 1_000 });
    await idle();
    expect(settledIn).toEqual([]);
    world.journal.release();
    expect(await answer).toEqual({ sum: 1, degraded: [] });
  });

  it('waits for the very record that the token names', async () => {
    const owner = await serving(decide);
    world.event('add');
    await idle();
    world.journal.held = true;
    const sequence = world.event('add');
    const last = world.event('add');
    const answer = ask(owner, 'decide', { after: after(last), deadlineMs: 1_000 });
    // All but the last one come.
    const kept = world.journal.records.get(last)!;
    world.journal.records.delete(last);
    world.journal.last = sequence;
    world.journal.release();
    await idle();
    expect(settledIn).toEqual([]);
    world.journal.records.set(last, kept);
    await world.clock.advance(900);
    expect(await answer).toEqual({ sum: 2, degraded: ['after'] });
  });

  it('says so where the deadline does not allow it, and waits no longer', async () => {
    const owner = await serving(decide);
    world.journal.held = true;
    const sequence = world.event('add');
    const answer = ask(owner, 'decide', { after: after(sequence), deadlineMs: 1_000 });
    await world.clock.advance(900);
    expect(await answer).toEqual({ sum: 0, degraded: ['after'] });
  });

  it.each([[NaN], [-5], [1e12], ['soon'], [undefined]])('does not take %p for a deadline', async (deadlineMs) => {
    const owner = await serving(decide, {}, { requestDeadlineMs: 2_000 });
    world.journal.held = true;
    const sequence = world.event('add');
    const answer = ask(owner, 'decide', { after: after(sequence), deadlineMs });
    await world.clock.advance(1_000);
    expect(settledIn).toEqual([]);
    await world.clock.advance(1_000);
    expect(await answer).toMatchObject({ degraded: ['after'] });
  });

  it('knows that a token of another partition or journal says nothing here', async () => {
    const owner = await serving(decide);
    expect(await ask(owner, 'decide', { after: after(99, { partition: 3 }) })).toMatchObject({ degraded: ['after'] });
    expect(await ask(owner, 'decide', { after: after(99, { identity: 'x' }) })).toMatchObject({ degraded: ['after'] });
    await expect(ask(owner, 'decide', { after: 'nonsense' })).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  });

  it('holds for consent too, by a token or by what JetStream acknowledged', async () => {
    const owner = await serving(decide);
    for (const [sum, named] of [
      [1, (seq: number) => after(seq)],
      [2, (seq: number) => ({ stream: 'ATTUNE_P0', seq, domain: 'x' })],
    ] as const) {
      world.journal.held = true;
      const sequence = world.event('add');
      const answer = ask(owner, 'consent', { after: named(sequence), deadlineMs: 1_000 });
      await idle();
      expect(settledIn).toHaveLength(sum - 1);
      world.journal.release();
      expect(await answer).toEqual({ sum, degraded: [] });
    }
    await expect(ask(owner, 'consent', { after: { stream: 'ATTUNE_P3', seq: 1 } })).rejects.toMatchObject({
      code: 'TOKEN_INVALID',
      field: 'after',
    });
  });

  it('ends with the tenure', async () => {
    const owner = await serving(decide);
    const answer = ask(owner, 'decide', { after: after(99) });
    await idle();
    owner.stop('test');
    await expect(answer).rejects.toMatchObject({ code: 'STALE_OWNER' });
  });
});
