import { setTimeout as pause } from 'node:timers/promises';
import { requestActor } from '../../../src/actors/nats/request-transport.js';
import { startNatsWorld } from '../../support/nats-world.js';
import { describePorts } from './suite.js';

describePorts('nats', async () => {
  const world = await startNatsWorld({ partitions: 2, leaseTtlMs: 500 });
  return {
    cluster: world.cluster,
    drive: (promise) => promise,
    expireLeases: async () => {
      // The server deletes on its own timer: wait for the deletion itself, however slow the machine.
      const gone = async () =>
        (await world.cluster.leases.keys('')).length + (await world.cluster.hosts.keys('')).length === 0;
      while (!(await gone())) await pause(50);
    },
    request: (subject, payload, trace) => requestActor(world.link.nc, subject, payload, 2_000, trace),
    close: () => world.dispose(),
  };
});
