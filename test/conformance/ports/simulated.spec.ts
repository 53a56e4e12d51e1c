import { requestActor } from '../../../src/actors/simulated/client.js';
import { SimulatedProcess, Timeline } from '../../../src/actors/simulated/clock.js';
import { SimulatedCluster } from '../../../src/actors/simulated/cluster.js';
import { SimulatedConnection } from '../../../src/actors/simulated/connection.js';
import { SimulatedServer } from '../../../src/actors/simulated/server.js';
import { describePorts } from './suite.js';

const LEASE_TTL_MS = 500;
const STEP_MS = 10;
/** Simulated time after which a promise will not settle any more. */
const PATIENCE_MS = 60_000;

describePorts('simulated', () => {
  const timeline = new Timeline(1);
  const server = new SimulatedServer(timeline, { partitions: 2, leaseTtlMs: LEASE_TTL_MS });
  const connect = (name: string): SimulatedConnection =>
    new SimulatedConnection(new SimulatedProcess(timeline, name), server);
  const app = connect('app');
  return Promise.resolve({
    cluster: new SimulatedCluster(connect('host')),
    drive: async <T>(promise: Promise<T>): Promise<T> => {
      let settled = false;
      const mark = (): void => void (settled = true);
      promise.then(mark, mark);
      const endMs = timeline.nowMs + PATIENCE_MS;
      while (!settled && timeline.nowMs < endMs) await timeline.run(timeline.nowMs + STEP_MS);
      if (!settled) throw new Error(`nothing came of it within ${PATIENCE_MS} simulated ms`);
      return promise;
    },
    expireLeases: () => timeline.run(timeline.nowMs + LEASE_TTL_MS + 1),
    // A subscription takes a moment to reach the server: as long as a message does.
    request: async (subject: string, payload: Uint8Array, trace?: string) => {
      await new Promise<void>((resolve) => void app.process.clock.after(STEP_MS, resolve));
      return requestActor(app, subject, payload, 2_000, trace);
    },
    close: () => Promise.resolve(),
  });
});
