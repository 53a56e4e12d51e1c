import { expect, it } from '@jest/globals';
import { HandClock } from '../../../test/support/host-world.js';
import { Slices } from '../../kernel/slices.js';
import { Activation } from './activation.js';
import { StateBroadcast } from './state-broadcast.js';

function setUp(broadcastResult: () => Promise<boolean>) {
  const clock = new HandClock();
  const said: string[] = [];
  /** The activation that stands for the actor now; undefined while it is passivated. */
  const actor: { active: Activation | undefined; stored: object } = { active: undefined, stored: {} };
  const activate = (state: object): Activation => new Activation('zone.a', { kind: 'zone', token: 'a' }, state);
  const broadcast = new StateBroadcast({
    kinds: new Map([['zone', { broadcast: (state: never) => state }]]) as never,
    transport: {
      broadcast: (_, payload) => {
        said.push(Buffer.from(payload).toString('utf8'));
        return broadcastResult();
      },
    },
    clock,
    everyMs: 20,
    slices: new Slices(clock),
    isServing: () => true,
    foldTimeMs: () => 0,
    present: () => actor.active ?? Promise.resolve().then(() => (actor.active = activate(actor.stored))),
  });
  /** A record is folded. */
  const change = (sequence: number, state: object): void => {
    actor.active ??= activate({});
    actor.active.sequence = sequence;
    actor.active.state = state;
    broadcast.add(actor.active);
    broadcast.schedule();
  };
  const passivate = (): void => {
    actor.stored = actor.active!.state as object;
    actor.active = undefined;
  };
  return { clock, said, broadcast, change, passivate, actor };
}

it('says again what the stream has not taken, as it is by then, and nothing twice that it has', async () => {
  let takes = false;
  const { clock, said, change, actor } = setUp(() => Promise.resolve(takes));
  change(1, { n: 1 });
  await clock.advance(20);
  expect(said).toEqual(['{"n":1}']);
  actor.active!.state = { n: 2 };
  takes = true;
  await clock.advance(5_000);
  expect(said).toEqual(['{"n":1}', '{"n":2}']);
  await clock.advance(60_000);
  expect(said).toHaveLength(2);
});

it('says the present state of an actor that was passivated and has come back since, never an older one after it', async () => {
  let takes = false;
  const { clock, said, change, passivate } = setUp(() => Promise.resolve(takes));
  change(1, { n: 1 });
  await clock.advance(20);
  passivate();
  change(2, { n: 2 });
  takes = true;
  await clock.advance(60_000);
  expect(said).toEqual(['{"n":1}', '{"n":2}']);
});

it('says what a passivated actor is by its snapshot', async () => {
  let takes = false;
  const { clock, said, change, passivate } = setUp(() => Promise.resolve(takes));
  change(1, { n: 1 });
  await clock.advance(20);
  passivate();
  takes = true;
  await clock.advance(60_000);
  expect(said).toEqual(['{"n":1}', '{"n":1}']);
});

it('owes an actor until it was heard, and what has changed while it was being said all the same', async () => {
  const answers: ((isHeard: boolean) => void)[] = [];
  const { clock, said, broadcast, change } = setUp(() => new Promise((resolve) => answers.push(resolve)));
  change(1, { n: 1 });
  await clock.advance(20);
  expect(broadcast.owed()).toEqual(['zone.a']);
  change(2, { n: 2 });
  answers.shift()!(true);
  await clock.advance(1_000);
  expect(broadcast.owed()).toEqual(['zone.a']);
  expect(said).toEqual(['{"n":1}', '{"n":2}']);
  answers.shift()!(true);
  await clock.advance(1_000);
  expect(broadcast.owed()).toEqual([]);
});

it('says what the owner before it owed', async () => {
  const { clock, said, broadcast, actor } = setUp(() => Promise.resolve(true));
  actor.stored = { n: 7 };
  broadcast.inherit(['zone.a', 'nothing.b']);
  broadcast.schedule();
  await clock.advance(1_000);
  expect(said).toEqual(['{"n":7}']);
  expect(broadcast.owed()).toEqual([]);
});
