/** The zero-setup default: a nats-server and a PostgreSQL of our own, in one state directory. */
import { rm } from 'node:fs/promises';
import type { AppGrant } from './nats/configuration.js';
import { startNats, type NatsOptions } from './nats/server.js';
import { removeOutsideData } from './postgres/location.js';
import { startPostgres, type PostgresOptions } from './postgres/server.js';
import { lockStateDir, prepareStateDir } from './state-dir.js';

export interface EmbeddedOptions {
  readonly stateDir: string;
  readonly partitions: number;
  /** The apps, and whether whoever connects to the embedded NATS without a name is the first of them. */
  readonly apps?: readonly AppGrant[] | undefined;
  readonly isOpen?: boolean | undefined;
  /** With `url`, nothing is started and the URL is handed back. */
  readonly nats?:
    | Omit<NatsOptions, 'stateDir' | 'partitions' | 'apps' | 'isOpen' | 'say'>
    | { readonly url: string; readonly user?: string | undefined; readonly password?: string | undefined };
  /** Likewise. `off`: no PostgreSQL at all. */
  readonly postgres?: Omit<PostgresOptions, 'stateDir' | 'say'> | { readonly url: string } | 'off';
  /** What a person should know while it happens: installs, first starts, revivals. */
  readonly say: (line: string) => void;
}

/** A server that is there, started by us or not. Where it is not ours, `stop` and `restart` do nothing. */
export interface EmbeddedServer {
  readonly url: string;
  readonly isOurs: boolean;
  readonly pid: number | undefined;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

export interface EmbeddedNats extends EmbeddedServer {
  readonly user: string | undefined;
  readonly password: string | undefined;
}

export interface EmbeddedServers {
  /** Absolute. */
  readonly stateDir: string;
  readonly nats: EmbeddedNats;
  readonly postgres: EmbeddedServer | undefined;
  /** Stops what was started and gives the state directory back. Idempotent. */
  stop(): Promise<void>;
}

const nothing = async (): Promise<void> => {};

/**
 * Starts what was not given, both at once; if one fails, the other is stopped. Holds the state directory's lock until
 * `stop`; rejects with Configuration `STATE_DIR_IN_USE` and what startNats and startPostgres reject with.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServers> {
  const stateDir = await prepareStateDir(options.stateDir);
  const unlock = startsNothing(options) ? nothing : await lockStateDir(stateDir);
  const [nats, postgres] = await Promise.allSettled([natsFor(options, stateDir), postgresFor(options, stateDir)]);
  if (nats.status === 'rejected' || postgres.status === 'rejected') {
    if (nats.status === 'fulfilled') await nats.value.stop();
    if (postgres.status === 'fulfilled') await postgres.value?.stop();
    await unlock();
    throw nats.status === 'rejected' ? nats.reason : (postgres as PromiseRejectedResult).reason;
  }
  return {
    stateDir,
    nats: nats.value,
    postgres: postgres.value,
    stop: async () => {
      await Promise.all([nats.value.stop(), postgres.value?.stop()]);
      await unlock();
    },
  };
}

/** Removes a state directory with everything that belongs to it. Rejects with `STATE_DIR_IN_USE` while it is used. */
export async function removeState(path: string): Promise<void> {
  const stateDir = await prepareStateDir(path);
  const unlock = await lockStateDir(stateDir);
  try {
    await removeOutsideData(stateDir);
    await rm(stateDir, { recursive: true, force: true });
  } finally {
    await unlock();
  }
}

function startsNothing({ nats, postgres }: EmbeddedOptions): boolean {
  return nats !== undefined && 'url' in nats && (postgres === 'off' || (postgres !== undefined && 'url' in postgres));
}

async function natsFor(
  { nats, partitions, apps, isOpen, say }: EmbeddedOptions,
  stateDir: string,
): Promise<EmbeddedNats> {
  if (nats && 'url' in nats) {
    const { url, user, password } = nats;
    return { url, user, password, isOurs: false, pid: undefined, stop: nothing, restart: nothing };
  }
  return Object.assign(await startNats({ ...nats, stateDir, partitions, apps, isOpen, say }), { isOurs: true });
}

async function postgresFor({ postgres, say }: EmbeddedOptions, stateDir: string): Promise<EmbeddedServer | undefined> {
  if (postgres === 'off') return undefined;
  if (postgres && 'url' in postgres) {
    return { url: postgres.url, isOurs: false, pid: undefined, stop: nothing, restart: nothing };
  }
  return Object.assign(await startPostgres({ ...postgres, stateDir, say }), { isOurs: true });
}
