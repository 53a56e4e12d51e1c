import { expect, it } from '@jest/globals';
import { HandClock } from '../../../test/support/host-world.js';
import { Slices } from '../../kernel/slices.js';
import { Activation } from './activation.js';
import { StateBroadcast } from './state-broadcast.js';

it('says again what the stream has not taken, as it is by then, and nothing twice that it has', async () => {
  const clock = new HandClock();
  const said: string[] = [];
  let takes = false;
  const broadcast = new StateBroadcast({
    kinds: new Map([['zone', { broadcast: (state: never) => state }]]) as never,
    transport: {
      broadcast: (_, payload) => {
        said.push(Buffer.from(payload).toString('utf8'));
        return Promise.resolve(takes);
      },
    },
    clock,
    everyMs: 20,
    slices: new Slices(clock),
    isServing: () => true,
    foldTimeMs: () => 0,
  });
  const activation = new Activation('zone.a', { kind: 'zone', token: 'a' }, { n: 1 });
  broadcast.add(activation);
  broadcast.schedule();
  await clock.advance(20);
  expect(said).toEqual(['{"n":1}']);
  activation.state = { n: 2 };
  takes = true;
  await clock.advance(5_000);
  expect(said).toEqual(['{"n":1}', '{"n":2}']);
  await clock.advance(60_000);
  expect(said).toHaveLength(2);
});
