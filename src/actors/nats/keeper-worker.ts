/** Entry of the keeper's thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { sleep, systemClock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { createLogger } from '../../kernel/logger.js';
import { ALL_PROTECTIONS } from '../host/protections.js';
import { KeeperLoop } from '../keeper/keeper-loop.js';
import { LeaseCells } from '../keeper/lease-cells.js';
import type { KeeperMessage } from '../keeper/protocol.js';
import { openKeeperBuckets } from './cluster.js';
import { connect, type NatsLink } from './connection.js';
import type { KeeperThreadData } from './keeper-thread.js';

const REACH_AGAIN_MS = 500;

const { nats, name, replicas, leaseTtlMs, hungAfterMs, logLevel, cells } = workerData as KeeperThreadData;
const log = createLogger(logLevel);
const { url, user, password } = nats;
const link = await reach();
const { leases, hosts } = await openKeeperBuckets(link, replicas);
const loop = new KeeperLoop({
  leases,
  hosts,
  cells: new LeaseCells(cells),
  clock: systemClock,
  ttlMs: leaseTtlMs,
  hungAfterMs,
  reply: (reply) => parentPort!.postMessage(reply),
  log,
  protections: ALL_PROTECTIONS,
});
loop.start();
// What was asked meanwhile has waited in the port.
parentPort!.on('message', (message: KeeperMessage) => {
  const done = loop.handle(message);
  if (message.do === 'stop') void done.then(() => link.close()).then(() => parentPort!.close());
});

/** A keeper that is started while the server is away waits for it, as the main thread does. */
async function reach(): Promise<NatsLink> {
  for (;;) {
    try {
      return await connect({
        url,
        name,
        log,
        ...(user === undefined || password === undefined ? {} : { user, pass: password }),
      });
    } catch (error) {
      if (EngineError.from(error).family !== 'Dependency') throw error;
      await sleep(systemClock, REACH_AGAIN_MS);
    }
  }
}
