/** Runs a PostgreSQL of Attune's own, from the binaries that npm brought: loopback, password, data kept. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../../kernel/errors.js';
import { commandLine, endProcess, isAlive, run } from '../processes.js';
import { choosePort, prepareStateDir, randomSecret, remembered } from '../state-dir.js';
import { supervise } from '../supervised.js';
import { postgresBinaries, type PostgresBinaries } from './binaries.js';
import { locatePostgres, type Location } from './location.js';

/** Owns its database and nothing else: whoever gets hold of its password cannot run programs or read files. */
const USER = 'attune';
/** Made by initdb, which needs a superuser; its password is thrown away, so that nobody connects as it. */
const SUPERUSER = 'postgres';
const DATABASE = 'attune';
/** In the data directory: its role is a plain one. */
const ROLE_MARK = 'attune.role';

export interface PostgresOptions {
  readonly stateDir: string;
  /** 0 or left out: the port of the last start, or a free one. */
  readonly port?: number | undefined;
  readonly say: (line: string) => void;
}

export interface RunningPostgres {
  /** With user and password: a secret. */
  readonly url: string;
  readonly pid: number | undefined;
  readonly dataDir: string;
  readonly logFile: string;
  /** Fast shutdown: open transactions are rolled back, everything committed is on disk. Idempotent. */
  stop(): Promise<void>;
  /** Same port, same data. */
  restart(): Promise<void>;
}

/**
 * Makes the database cluster at the first start, then starts it and resolves when it accepts connections. A server
 * that an earlier, killed process left behind is stopped first. Rejects with Configuration `POSTGRES_*`,
 * `PORT_IN_USE` or `EMBEDDED_START_FAILED`.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const stateDir = await prepareStateDir(options.stateDir);
  const location = await locatePostgres(stateDir, options.say);
  const dataDir = join(location.folder, 'data');
  await stopLeftover(dataDir, options.say);
  const binaries = await postgresBinaries(location.folder, location.runner);
  const own = join(stateDir, 'postgres');
  const password = await remembered(join(own, 'password'), randomSecret);
  await makeCluster(location, binaries, dataDir, password, options.say);
  await requireVersion(dataDir, binaries.major);
  await requirePlainRole(dataDir);
  const port = await choosePort(options.port, join(own, 'port'));
  const logFile = join(own, 'postgres.log');
  const server = await supervise({
    name: 'PostgreSQL',
    command: binaries.postgres,
    args: serverArguments(dataDir, port),
    logFile,
    stopSignal: 'INT',
    ...location.runner,
    isReady: (pid) => isReady(dataDir, pid),
    say: options.say,
  });
  return {
    url: `postgresql://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`,
    get pid() {
      return server.pid();
    },
    dataDir,
    logFile,
    stop: () => server.stop(),
    restart: () => server.restart(),
  };
}

function serverArguments(dataDir: string, port: number): string[] {
  const settings: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 50,
    shared_buffers: '64MB',
    timezone: 'UTC',
  };
  return ['-D', dataDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** initdb into a draft, renamed when it is whole, so that a kill in between leaves nothing half made. */
async function makeCluster(
  location: Location,
  binaries: PostgresBinaries,
  dataDir: string,
  password: string,
  say: (line: string) => void,
): Promise<void> {
  if ((await majorOf(dataDir)) !== undefined) return;
  say('preparing the embedded PostgreSQL (first start)');
  const { folder, runner } = location;
  const draft = join(folder, 'data.draft');
  const passwordFile = join(folder, 'initdb.password');
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, randomSecret(), { mode: 0o600, flag: 'wx' });
  if (runner.uid !== undefined) {
    await chown(draft, runner.uid, runner.gid ?? runner.uid);
    await chown(passwordFile, runner.uid, runner.gid ?? runner.uid);
  }
  try {
    const how = ['-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--locale=C'];
    await run(binaries.initdb, ['-D', draft, '-U', SUPERUSER, ...how], { ...runner, cwd: '/' });
    await single(binaries, draft, location, createRole(password));
    await writeFile(join(draft, ROLE_MARK), 'plain\n', { mode: 0o600 });
    await rename(draft, dataDir);
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: string; message: string };
    throw new EngineError(
      'Configuration',
      'POSTGRES_INIT_FAILED',
      `The embedded PostgreSQL could not be prepared in ${folder}: ${stderr?.trim() || message}`,
      { cause },
    );
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** The password is hexadecimal digits, so it needs no quoting. */
const createRole = (password: string): readonly string[] => [
  `CREATE ROLE ${USER} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD '${password}'`,
  `CREATE DATABASE ${DATABASE} OWNER ${USER}`,
];

/** Runs statements as the superuser in single-user mode, which needs no port and no client. */
async function single(
  binaries: PostgresBinaries,
  dataDir: string,
  { runner }: Location,
  statements: readonly string[],
): Promise<void> {
  // No statement reaches a log: one of them holds a password.
  const quiet = ['-c', 'log_min_error_statement=panic', '-c', 'log_statement=none'];
  const child = spawn(binaries.postgres, ['--single', ...quiet, '-D', dataDir, 'template1'], {
    ...runner,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk) => (complaint += String(chunk)));
  const ended = once(child, 'close');
  child.stdin.end(statements.map((statement) => `${statement}\n`).join(''));
  const [code] = (await ended) as [number | null];
  // Single-user mode exits with 0 even where a statement failed; its complaint then has the level ERROR.
  if (code !== 0 || /ERROR|FATAL|PANIC/.test(complaint)) throw new Error(complaint.trim() || `exit code ${code}`);
}

/** Data of before, whose `attune` was the superuser, are refused: its password would still be good for everything. */
async function requirePlainRole(dataDir: string): Promise<void> {
  if ((await readFile(join(dataDir, ROLE_MARK), 'utf8').catch(() => '')) !== '') return;
  throw new EngineError(
    'Configuration',
    'POSTGRES_ROLE_UNFIT',
    `${dataDir} was made by an older build, whose role was a superuser. Data of that build cannot be kept: begin a new cluster in another state directory, or set DATABASE_URL.`,
  );
}

const majorOf = async (dataDir: string): Promise<string | undefined> =>
  (await readFile(join(dataDir, 'PG_VERSION'), 'utf8').catch(() => undefined))?.trim();

async function requireVersion(dataDir: string, major: string): Promise<void> {
  const data = await majorOf(dataDir);
  if (data === major) return;
  throw new EngineError(
    'Configuration',
    'POSTGRES_DATA_VERSION',
    `${dataDir} was made by PostgreSQL ${data}; the programs here are version ${major}. Dump and restore it, or move it away.`,
  );
}

/** The lines of postmaster.pid: pid, data directory, …; the eighth says `ready`. */
async function postmaster(dataDir: string): Promise<{ pid: number; status: string } | undefined> {
  const text = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const lines = text.split('\n');
  return { pid: Number(lines[0]), status: (lines[7] ?? '').trim() };
}

async function isReady(dataDir: string, pid: number): Promise<boolean> {
  const found = await postmaster(dataDir);
  return found?.pid === pid && found.status === 'ready';
}

async function stopLeftover(dataDir: string, say: (line: string) => void): Promise<void> {
  const found = await postmaster(dataDir);
  if (!found || !(found.pid > 0) || !isAlive(found.pid)) return;
  // The pid may belong to somebody else by now; our server has its data directory on its command line.
  const command = await commandLine(found.pid);
  if (!command.includes('postgres') || !command.includes(dataDir)) return;
  say(`stopping the PostgreSQL that an earlier run left behind (pid ${found.pid})`);
  await endProcess(found.pid, 'SIGINT', 20_000);
}
