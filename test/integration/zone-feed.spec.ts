/** The zone replica fed from a real state stream, through a restart of the server and a stream that comes late. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { setTimeout as pause } from 'node:timers/promises';
import { NatsZoneFeed } from '../../src/actors/replica/nats-zone-feed.js';
import { ZoneReplica } from '../../src/actors/replica/zone-replica.js';
import { systemClock } from '../../src/kernel/clock.js';
import { streams, subjects } from '../../src/messages/subjects.js';
import type { ZoneFacts } from '../../src/messages/zones.js';
import { startNatsWorld, type NatsWorld } from '../support/nats-world.js';

const facts = (cell: string, sequence: number): ZoneFacts => ({
  cell,
  sequence,
  atMs: 0,
  mode: 'balanced',
  pickups: 0,
  drivers: 0,
  pickupsTotal: sequence,
  hoursSeen: 1,
  expectedByHour: [],
  hourIndex: 0,
  thisHour: 0,
  lastHour: 0,
  incentiveCents: 0,
});

/** Waits for a condition, however long the machine takes; the test's own timeout is the limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(20);
}

describe('NatsZoneFeed', () => {
  let world: NatsWorld;
  let jsm: JetStreamManager;
  let feed: NatsZoneFeed | undefined;
  let replica: ZoneReplica;

  const publish = (subject: string, body: unknown): void => world.link.nc.publish(subject, JSON.stringify(body));
  const broadcast = (cell: string, sequence: number): void =>
    publish(subjects.state('zone', cell), facts(cell, sequence));
  const total = (cell: string): number | undefined => replica.get(cell)?.pickupsTotal;

  beforeEach(async () => {
    world = await startNatsWorld({ partitions: 2, leaseTtlMs: 2000 });
    jsm = await jetstreamManager(world.link.nc);
    replica = new ZoneReplica(systemClock);
  });

  afterEach(async () => {
    feed?.stop();
    await world.dispose();
  });

  it('catches up with the last broadcast of each zone, then follows', async () => {
    for (let i = 1; i <= 300; i++) broadcast(`cell${i % 50}`, i);
    broadcast('other', 1);
    publish(subjects.state('campaign', 'spring'), { id: 'spring' });
    await world.link.nc.flush();
    feed = new NatsZoneFeed(world.link, jsm, replica);
    await until(() => replica.staleMs() < Infinity);
    expect(replica.size).toBe(51);
    expect([total('cell0'), total('cell49')]).toEqual([300, 299]);
    broadcast('cell0', 301);
    await until(() => total('cell0') === 301);
  });

  it('is caught up with an empty stream', async () => {
    feed = new NatsZoneFeed(world.link, jsm, replica);
    await until(() => replica.staleMs() < Infinity);
    expect(replica.size).toBe(0);
  });

  it('passes over what is no zone facts', async () => {
    feed = new NatsZoneFeed(world.link, jsm, replica);
    publish(subjects.state('zone', 'a'), { cell: 'a' });
    world.link.nc.publish(subjects.state('zone', 'b'), 'not json');
    publish(subjects.state('zone', 'c'), facts('d', 1));
    broadcast('e', 1);
    await until(() => replica.size > 0);
    expect([...replica.all()].map((z) => z.cell)).toEqual(['e']);
    expect(world.link.unreadable.counts()).toEqual({ 'zone-broadcast': 3 });
  });

  it('goes on after a restart of the server, with what it missed', async () => {
    broadcast('a', 1);
    feed = new NatsZoneFeed(world.link, jsm, replica);
    await until(() => total('a') === 1);
    await world.server.restart();
    await until(() => world.link.up);
    broadcast('a', 2);
    broadcast('b', 1);
    await until(() => total('a') === 2 && total('b') === 1);
  });

  it('goes on when its consumer is deleted behind its back', async () => {
    feed = new NatsZoneFeed(world.link, jsm, replica);
    await until(() => replica.staleMs() < Infinity);
    for await (const consumer of jsm.consumers.list(streams.state)) {
      await jsm.consumers.delete(streams.state, consumer.name);
    }
    broadcast('a', 1);
    await until(() => total('a') === 1);
  });

  it('waits for a stream that is not there yet, and hears nothing after stop', async () => {
    const { config } = await jsm.streams.info(streams.state);
    await jsm.streams.delete(streams.state);
    feed = new NatsZoneFeed(world.link, jsm, replica);
    await pause(300);
    expect(replica.staleMs()).toBe(Infinity);
    await jsm.streams.add(config);
    broadcast('a', 1);
    await until(() => total('a') === 1);
    feed.stop();
    feed.stop();
    broadcast('a', 2);
    await world.link.nc.flush();
    await pause(100);
    expect(total('a')).toBe(1);
  });
});
