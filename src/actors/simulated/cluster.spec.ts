import { describe, expect, it } from '@jest/globals';
import type { AppendOutcome, JournalMessage, JournalRecord } from '../host/ports.js';
import { SimulatedProcess, Timeline } from './clock.js';
import { SimulatedCluster } from './cluster.js';
import { ANSWER_TIMEOUT_MS, SimulatedConnection } from './connection.js';
import { CALM, type Weather } from './faults.js';
import { SimulatedServer } from './server.js';

interface Node {
  readonly process: SimulatedProcess;
  readonly connection: SimulatedConnection;
  readonly cluster: SimulatedCluster;
}

function world(weather: Partial<Weather> = {}, seed = 1) {
  const timeline = new Timeline(seed);
  const server = new SimulatedServer(timeline, { partitions: 1, leaseTtlMs: 500 });
  server.weather = { ...CALM, ...weather };
  const node = (name: string): Node => {
    const process = new SimulatedProcess(timeline, name);
    const connection = new SimulatedConnection(process, server);
    return { process, connection, cluster: new SimulatedCluster(connection) };
  };
  const stored = (): string[] => server.journals[0]!.records.map(({ payload }) => Buffer.from(payload).toString());
  return { timeline, server, node, stored };
}

const message = (text: string): JournalMessage => ({
  subject: 'attune.p.0.event.app.user.1.click',
  payload: Buffer.from(JSON.stringify(text)),
});

function outcomeOf(promise: Promise<AppendOutcome[]>): { readonly statuses: string[] } {
  const seen = { statuses: [] as string[] };
  void promise.then((outcomes) => seen.statuses.push(...outcomes.map(({ status }) => status)));
  return seen;
}

describe('publishing through the simulated server', () => {
  it('says unknown after a while, whether the message or its acknowledgement was lost', async () => {
    for (const [weather, count] of [
      [{ publishLost: 1 }, 0],
      [{ ackLost: 1 }, 1],
      [{ ackLate: 1, ackLateMaxMs: 1e9 }, 1],
    ] as const) {
      const { timeline, node, stored } = world(weather);
      const seen = outcomeOf(
        node('a')
          .cluster.journal(0)
          .append([message('x')]),
      );
      await timeline.run(ANSWER_TIMEOUT_MS - 1);
      expect(seen.statuses).toEqual([]);
      await timeline.run(ANSWER_TIMEOUT_MS + 10);
      expect(seen.statuses).toEqual(['unknown']);
      expect(stored()).toHaveLength(count);
    }
  });

  it('refuses while the disk is full', async () => {
    const { timeline, server, node, stored } = world();
    server.diskFullUntilMs = 100;
    const { cluster } = node('a');
    const seen = outcomeOf(cluster.journal(0).append([message('x')]));
    await timeline.run(50);
    expect(seen.statuses).toEqual(['refused']);
    await timeline.run(100);
    outcomeOf(cluster.journal(0).append([message('y')]));
    await timeline.run(150);
    expect(stored()).toEqual(['"y"']);
  });

  it('keeps the order of one connection, and lets a broken one arrive behind the next', async () => {
    const { timeline, node, stored } = world({ lateAfterBreakMaxMs: 1_000, latencyMinMs: 5, latencyMaxMs: 6 });
    const { connection, cluster } = node('a');
    const early = outcomeOf(cluster.journal(0).append([message('1'), message('2'), message('3')]));
    await timeline.run(1);
    connection.breakOff('late');
    await timeline.run(2);
    expect(early.statuses).toEqual(['unknown', 'unknown', 'unknown']);
    const late = outcomeOf(cluster.journal(0).append([message('4'), message('5')]));
    await timeline.run(2_000);
    expect(late.statuses).toEqual(['stored', 'stored']);
    const order = stored();
    expect(order.slice(0, 2)).toEqual(['"4"', '"5"']);
    expect(order.slice(2)).toEqual(['"1"', '"2"', '"3"'].slice(0, order.length - 2));
    expect(order.length).toBeGreaterThan(2);
  });

  it('stores what a killed process had sent, and nothing it would have sent', async () => {
    const { timeline, node, stored } = world({ lateAfterBreakMaxMs: 1_000, latencyMinMs: 5, latencyMaxMs: 6 });
    const { process, connection, cluster } = node('a');
    void cluster
      .journal(0)
      .append([message('sent')])
      .then(() => cluster.journal(0).append([message('never')]));
    await timeline.run(1);
    process.kill();
    connection.breakOff('late');
    await timeline.run(5_000);
    expect(stored()).toEqual(['"sent"']);
  });

  it('loses nothing that is stored in a restart', async () => {
    const { timeline, server, node, stored } = world();
    const { cluster } = node('a');
    outcomeOf(cluster.journal(0).append([message('before')]));
    await timeline.run(10);
    server.restart(100);
    const during = outcomeOf(cluster.journal(0).append([message('during')]));
    await timeline.run(115);
    expect(during.statuses).toEqual(['stored']);
    expect(stored()).toEqual(['"before"', '"during"']);
  });
});

