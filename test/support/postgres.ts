/** A private PostgreSQL for one test file: its own folder under the temporary one, a free port. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeState } from '../../src/embedded/embedded.js';
import { startPostgres } from '../../src/embedded/postgres/server.js';

export interface TestPostgres {
  readonly url: string;
  /** Fast stop: open connections are cut. */
  stop(): Promise<void>;
  /** Starts it again, with the same port and data. */
  start(): Promise<void>;
  /** Stops it and deletes its folder. */
  dispose(): Promise<void>;
}

export async function startTestPostgres(): Promise<TestPostgres> {
  const stateDir = await mkdtemp(join(tmpdir(), 'attune-postgres-'));
  const server = await startPostgres({ stateDir, say: () => undefined });
  return {
    url: server.url,
    stop: () => server.stop(),
    start: () => server.restart(),
    dispose: async () => {
      await server.stop();
      await removeState(stateDir);
    },
  };
}
