/**
 * Floods by NATS, as fast as the server takes them, while facts are expected and nobody writes them, so that nothing may be
 * trimmed. At the very limit of a stream nats-server 2.9.10 drops what is oldest, whatever the stream says of what is new:
 * journals shut events out before they come there.
 */
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, createInbox, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DEFAULT_APP } from '../../src/kernel/ids.js';
import { streams, subjects } from '../../src/messages/subjects.js';
import { endEngineProcesses, startEngineProcess, type EngineProcess } from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { get } from '../support/rest.js';

const JOURNAL_BYTES_MAX = 3 * 1024 * 1024;
/** Of what is sent at once, and after it was first refused. */
const GROUP_BYTES = 256 * 1024;
const SENT_BYTES_MAX = 10 * JOURNAL_BYTES_MAX;
const ON_BYTES = JOURNAL_BYTES_MAX;
/** Of payloads, each flooding a partition of its own. */
const SIZES = [2, 300, 5_000, 250_000];
const SETTINGS = {
  'cluster.partitions': SIZES.length,
  'cluster.leaseTtlMs': 1500,
  'storage.journals.bytesMax': JOURNAL_BYTES_MAX,
};

let nats: TestNats;
let engine: EngineProcess;
let nc: NatsConnection;
let jsm: JetStreamManager;

beforeAll(async () => {
  nats = await startTestNats({ partitions: SIZES.length });
  engine = await startEngineProcess({
    nats: nats.engine,
    databaseUrl: 'postgresql://nobody@127.0.0.1:1/none',
    settings: SETTINGS,
  });
  nc = await connect({ servers: nats.url, user: nats.engine.user, pass: nats.engine.pass });
  jsm = await jetstreamManager(nc);
});

afterAll(async () => {
  await nc?.close();
  await endEngineProcesses();
  await nats.dispose();
});

const stateOf = async (partition: number) => (await jsm.streams.info(streams.journal(partition))).state;
const ownerOf = async (partition: number): Promise<any> =>
  (await get(engine.url, '/v1/status')).body.hosts[0].partitions.find((one: any) => one.partition === partition);

/** Floods a journal until it has refused for a while; resolves to how many events it took. */
async function flood(partition: number, payload: Uint8Array): Promise<number> {
  const subject = subjects.record(partition, 'event', DEFAULT_APP, 'user', 'flooded', 'click');
  const inbox = createInbox();
  let taken = 0;
  let refused = 0;
  const answers = nc.subscribe(inbox, {
    callback: (_, { data, headers }) => {
      const isTaken = headers === undefined && !Buffer.from(data).includes('"error"');
      if (isTaken) taken++;
      else refused++;
    },
  });
  const stored = payload.length + subject.length + 30;
  const group = Math.max(1, Math.floor(GROUP_BYTES / stored));
  let sent = 0;
  const send = async (): Promise<void> => {
    for (let i = 0; i < group; i++) nc.publish(subject, payload, { reply: inbox });
    sent += group;
    await nc.flush();
  };
  while (refused === 0 && sent * stored < SENT_BYTES_MAX) await send();
  for (const last = sent + ON_BYTES / stored; sent < last;) await send();
  await eventually('all are answered', () => taken + refused === sent);
  answers.unsubscribe();
  expect(refused).toBeGreaterThan(0);
  return taken;
}

test.each(SIZES.map((bytes, partition) => [bytes, partition]))(
  'events of %i bytes are shut out before the journal drops anything',
  async (bytes, partition) => {
    const payload = Buffer.from(bytes === 2 ? '{}' : JSON.stringify({ pad: 'x'.repeat(bytes - 10) }));
    const before = await stateOf(partition);
    const taken = await flood(partition, payload);
    const { first_seq, last_seq, bytes: stored } = await stateOf(partition);
    // Whatever was acknowledged is there, from the first record on.
    expect(first_seq).toBe(1);
    expect(last_seq).toBeGreaterThanOrEqual(before.last_seq + taken);
    expect(stored).toBeLessThan(1.5 * JOURNAL_BYTES_MAX);
    await eventually('everything that was taken is folded', async () => {
      const { sequence, counters } = await ownerOf(partition);
      return sequence === last_seq && counters.folded === sequence;
    });
  },
);