describe('reading through the simulated server', () => {
  it('gives each record once and in order, however often the connection breaks', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { timeline, server, node } = world({ deliveryLate: 0.2, deliveryLateMaxMs: 50 }, seed);
      const { connection, cluster, process } = node('reader');
      const writer = node('writer');
      const seen: JournalRecord[] = [];
      cluster.journal(0).read(
        1,
        (record) => seen.push(record),
        () => undefined,
      );
      for (let i = 0; i < 50; i++) timeline.at(i * 10, () => void writer.cluster.journal(0).append([message(`${i}`)]));
      timeline.at(95, () => connection.breakOff('lost', 30));
      timeline.at(200, () => process.pause());
      timeline.at(215, () => connection.breakOff('late'));
      timeline.at(290, () => process.resume());
      timeline.at(400, () => server.restart(20));
      await timeline.run(2_000);
      const { lastSequence } = server.journals[0]!;
      expect(lastSequence).toBeGreaterThan(40);
      expect(seen.map(({ sequence }) => sequence)).toEqual(Array.from({ length: lastSequence }, (_, i) => i + 1));
    }
  });

  it('tells a reader that it is lost, and delivers nothing more', async () => {
    const { timeline, node } = world({ readerLost: 1 });
    const { cluster } = node('a');
    let lost = 0;
    let delivered = 0;
    cluster.journal(0).read(
      1,
      () => delivered++,
      () => lost++,
    );
    outcomeOf(cluster.journal(0).append([message('x'), message('y')]));
    await timeline.run(100);
    expect([lost, delivered]).toEqual([1, 0]);
  });
});

describe('keys and values of the simulated server', () => {
  const errorOf = async (timeline: Timeline, promise: Promise<unknown>): Promise<string | undefined> => {
    let code: string | undefined;
    promise.catch((error: { code: string }) => (code = error.code));
    await timeline.run(timeline.nowMs + ANSWER_TIMEOUT_MS + 10);
    return code;
  };

  it('may execute a write whose answer is lost', async () => {
    const { timeline, server, node } = world({ answerLost: 1 });
    const promise = node('a').cluster.snapshots(0).put('k', Buffer.from('v'), 0);
    expect(await errorOf(timeline, promise)).toBe('ANSWER_TIMEOUT');
    expect(server.snapshots[0]!.get('k', timeline.nowMs)?.revision).toBe(1);
  });

  it('are out of reach for a while', async () => {
    const { timeline, server, node } = world();
    server.keysDownUntilMs = 1_000;
    const promise = node('a').cluster.leases.put('k', Buffer.from('v'), 0);
    expect(await errorOf(timeline, promise)).toBe('UNAVAILABLE');
    expect(server.leases.get('k', timeline.nowMs)).toBeUndefined();
  });

  it('forget leases by simulated time, each since its last write', async () => {
    const { timeline, server, node } = world();
    const { cluster } = node('a');
    void cluster.leases
      .put('k', Buffer.from('1'), 0)
      .then((revision) => timeline.at(400, () => void cluster.leases.put('k', Buffer.from('2'), revision!)));
    await timeline.run(850);
    expect(server.leases.get('k', timeline.nowMs)).toBeDefined();
    await timeline.run(950);
    expect(server.leases.get('k', timeline.nowMs)).toBeUndefined();
  });
});
